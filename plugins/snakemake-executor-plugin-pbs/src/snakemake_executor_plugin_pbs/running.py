"""A PBS job that holds jobs of Snakemake: what is known of it, and what follows for each of them.

A job's success is told by the PBS job itself, in its folder, when Snakemake there has checked the
outputs. What PBS says decides only over those of which nothing is told: they have failed, and PBS
knows why.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import qstat
from .folder import Folder, Pack, Task
from .qstat import Cause, Status
from .request import Request

#: Seconds that a job's last words may take to be seen here: shared file systems lag behind.
LAG = 5.0

#: Rounds of qstat, and seconds, after which a job that the server does not know is given up, if
#: nothing shows that it is alive.
GONE_ROUNDS = 3
GONE_SECONDS = 60.0


@dataclass(eq=False)
class Entry:
    """A job of Snakemake. ``handle`` is whatever the caller wants back with the report; ``inputs``
    are the files that it is made of."""

    handle: Any
    task: Task
    request: Request
    inputs: tuple[str, ...] = ()
    #: How often it went down with a PBS job before it had begun.
    returns: int = 0


@dataclass(frozen=True)
class Report:
    """A job came to its end; ``failure`` says in words why, None for success.

    ``is_innocent``: it had not begun, and what ended its PBS job was no matter of time.
    """

    entry: Entry
    failure: str | None = None
    log: str | None = None
    is_innocent: bool = False


@dataclass(eq=False)
class Running:
    """A PBS job that was submitted, by this Snakemake or by an earlier one.

    ``entries`` are those of its jobs that are not reported yet, by their number in the pack.
    """

    folder: Folder
    pack: Pack
    id: str | None
    entries: dict[int, Entry] = field(default_factory=dict)
    status: Status | None = None
    is_over: bool = False
    _begun: set[int] = field(default_factory=set)
    _over_since: float | None = None
    _gone_since: float | None = None
    _gone_rounds: int = 0
    _beat: str = ""
    _beat_seen: float = float("-inf")

    def told(self, status: Status | None, is_gone: bool, now: float) -> None:
        """Take in an answer of qstat; neither of both: nobody knows, and nothing changes."""
        if status is not None:
            self.status, self._gone_since, self._gone_rounds = status, None, 0
        elif is_gone:
            self._gone_since = now if self._gone_since is None else self._gone_since
            self._gone_rounds += 1

    def begun(self) -> Iterator[tuple[Entry, float]]:
        """Jobs that have begun and were not told of yet, each with the time since 1970."""
        for number, line in self.folder.fates().started.items():
            if number in self.entries and number not in self._begun:
                self._begun.add(number)
                yield self.entries[number], line["at"]

    def reports(self, now: float, rounds_wait: float) -> Iterator[Report]:
        """Ends that are not reported yet.

        ``rounds_wait`` is how many seconds two answers of PBS may take: so long its word is waited
        for when a job was stopped from outside.
        """
        fates = self.folder.fates()
        for number in [n for n in self.entries if n in fates.done or n in fates.failed]:
            yield self.end(number, self.entries.pop(number))
        over = self._over(now, rounds_wait)
        if over is None:
            return
        cause, why = over
        self.is_over = True
        for number in list(self.entries):
            has_begun = number in fates.started
            when = "while it ran" if has_begun else "before it began"
            innocent = not has_begun and cause not in (Cause.WALLTIME, Cause.EXITED)
            why_here = f"PBS job {self.id} ended {when}: {why}"
            yield self._failed(number, self.entries.pop(number), why_here, innocent)

    def end(self, number: int, entry: Entry) -> Report:
        """The end of a job that has told it itself."""
        failed = self.folder.fates().failed.get(number)
        if failed is None:
            return Report(entry)
        return self._failed(number, entry, self._own_fault(failed))

    def _failed(self, number: int, entry: Entry, why: str, is_innocent: bool = False) -> Report:
        self.folder.set_reported(number)
        return Report(entry, why, self.pack.log, is_innocent)

    def _own_fault(self, line: dict) -> str:
        """Why a job failed that came to its own end."""
        where = f"in PBS job {self.id}"
        match self.folder.fates().breaches.get(line["task"]):
            case "runtime":
                limit = round((self.pack.runtime or 0) / 60)
                return f"ended {where}: it ran longer than its runtime of {limit} min"
            case "memory":
                return f"ended {where}: it used more memory than its mem_mb of {self.pack.mem_mb}"
        return f"failed {where}" + (f": {line['why']}" if line.get("why") else "")

    def _over(self, now: float, rounds_wait: float) -> tuple[Cause, str] | None:
        """Why nothing of it runs any more; None as long as something may."""
        fates = self.folder.fates()
        if fates.is_over and (not fates.stopped or not self.entries):
            return Cause.EXITED, "it said no more of it; see its log"
        if self.status is not None and self.status.is_over:
            # Its last words may still be on their way, and so may those of PBS.
            if self._waited(now) >= LAG or fates.is_over:
                return qstat.ending(self.status, self._output())
            return None
        if fates.is_over and (self._gone_rounds or self._waited(now) >= rounds_wait):
            by = fates.stopped["by"] if fates.stopped else "?"
            stopped = f"it was stopped by {by} (walltime, qdel or a shutdown)"
            return self._killed() or (Cause.UNKNOWN, stopped)
        return self._lost(now)

    def _lost(self, now: float) -> tuple[Cause, str] | None:
        """The server does not know it: it is believed when nothing shows that the job is alive."""
        beat = self.folder.last_beat()
        if beat != self._beat:
            self._beat, self._beat_seen = beat, now
        if self._gone_since is None or self._gone_rounds < GONE_ROUNDS:
            return None
        if now - max(self._gone_since, self._beat_seen) < GONE_SECONDS:
            return None
        # Should it be in some queue all the same, it must not begin any more.
        if self.folder.revoke():
            return Cause.LOST, "PBS does not know it any more"
        self.folder.stop()
        lost = "PBS does not know it any more, and it shows no sign of life"
        return self._killed() or (Cause.LOST, lost)

    def _waited(self, now: float) -> float:
        if self._over_since is None:
            self._over_since = now
        return now - self._over_since

    def _killed(self) -> tuple[Cause, str] | None:
        """What PBS wrote when it killed the job, if it did."""
        found = qstat.KILLED.search(self._output())
        return qstat.killed(found) if found else None

    def _output(self) -> str:
        """What PBS itself wrote of the job."""
        with suppress(OSError):
            return Path(self.pack.output).read_text(errors="replace")
        return ""
