"""A small workflow on the stand-in PBS, run by the real Snakemake, and what is counted of it."""

import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from processes import TIMEOUT, environment, snakemake_command
from standin.pbs import Server

#: Each job notes that it starts, in which PBS job, and when; what is in `bad` fails, what is in
#: `hang` hangs.
SNAKEFILE = """
from pathlib import Path

rule all:
    input: expand("made/{{n}}", n=range({count}))

rule one:
    output: "made/{{n}}"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 100 * attempt,
        runtime=lambda wildcards, attempt: attempt,
    shell:
        "echo {{wildcards.n}} $PBS_JOBID $(date +%s.%N) >> started;"
        " if [ -e hang/{{wildcards.n}} ]; then rm hang/{{wildcards.n}}; sleep 600; fi;"
        " sleep {seconds}; test ! -e bad/{{wildcards.n}}; touch {{output}}"
"""

#: As in profiles/pbs, but quicker.
USUAL = {
    "executor": "pbs",
    "jobs": "1000",
    "pbs-queue": "omp",
    "pbs-pack-wait": "3",
    "seconds-between-status-checks": "2",
    "max-jobs-per-timespan": "1000/1s",
    "latency-wait": "3",
    "scheduler": "greedy",
    "retries": "1",
}
FLAGS = ("--keep-going", "--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime")


@dataclass
class Ended:
    """A run that came to its end."""

    code: int
    out: str
    seconds: float


class Project:
    """A working directory with the workflow above, and a PBS of its own."""

    def __init__(self, folder: Path, count: int, seconds: float = 0, **server: object) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        (folder / "Snakefile").write_text(SNAKEFILE.format(count=count, seconds=seconds))
        self.server = Server.new(folder / "pbs", **server)

    def mark(self, kind: str, *names: int) -> None:
        """Let jobs be `bad`, or `hang` once."""
        (self.folder / kind).mkdir(exist_ok=True)
        for name in names:
            (self.folder / kind / str(name)).touch()

    @property
    def made(self) -> set[str]:
        folder = self.folder / "made"
        return {path.name for path in folder.iterdir()} if folder.exists() else set()

    @property
    def started(self) -> Counter[str]:
        """How often each job was started."""
        path = self.folder / "started"
        lines = path.read_text().splitlines() if path.exists() else []
        return Counter(line.split()[0] for line in lines)

    def command(self, *arguments: str, **options: str) -> list[str]:
        named = {**USUAL, **{key.replace("_", "-"): value for key, value in options.items()}}
        words = [word for key, value in named.items() for word in (f"--{key}", value)]
        return snakemake_command(*words, *FLAGS, *arguments)

    def begin(self, *arguments: str, **options: str) -> subprocess.Popen:
        """Start Snakemake in a process group of its own, as a shell does."""
        with (self.folder / "out").open("a") as out:
            return subprocess.Popen(
                self.command(*arguments, **options),
                cwd=self.folder,
                env=environment(**self.server.environment),
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def run(self, *arguments: str, timeout: float = TIMEOUT, **options: str) -> Ended:
        begin = time.monotonic()
        before = len(self.out)
        process = self.begin(*arguments, **options)
        try:
            code = process.wait(timeout)
        finally:
            kill(process)
        return Ended(code, self.out[before:], time.monotonic() - begin)

    @property
    def out(self) -> str:
        path = self.folder / "out"
        return path.read_text() if path.exists() else ""


def kill(process: subprocess.Popen, number: int = signal.SIGKILL) -> None:
    """Send a signal to Snakemake and what it has started itself: no PBS job is among them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    if number == signal.SIGKILL:
        process.wait()
