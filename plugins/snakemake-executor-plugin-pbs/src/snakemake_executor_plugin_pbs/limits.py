"""Limits of single jobs inside a PBS job.

PBS knows only the PBS job as a whole: one job that hangs would keep the others waiting until the
walltime, and one that takes more memory than it had asked for would have PBS kill all of them. So
the jobs are watched here, and the one at fault is ended before.
"""

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psutil

from .processes import JobProcesses, began, descendants, is_alive, memory, signal_all

#: Seconds that a job has between SIGTERM and SIGKILL.
GRACE = 5.0

#: Seconds beyond its runtime after which a job is ended. One that keeps an eye on its own time has
#: ended itself by then, and has said why: two watchdogs would disturb each other.
MARGIN = 60.0

#: Memory is short from this part of what PBS was asked for on.
FULL = 0.9

#: A look that comes so many seconds late was not late: the whole PBS job was suspended.
SUSPENDED = 10.0


@dataclass(frozen=True)
class Limits:
    """``runtime`` in seconds of one job; ``memory`` in bytes of one job and of all together, as PBS
    was asked for it."""

    runtime: float | None = None
    memory: int | None = None
    memory_of_all: int | None = None


class Watchdog:
    """Ends jobs that break a limit, each once, and whatever is left of it after `GRACE`.

    ``beside`` are processes whose memory PBS counts too.
    """

    def __init__(self, limits: Limits, beside: Sequence[psutil.Process] = ()) -> None:
        self.limits = limits
        self._beside = beside
        #: Jobs that were told to end, and when they are killed.
        self._told: dict[int, tuple[JobProcesses, float]] = {}
        #: Bytes that the PBS job was seen to hold at most. Pages that processes share count more
        #: than once, and so they do for PBS.
        self.largest_memory = 0
        self._last = _now()
        #: Moments and lengths of suspensions of the PBS job, in seconds.
        self._pauses: list[tuple[float, float]] = []

    def look(
        self, snakemake: psutil.Process, jobs: Mapping[int, JobProcesses]
    ) -> Iterator[tuple[int, str]]:
        """End what breaks a limit; yields the job's number and the limit's name."""
        now = _now()
        if now - self._last > SUSPENDED:
            self._pauses.append((self._last, now - self._last))
        self._last = now
        self._kill_what_stays(jobs)
        free = {n: job for n, job in jobs.items() if n not in self._told}
        for number, job in free.items():
            if self.limits.runtime and self._age(job, now) > self.limits.runtime + MARGIN:
                self._tell(job)
                yield number, "runtime"
        in_use = memory([*self._beside, snakemake, *descendants(snakemake)])
        self.largest_memory = max(self.largest_memory, in_use)
        # What is about to end gives its memory back: nobody else is ended meanwhile.
        if not self._told and (large := self._too_large(in_use, free)):
            self._tell(large)
            yield large.number, "memory"

    def _kill_what_stays(self, jobs: Mapping[int, JobProcesses]) -> None:
        for number, (job, until) in list(self._told.items()):
            left = [*job.all, *(jobs[number].all if number in jobs else ())]
            if not any(is_alive(one) for one in left):
                del self._told[number]
            elif time.monotonic() > until:
                signal_all(left, signal.SIGKILL)

    def _tell(self, job: JobProcesses) -> None:
        self._told[job.number] = job, time.monotonic() + GRACE
        signal_all(job.all, signal.SIGTERM)

    def _age(self, job: JobProcesses, now: float) -> float:
        """Seconds that a job has run, without those in which the PBS job was suspended."""
        try:
            start = began(job.first.pid)
        except (OSError, IndexError):
            return 0.0
        return now - start - sum(length for at, length in self._pauses if at >= start)

    def _too_large(self, in_use: int, jobs: Mapping[int, JobProcesses]) -> JobProcesses | None:
        """The largest job, if memory is short and it has more than it had asked for."""
        limits = self.limits
        if not (limits.memory and limits.memory_of_all and jobs):
            return None
        if in_use < FULL * limits.memory_of_all:
            return None
        sizes = {number: memory(job.all, exact=True) for number, job in jobs.items()}
        largest = max(sizes, key=sizes.__getitem__)
        return jobs[largest] if sizes[largest] > limits.memory else None


def _now() -> float:
    """Seconds since boot, suspensions of the machine included: no clock on the wall, which may
    jump."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
