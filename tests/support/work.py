"""A working directory with the workflow, an archive and settings, for the real Snakemake."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from processes import Ran, environment, snakemake_command, until
from repository import copy_workflow, outcome, run_snakemake
from safes import TIFF, copy_safe, only

#: With all that Snakemake says, which tests count and read. A user gets less: test_progress.
CHATTY = ("--logger-progress-everything",)

#: As a user calls it, but for the second try of what fails: that is a test of its own.
USUAL = ("--profile", "profiles/local", "--cores", "2", "--retries", "0", *CHATTY)

#: What stands beside the products.
BESIDE = ("logs", "quicklooks", "status.csv", ".xsar_batch")

#: A user's function. While there is a file ``hold``, it lets one SAFE pass and no other.
MINE = """
import time
from pathlib import Path

from xsar_batch.l1b import l1b


def convert(safe, resolution):
    if Path("hold").exists():
        try:
            Path("passed").touch(exist_ok=False)
        except FileExistsError:
            while Path("hold").exists():
                time.sleep(0.05)
    return l1b(safe, resolution)[["sigma0", "longitude", "latitude", "land_mask"]]
"""


class Work:
    """A working directory: the workflow, an archive, settings, and products in ``out``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        self.out = folder / "out"

    @classmethod
    def new(
        cls,
        folder: Path,
        land: Path,
        whole: Iterable[Path] = (),
        bad: Iterable[Path] = (),
        **settings: object,
    ) -> "Work":
        """One with these SAFEs in its archive: ``whole``, and ``bad`` without pixels."""
        folder.mkdir(exist_ok=True)
        work = cls(copy_workflow(folder))
        work.archive.mkdir()
        for safe in whole:
            copy_safe(safe, work.archive, linked=True)
        for safe in bad:
            only(copy_safe(safe, work.archive), TIFF).write_bytes(b"")
        shutil.copy2(land, folder / "land.geojson")
        (folder / "mine.py").write_text(MINE)
        usual = {"safes": ["archive"], "output_dir": "out", "land_mask": "land.geojson"}
        # The shipped values are those of Datarmor; and a report at each end takes 2 s.
        work.config.write_text(yaml.safe_dump({**usual, "report": False, **settings}))
        return work

    def copy(self, folder: Path) -> "Work":
        return Work(Path(shutil.copytree(self.folder, folder)))

    @property
    def config(self) -> Path:
        return self.folder / "config" / "config.yaml"

    def change(self, **settings: object) -> None:
        """Edit config/config.yaml."""
        before = yaml.safe_load(self.config.read_text())
        self.config.write_text(yaml.safe_dump({**before, **settings}))

    def snakemake(self, *arguments: str, **more: str | None) -> Ran:
        return run_snakemake(self.folder, *USUAL, *arguments, **more)

    @contextmanager
    def running(
        self, *words: str, umask: str = "022", **more: str | None
    ) -> Iterator[subprocess.Popen]:
        """A run in the background, of these words or the usual ones; see `said`.

        If it has not ended by then, it is killed with its jobs, as when the node goes down.
        """
        command = ["bash", "-c", f'umask {umask}; exec "$@"', "bash"]
        with (
            self._said.open("a") as said,
            subprocess.Popen(
                [*command, *snakemake_command(*(words or USUAL))],
                cwd=self.folder,
                env=environment(**more),
                stdout=said,
                stderr=said,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    @contextmanager
    def run_until(self, is_so: Callable[[], object]) -> Iterator[None]:
        """A run that has come so far; it is killed in the end."""
        with self.running() as process:
            until(is_so, process)
            yield

    @property
    def _said(self) -> Path:
        return self.folder / "said.txt"

    @property
    def said(self) -> str:
        """What runs in the background have said."""
        return self._said.read_text()

    @property
    def products(self) -> dict[str, int]:
        """Name of each product, and when it was made."""
        return {path.stem: path.stat().st_mtime_ns for path in self.out.glob("*.nc")}

    @property
    def left(self) -> set[str]:
        return {path.name for path in self.out.iterdir()} if self.out.exists() else set()

    def log(self, name: str) -> Path:
        return self.out / "logs" / f"{name}.log"

    def outcome(self, name: str) -> dict:
        return outcome(self.log(name).with_suffix(".json"))


def paragraph(ran: Ran, start: str) -> str:
    """Lines of ours in what Snakemake prints: the one that begins so, and those indented below."""
    found = re.search(rf"^xsar-batch: {start}.*\n(?:    .*\n)*", ran.out, re.MULTILINE)
    assert found, ran.out
    return found[0]


def preview(ran: Ran) -> str:
    return paragraph(ran, r"\d+ SAFEs found")


def ending(ran: Ran) -> str:
    return paragraph(ran, r"(of \d+ pending|nothing to do)")
