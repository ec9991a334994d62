"""What the jobs of a run have asked for and used, by rule, and what to ask for next time.

Time is that of single jobs. Memory and cores are those of PBS jobs, which measure them themselves:
PBS looks only now and then, and misses short jobs. Where ``s`` jobs run side by side, a job is
taken to have used an ``s``-th, but no less than the largest process.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from .folder import Use
from .request import PackRequest, Request

#: Room above the largest use that was seen, in a proposal.
_ROOM = 1.3

#: Less than this part of what was asked for is worth a proposal.
_WORTHWHILE = 0.5


@dataclass
class RuleUse:
    """Use of one rule. Memory in MB, ``runtime`` in minutes and ``seconds`` are of one job, the
    largest seen; 0 if none was asked for or seen."""

    threads: int = 0
    mem_mb: int = 0
    runtime: int = 0
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
        self._rules: defaultdict[str, RuleUse] = defaultdict(RuleUse)

    def job_done(self, asked: Request, seconds: float | None) -> None:
        """A job went well; how long it took, where that is known."""
        rule = self._rules[asked.rule]
        rule.jobs += 1
        rule.threads = max(rule.threads, asked.cores)
        rule.mem_mb = max(rule.mem_mb, asked.mem_mb or 0)
        rule.runtime = max(rule.runtime, asked.runtime or 0)
        rule.seconds = max(rule.seconds, seconds or 0.0)

    def pbs_job_over(self, asked: PackRequest, used: Use) -> None:
        """A PBS job has come to its end, and has told what it used."""
        rule = self._rules[asked.job.rule]
        rule.used_mem_mb = max(rule.used_mem_mb, used.together_mb / asked.slots, used.largest_mb)
        rule.cpu_seconds += used.cpu_seconds
        rule.core_seconds += used.seconds * asked.slots * asked.job.cores

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
