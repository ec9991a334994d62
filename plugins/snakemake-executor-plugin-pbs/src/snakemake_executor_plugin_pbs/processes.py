"""Which processes belong to which job of a pack, wherever they were forked.

The rule: each job of a pack is a **process group**. Its first process carries the job's number in
the environment variable `MARK` and leads the group; what it starts inherits the group. A helper
that forks on behalf of several jobs (a fork server) lets each fork join the group of the job that
asked for it: ``os.setpgid(0, os.getpgid(pid_of_who_asked))``. What descends from a job's first
process belongs to the job too, in whatever group it is.

Other children of Snakemake, such as that fork server, belong to no job.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Names the job whose first process this is, by its number in the pack.
MARK = "SNAKEMAKE_PBS_JOB"


@dataclass(frozen=True)
class JobProcesses:
    """The processes of one job. ``first`` leads the group; ``others`` are all the rest."""

    number: int
    first: psutil.Process
    others: tuple[psutil.Process, ...]

    @property
    def all(self) -> tuple[psutil.Process, ...]:
        return (*self.others, self.first)


def of_jobs(snakemake: psutil.Process) -> dict[int, JobProcesses]:
    """Return the processes of all jobs that run, by the job's number."""
    first = {}
    with suppress(psutil.Error):
        for child in snakemake.children():
            number = _marked(child.pid)
            if number is not None and is_alive(child):
                first[child.pid] = (number, child)
    if not first:
        return {}
    members: dict[int, dict[int, psutil.Process]] = {group: {} for group in first}
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            group = os.getpgid(pid)
            if group in members and pid != group:
                members[group][pid] = psutil.Process(pid)
    for group, (_, process) in first.items():
        members[group] |= {one.pid: one for one in descendants(process)}
    return {
        number: JobProcesses(number, process, tuple(members[group].values()))
        for group, (number, process) in first.items()
    }


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return all that a process has started, directly or not."""
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def is_alive(process: psutil.Process) -> bool:
    """Return whether it runs; a zombie does not."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def signal_all(processes: Iterable[psutil.Process], number: int) -> None:
    """Send a signal to each; what is gone does not matter."""
    for one in processes:
        with suppress(psutil.Error):
            one.send_signal(number)


def began(process: int) -> float:
    """Return when a process began, in seconds since boot (``CLOCK_BOOTTIME``).

    Since the epoch it is known to a second only, and jobs begin together.
    """
    after_name = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def memory(processes: Iterable[psutil.Process], exact: bool = False) -> int:
    """Return the memory of processes in bytes.

    ``exact`` counts pages that several processes share in parts (PSS), which takes the kernel some
    milliseconds a process; otherwise each counts them in full.
    """
    total = 0
    for one in processes:
        with suppress(psutil.Error):
            if exact:
                full = one.memory_full_info()
                total += getattr(full, "pss", full.rss)
            else:
                total += one.memory_info().rss
    return total


def _marked(pid: int) -> int | None:
    """The number of the job whose first process this is."""
    with suppress(OSError, ValueError):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == MARK.encode():
                return int(value)
    return None
