"""Limits of single jobs inside a PBS job.

PBS knows only the PBS job as a whole: one job that hangs would keep the others waiting until the
walltime, and one that takes more memory than it had asked for would have PBS kill all of them. So
the jobs are watched here, and the one at fault is ended before.

Jobs of Snakemake are the direct children of its process.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds that a job has between SIGTERM and SIGKILL.
GRACE = 5.0


@dataclass(frozen=True)
class Limits:
    """``runtime`` in seconds of one job; ``memory`` in bytes of one job and of all together."""

    runtime: float | None = None
    memory: int | None = None
    memory_of_all: int | None = None


class Offender:
    """A job that was told to end, with all processes it has started."""

    #: When it began, in seconds since boot.
    began: float = 0.0

    def __init__(self, process: psutil.Process, why: str) -> None:
        self.process = process
        self.why = why
        with suppress(OSError, IndexError):
            self.began = began(process.pid)
        self._tree = tree(process)
        self._until = time.monotonic() + GRACE
        for one in self._tree:
            with suppress(psutil.Error):
                one.terminate()

    def press(self) -> None:
        """Kill what is still there when its time is over."""
        if time.monotonic() > self._until:
            for one in self._tree:
                with suppress(psutil.Error):
                    one.kill()


def began(process: int) -> float:
    """When a process began, in seconds since boot (``CLOCK_BOOTTIME``).

    Since the epoch it is known to a second only, and jobs begin together.
    """
    after_name = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it has started, directly or not; itself last."""
    with suppress(psutil.Error):
        return [*process.children(recursive=True), process]
    return []


def offence(snakemake: psutil.Process, limits: Limits) -> Offender | None:
    """End one job that breaks a limit, if there is one."""
    with suppress(psutil.Error, OSError, IndexError):
        jobs = snakemake.children()
        if limits.runtime:
            for job in jobs:
                # Not by the clock on the wall, which may jump.
                if time.clock_gettime(time.CLOCK_BOOTTIME) - began(job.pid) > limits.runtime:
                    return Offender(job, "runtime")
        if limits.memory and limits.memory_of_all:
            # Resident sizes count shared pages more than once, but are cheap to get.
            if sum(_resident(one) for one in tree(snakemake)) < 0.9 * limits.memory_of_all:
                return None
            sizes = {job: sum(_own(one) for one in tree(job)) for job in jobs}
            largest = max(sizes, key=sizes.__getitem__, default=None)
            others = sum(_own(one) for one in tree(snakemake)) - sum(sizes.values())
            is_short = sum(sizes.values()) + others > 0.95 * limits.memory_of_all
            if largest is not None and is_short and sizes[largest] > 0.9 * limits.memory:
                return Offender(largest, "memory")
    return None


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return process.memory_info().rss
    return 0


def _own(process: psutil.Process) -> int:
    """Memory of a process with its share of what it has in common with others."""
    with suppress(psutil.Error):
        full = process.memory_full_info()
        return getattr(full, "pss", full.rss)
    return 0
