"""What a report of many SAFEs costs: CPU to write, size, and time to open in a real Chromium."""

import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks import made_up
from benchmarks.chromium import CHROMIUM, Page
from benchmarks.dry_run import REPO, measure


def run(count: int, folder: Path | None = None) -> list[dict]:
    """Rows of the table. Half of the quicklooks' room is used, and every failure has a log."""
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return run(count, Path(temporary))
    table = made_up.table(count)
    table.to_csv(folder / "status.csv")
    (folder / "logs").mkdir()
    (folder / "quicklooks").mkdir()
    for name, cause in table.loc[table["state"] == "failed", "cause"].items():
        (folder / "logs" / f"{name}.log").write_text("a line of a log\n" * 30 + f"{cause}\n")
    for name in table.index[table["state"] == "done"][-24:]:
        png(folder / "quicklooks" / f"{name}.png", 150)
    file = folder / "report.html"
    script = str(REPO / "workflow" / "scripts" / "report.py")
    cost = measure([sys.executable, script, str(folder), str(file)], REPO)
    what = f"report of {count} SAFEs"
    rows = [
        {"benchmark": f"{what}: CPU s", "figure": cost.cpu, "goal": 30},
        {"benchmark": f"{what}: memory, MB", "figure": cost.memory},
        {"benchmark": f"{what}: MB", "figure": file.stat().st_size / 1e6, "goal": 8},
    ]
    if CHROMIUM:
        with Page() as page:
            seconds = page.open(file)
            rows += [
                {"benchmark": f"{what}: s to open", "figure": seconds, "goal": 2},
                *({"benchmark": f"{what}: s to {act}", **told} for act, told in _acts(page)),
                {"benchmark": f"{what}: complaints", "figure": len(page.console), "goal": 1},
            ]
    return rows


def _acts(page: Page) -> Iterator[tuple[str, dict]]:
    """What a reader does, and the CPU that it takes, whatever else runs."""
    page.wait("document.querySelector('.tabulator-row')")
    box = "document.querySelector('input[data-state=done]').click()"
    head = "document.querySelector('.tabulator-col[tabulator-field=seconds] > div').click()"
    search = (
        "(f => { f.value = 'r1i2'; f.dispatchEvent(new Event('input')) })"
        "(document.getElementById('search'))"
    )
    for act, script in (("sort", head), ("filter", box), ("search", search)):
        begin = page.cpu()
        page.do(
            f"{script}; new Promise(done => setTimeout(() => requestAnimationFrame("
            "() => setTimeout(done, 0)), 300))"
        )
        yield act, {"figure": page.cpu() - begin, "goal": 0.2}


def png(file: Path, side: int = 8) -> None:
    """A picture of noise, which no compression makes smaller: ``3 * side ** 2`` bytes."""
    import numpy as np

    noise = np.random.default_rng(1).integers(0, 256, (side, 1 + 3 * side), dtype=np.uint8)
    noise[:, 0] = 0
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(noise.tobytes())),
        (b"IEND", b""),
    )
    with file.open("wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            crc = zlib.crc32(kind + data)
            out.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc))
