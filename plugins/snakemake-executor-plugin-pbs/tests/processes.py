"""Real processes: Snakemake and scripts, run as a user runs them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Seconds after which a subprocess is hung: far more than any takes, less than a CI job.
TIMEOUT = 120


@dataclass(frozen=True)
class Ran:
    """How a process ended; ``out`` is what it printed, to stdout and stderr."""

    code: int
    out: str

    @property
    def scheduled(self) -> dict[str, int]:
        """Jobs by rule, as Snakemake's own table counts them."""
        table = re.search(r"Job stats:\njob +count\n[- ]+\n(.*?)\n\n", self.out + "\n\n", re.DOTALL)
        rows = (line.split() for line in table[1].splitlines()) if table else ()
        return {rule: int(count) for rule, count in rows if rule != "total"}


def environment(**more: str | None) -> dict[str, str]:
    """The environment of a user's shell: nothing that pytest or a batch job left there.

    What ``more`` gives as None is not set. No run begins with a module file, nor has one made: a
    change of any source would mean another.
    """
    left_out = ("PYTEST_", "PBS_", "SNAKEMAKE_", "COV_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return {
        key: value
        for key, value in {**kept, "PYTHON_STARTER": "", **more}.items()
        if value is not None
    }


def run(*command: str | os.PathLike, cwd: Path | None = None, **more: str | None) -> Ran:
    """Run a process to its end; ``more`` goes into its environment."""
    done = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Ran(done.returncode, done.stdout)


def python(code: str, *arguments: str | os.PathLike) -> Ran:
    """Run a few lines in a Python that has imported nothing yet."""
    return run(sys.executable, "-c", code, *arguments)


def snakemake_command(*arguments: str | os.PathLike) -> list[str]:
    return [sys.executable, "-m", "snakemake", *map(os.fspath, arguments)]


def until(
    is_so: Callable[[], Any], process: subprocess.Popen | None = None, seconds: float = TIMEOUT
) -> Any:
    """Wait until something is so; returns what it is. A process that is given must live on."""
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert process is None or process.poll() is None, f"it ended: {process.returncode}"
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
    return found


def observed_pbs() -> Path:
    """Folder of what a real PBS was observed to print: beside the repository, or nowhere."""
    places = [folder / "shared" / "pbs" for folder in Path(__file__).resolve().parents]
    return next((place for place in places if place.is_dir()), places[0])
