"""What the jobs of a run have asked for and used, by rule, and what to ask for next time.

Time is that of single jobs. Memory and cores are those of PBS jobs: where ``s`` jobs run side by
side, a job is taken to have used an ``s``-th. They are measured twice, and the larger figure
counts. PBS looks at all processes, but only now and then, so it misses short jobs. The kernel knows
all that has ended by then, but not a process that a job has left behind.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from .folder import Pack, Use
from .qstat import Status
from .queues import megabytes, minutes
from .request import PackRequest

#: PBS jobs of a rule that PBS is asked about: more would tell no more.
SAMPLE = 200

#: Jobs asked about in one qstat.
_A_QUESTION = 100

#: Room above the largest use that was seen, in a proposal.
_ROOM = 1.3

#: Less than this part of what was asked for is worth a proposal.
_WORTHWHILE = 0.5


@dataclass
class RuleUse:
    """Use of one rule. Memory in MB and seconds are of one job, the largest seen."""

    threads: int
    mem_mb: int | None = None
    runtime: int | None = None
    pbs_jobs: list[tuple[str, int]] = field(default_factory=list)
    jobs: int = 0
    seconds: float = 0.0
    used_mem_mb: float = 0.0
    cpu_seconds: float = 0.0
    core_seconds: float = 0.0

    @property
    def cores(self) -> float | None:
        """Mean number of cores that a job kept busy."""
        return self.threads * self.cpu_seconds / self.core_seconds if self.core_seconds else None


class Efficiency:
    """Collects the use of a run."""

    def __init__(self) -> None:
        self._rules: dict[str, RuleUse] = {}
        #: What PBS jobs told themselves, by their id.
        self._told: dict[str, Use] = {}

    def submitted(self, job_id: str, pack: Pack, asked: PackRequest) -> None:
        """A PBS job that was submitted. Group jobs are left out: their rules differ."""
        if pack.is_group:
            return
        job = asked.job
        use = self._rules.setdefault(job.rule, RuleUse(job.threads))
        use.threads = max(use.threads, job.threads * (job.tasks or 1))
        use.mem_mb = max(use.mem_mb or 0, job.mem_mb or 0) or None
        use.runtime = max(use.runtime or 0, job.runtime or 0) or None
        if len(use.pbs_jobs) < SAMPLE:
            use.pbs_jobs.append((job_id, asked.slots))

    def ended(self, rule: str, seconds: float | None) -> None:
        """A job that went well, and how long it took."""
        if rule in self._rules:
            self._rules[rule].jobs += 1
            self._rules[rule].seconds = max(self._rules[rule].seconds, seconds or 0.0)

    def over(self, job_id: str, use: Use) -> None:
        """A PBS job has come to its end, and has told what it used."""
        self._told[job_id] = use

    def ask(self, qstat: Callable[[Sequence[str]], dict[str, Status]]) -> None:
        """Ask PBS what its jobs have used."""
        for use in self._rules.values():
            for start in range(0, len(use.pbs_jobs), _A_QUESTION):
                asked = dict(use.pbs_jobs[start : start + _A_QUESTION])
                known = qstat(list(asked))
                for job_id, slots in asked.items():
                    _add(use, known.get(job_id), self._told.get(job_id), slots)

    def lines(self) -> list[str]:
        """A table, a line a rule, and what to write into a profile; nothing without any job."""
        known = {name: use for name, use in sorted(self._rules.items()) if use.jobs}
        if not known:
            return []
        header = ("rule", "jobs", "cores used/asked", "memory used/asked", "longest/runtime")
        lines = _table([header, *(_row(name, use) for name, use in known.items())])
        proposals = {name: text for name, use in known.items() if (text := _proposal(use))}
        if proposals:
            lines.append("Less would have been enough. In a profile:")
            lines.append("  set-resources:")
            lines += [f"    {name}: {{{text}}}" for name, text in proposals.items()]
        return lines


def _add(rule: RuleUse, status: Status | None, told: Use | None, slots: int) -> None:
    """Add a PBS job: ``status`` is what PBS knows of it, ``told`` what it knew itself."""
    cpu = wall = memory = 0.0
    if status is not None and status.is_over:
        cpu, wall = 60 * (minutes(status.used_cput) or 0), 60 * (minutes(status.used_walltime) or 0)
        memory = (megabytes(status.used_mem) or 0) / slots
    if told is not None:
        cpu, wall = max(cpu, told.cpu_seconds), told.seconds
        # Of the largest process: no job has used less.
        memory = max(memory, told.largest_mb)
    rule.used_mem_mb = max(rule.used_mem_mb, memory)
    if wall and cpu:
        rule.cpu_seconds += cpu
        rule.core_seconds += wall * slots * rule.threads


def _row(name: str, use: RuleUse) -> tuple[str, ...]:
    cores = f"{use.cores:.1f}" if use.cores is not None else "?"
    memory = f"{use.used_mem_mb:.0f}" if use.used_mem_mb else "?"
    return (
        name,
        str(use.jobs),
        f"{cores} / {use.threads}",
        f"{memory} / {use.mem_mb or '-'} MB",
        f"{use.seconds / 60:.1f} / {use.runtime or '-'} min",
    )


def _proposal(use: RuleUse) -> str:
    parts = []
    if use.mem_mb and 0 < use.used_mem_mb < _WORTHWHILE * use.mem_mb:
        less = _round_up(_ROOM * use.used_mem_mb, 100)
        parts += [f"mem_mb: {less}"] if less < use.mem_mb else []
    if use.runtime and 0 < use.seconds / 60 < _WORTHWHILE * use.runtime:
        less = _round_up(_ROOM * use.seconds / 60, 5)
        parts += [f"runtime: {less}"] if less < use.runtime else []
    return ", ".join(parts)


def _round_up(value: float, step: int) -> int:
    return step * int(-(-value // step))


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
