"""Pictures of the report for the README, of made-up outcomes: ``python -m benchmarks.pictures``.

With the ``output_dir`` of a run, that of its quicklooks too: ``python -m benchmarks.pictures out``.
Needs Chromium (``apt-get install chromium``).
"""

import sys
import tempfile
from pathlib import Path

from benchmarks import made_up
from benchmarks.chromium import Page
from benchmarks.dry_run import REPO
from xsar_batch import report
from xsar_batch.conversion.layout import Layout
from xsar_batch.report import outcomes

#: Of a picture, in pixels; wider ones make the README heavy.
WIDTH = 940

#: Everything that changes from day to day or from place to place.
_STEADY = "document.querySelector('.where').textContent = '/home/datawork/l1b · made-up outcomes'"

#: Top and bottom of the contact sheet.
_SHEET = (
    "(b => [b.top + scrollY, b.bottom + scrollY + 30])"
    "(document.getElementById('quicklooks').getBoundingClientRect())"
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
        below = "getBoundingClientRect().bottom + scrollY"
        end_of_map = page.do(f"document.getElementById('frame').{below}")
        page.screenshot(pictures / "report.png", x=0, y=0, width=WIDTH, height=end_of_map + 10)
        page.do("document.querySelector('.group').open = true")
        top = page.do("document.getElementById('charts').getBoundingClientRect().top + scrollY")
        end = page.do(f"document.querySelector('.group').{below}")
        page.screenshot(
            pictures / "report-charts.png", x=0, y=top - 20, width=WIDTH, height=end - top + 30
        )
        if len(sys.argv) > 1:
            layout = Layout(Path(sys.argv[1]))
            report.write(file, outcomes.read(layout.status), layout, {}, {})
            page.open(file)
            top, end = page.do(_SHEET)
            page.screenshot(
                pictures / "report-quicklooks.png", x=0, y=top - 20, width=WIDTH, height=end - top
            )


if __name__ == "__main__":
    main()
