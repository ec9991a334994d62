"""Pictures of the report for the README, of made-up outcomes: ``python -m benchmarks.pictures``.
Needs Chromium (``apt-get install chromium``).
"""

import tempfile
from pathlib import Path

from benchmarks import made_up
from benchmarks.chromium import Page
from benchmarks.dry_run import REPO
from xsar_batch import report
from xsar_batch.conversion.layout import Layout

#: Of a picture, in pixels; wider ones make the README heavy.
WIDTH = 940

#: West, south, east and north of an archive round Fiji, in degrees.
PACIFIC = ((172, -28, 190, -8),)

#: Everything that changes from day to day or from place to place.
_STEADY = "document.querySelector('.where').textContent = '/home/datawork/l1b · made-up outcomes'"

#: The map is drawn also where it is not seen.
_ALL_DRAWN = (
    "document.getElementById('frame').style.contentVisibility = 'visible';"
    "new Promise(done => setTimeout(done, 500))"
)


def main() -> None:
    pictures = REPO / "docs" / "pictures"
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, Page(WIDTH, 900) as page:
        file = Path(temporary) / "report.html"
        table = made_up.table(380, made_up.ATLANTIC)
        report.write(file, table, Layout(Path(temporary)), {}, {})
        page.open(file)
        page.do(_STEADY)
        page.do(_ALL_DRAWN)
        below = "getBoundingClientRect().bottom + scrollY"
        end_of_map = page.do(f"document.getElementById('frame').{below}")
        page.screenshot(pictures / "report.png", x=0, y=0, width=WIDTH, height=end_of_map + 10)
        page.do("document.querySelector('.group').open = true")
        top = page.do("document.getElementById('charts').getBoundingClientRect().top + scrollY")
        end = page.do(f"document.querySelector('.group').{below}")
        page.screenshot(
            pictures / "report-charts.png", x=0, y=top - 20, width=WIDTH, height=end - top + 30
        )
        # A telephone in the dark, and an archive across ±180°.
        page.size(400, 900)
        page.media(prefers_color_scheme="dark")
        report.write(file, made_up.table(3, made_up.ATLANTIC), Layout(Path(temporary)), {}, {})
        page.open(file)
        page.do(_STEADY)
        page.do(_ALL_DRAWN)
        page.screenshot(pictures / "report-narrow.png", x=0, y=0, width=400, height=1400)
        page.size(WIDTH, 900)
        page.media(prefers_color_scheme="light")
        report.write(file, made_up.table(300, PACIFIC), Layout(Path(temporary)), {}, {})
        page.open(file)
        page.do(_ALL_DRAWN)
        top = page.do("document.getElementById('frame').getBoundingClientRect().top + scrollY")
        end = page.do(f"document.getElementById('frame').{below}")
        page.screenshot(
            pictures / "report-across-180.png", x=0, y=top, width=WIDTH, height=end - top
        )


if __name__ == "__main__":
    main()
