"""The report page of a real run, open in a real Chromium: ``python -m benchmarks live``.

A run of small scenes; meanwhile a reader has searched and scrolled. Once a second what the page
says is compared with the products. Needs Chromium (``apt-get install chromium``).
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.chromium import Page
from benchmarks.dry_run import REPO
from xsar_batch.report import page as page_module

#: Seconds after which the run must have ended.
TIMEOUT = 3600

#: What a reader has set: words in the search, and what he looks at, with its place in the window.
SEARCH = "S1A"
PLACE = "document.getElementById('charts').getBoundingClientRect().top"


def run(count: int) -> list[dict]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        scenes = [sys.executable, "-m", "sentinel1_demo_scenes", str(folder / "safes")]
        scenes += ["--count", str(count), "--lines", "300", "--samples", "400"]
        subprocess.run(scenes, check=True, stdout=subprocess.DEVNULL)
        return watch(folder, count)


def watch(folder: Path, count: int) -> list[dict]:
    """Convert what is in ``folder/safes``, with the page open."""
    products = folder / "products"
    command = [sys.executable, "-m", "snakemake", "--profile", str(REPO / "profiles" / "local")]
    command += ["--config", f"safes={folder / 'safes'}", f"output_dir={products}"]
    with (folder / "run.log").open("w") as log, Page() as page:
        process = subprocess.Popen(command, cwd=REPO, stdout=log, stderr=log)
        begin = time.monotonic()
        try:
            told = _follow(process, page, products)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        seconds = time.monotonic() - begin
        if process.returncode:
            raise RuntimeError((folder / "run.log").read_text()[-4000:])
        said = page.text("h1")
        if said != f"{count} of {count} SAFEs are done":
            raise RuntimeError(f"at the end the page says: {said}")
        complaints = len(page.console)
    what = f"page of a run of {count} SAFEs"
    return [
        {"benchmark": f"{what}: s of the run", "figure": seconds},
        {"benchmark": f"{what}: s behind, at most", "figure": told["behind"], "goal": 90},
        {"benchmark": f"{what}: times renewed", "figure": told["renewed"]},
        {"benchmark": f"{what}: px scrolled by itself", "figure": told["moved"], "goal": 1},
        {"benchmark": f"{what}: searches lost", "figure": told["lost"], "goal": 1},
        {"benchmark": f"{what}: complaints", "figure": complaints, "goal": 1},
        {"benchmark": f"{what}: % of a core", "figure": 100 * told["cpu"] / seconds, "goal": 1},
    ]


def _follow(process: subprocess.Popen, page: Page, products: Path) -> dict[str, float]:
    """What a reader sees until the run has ended and the page says so."""
    report, end = products / "report.html", time.monotonic() + TIMEOUT
    while not report.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the run ended before there was a page")
        time.sleep(0.2)
    page.open(report)
    page.type("#search", SEARCH)
    page.do("document.getElementById('charts').scrollIntoView({behavior: 'instant'})")
    page.do("new Promise(done => setTimeout(done, 1000))")
    place = page.do(PLACE)
    told = {"behind": 0.0, "renewed": 0, "moved": 0.0, "lost": 0, "cpu": 0.0}
    #: How many products there were, and since when.
    history, shown = [(time.monotonic(), _products(products))], None
    while time.monotonic() < end:
        is_over = process.poll() is not None
        now, there = time.monotonic(), _products(products)
        if there != history[-1][1]:
            history.append((now, there))
        done = int(re.match(r"\d+", page.text("h1"))[0])
        if done != shown:
            told["renewed"], shown = told["renewed"] + (shown is not None), done
        # Behind since there was the first product that the page does not count.
        more = [since for since, number in history if number > done]
        told["behind"] = max(told["behind"], now - more[0] if more else 0)
        told["moved"] = max(told["moved"], abs(page.do(PLACE) - place))
        told["lost"] += page.do("document.getElementById('search').value") != SEARCH
        told["cpu"] = max(told["cpu"], _cpu(report))
        if is_over and "at work" not in page.text("#age"):
            return told
        time.sleep(1)
    raise TimeoutError("the page does not say that the run has ended")


def _products(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.nc"))


def _cpu(report: Path) -> float:
    """Seconds of CPU that the main process has spent on pages, all but the last one."""
    text = page_module.data_file(report).read_text()
    live = json.loads(text.removeprefix("xsarBatch.receive(").removesuffix(");\n"))["live"]
    return live["cpu"] if live else 0
