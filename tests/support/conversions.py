"""Conversions of a run, started as Snakemake starts them, and their fork server."""

import subprocess
import sys
from pathlib import Path

import psutil
from processes import TIMEOUT, environment, until
from repository import SCRIPTS

from xsar_batch.conversion import forkserver, job_table, recipe
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.user_function import OURS

#: A user's function that does what its SAFE's folder holds a file for.
MINE = """
import os, signal, time
from pathlib import Path
from xsar_batch.l1b import l1b

def convert(safe, resolution):
    here = Path(__file__).parent
    for name in ("sleep", "abort", "environment"):
        if (here / name).exists():
            globals()[name](here)
    return l1b(safe, resolution)

def sleep(here):
    (here / "sleeping").write_text(str(os.getpid()))
    time.sleep(600)

def abort(here):
    os.kill(os.getpid(), signal.SIGSEGV)

def environment(here):
    import json, resource
    said = {"folder": os.getcwd(), "variable": os.environ.get("OF_THE_CLIENT"),
            "umask": os.umask(0o022), "nice": os.nice(0), "files": resource.getrlimit(7)[0],
            "modules": "xsar" in __import__("sys").modules, "parent": os.getppid()}
    (here / "environment").write_text(json.dumps(said))
"""


class Run:
    """A run's files, and this process as the owner of its warm interpreter."""

    def __init__(self, folder: Path, safes: list[Path], land_mask: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.layout = Layout(folder / "out")
        mine = folder / "mine.py"
        mine.write_text(MINE)
        function = f"{mine}:convert"
        self.recipe = recipe.recipe("1000m", function, "land")
        known = {
            "output_dir": str(self.layout.output_dir),
            "land_mask": str(land_mask),
            "recipe": self.recipe,
            "function": function,
            "compression": 4,
            "quicklooks": True,
        }
        assert function != OURS
        self.file = folder / "run.sqlite"
        job_table.write(self.file, known, {safe.stem: str(safe) for safe in safes})
        self.owner = subprocess.Popen(["sleep", "1000"])
        self.place = forkserver.folder_of(self.owner.pid)
        self.started: list[subprocess.Popen] = []

    def start(self, safe: Path, warm: bool = True, before: str = "", **more: str):
        words = [sys.executable, str(SCRIPTS / "convert.py"), "--run", str(self.file), safe.stem]
        place = {"XSAR_BATCH_WARM": str(self.place) if warm else None}
        command = ["bash", "-c", f'{before}\nexec "$@"', "bash", *words] if before else words
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment(**place, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def convert(self, safe: Path, **options) -> tuple[int, str]:
        process = self.start(safe, **options)
        out, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, out

    def servers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if "xsar_batch.conversion.forkserver.server" in command and str(self.place) in " ".join(
                command
            ):
                found.append(process)
        # Forks have its command line.
        return [one for one in found if one.ppid() not in {other.pid for other in found}]

    def do(self, name: str) -> Path:
        path = self.folder / name
        path.touch()
        return path

    def sleeping(self) -> psutil.Process:
        """The process of the conversion that sleeps."""
        path = self.folder / "sleeping"
        return psutil.Process(int(until(lambda: path.exists() and path.read_text())))

    def end(self) -> None:
        for process in (*self.started, self.owner):
            process.kill()
            process.wait()
        gone(*self.servers())


def gone(*processes: psutil.Process, seconds: float = 5) -> None:
    """They end, or have ended."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
