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
from .folder import NO_FOLDER, Folder, Pack, Task
from .qstat import Cause, Status
from .request import PackRequest, Request

#: Seconds that a job's last events may take to be seen here: shared file systems lag behind.
LAG = 5.0

#: Rounds of qstat, and seconds, after which a job that the server does not know is given up, if
#: nothing shows that it is alive.
GONE_ROUNDS = 3
GONE_SECONDS = 60.0

#: Ends of a PBS job that may be the node's fault, if its supervisor never began.
_OF_THE_NODE = {Cause.EXITED, Cause.SIGNAL, Cause.PBS}


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

    ``may_go_again``: it had not begun, and what ended its PBS job was no fault of its own.
    ``is_fault_of_node``: its PBS job never began; it goes again however often that happens.
    """

    entry: Entry
    failure: str | None = None
    log: str | None = None
    may_go_again: bool = False
    is_fault_of_node: bool = False
    #: How long it ran, where that is known.
    seconds: float | None = None


@dataclass(eq=False)
class Running:
    """A PBS job that was submitted, by this Snakemake or by an earlier one.

    ``entries`` are those of its jobs that are not reported yet, by their number in the pack.
    ``asked`` is what PBS was asked for; None for one of an earlier Snakemake.
    """

    folder: Folder
    pack: Pack
    id: str | None
    entries: dict[int, Entry] = field(default_factory=dict)
    asked: PackRequest | None = None
    status: Status | None = None
    is_over: bool = False
    #: Why it ended before its supervisor began, as on a broken node; empty if it did begin.
    start_failure: str = ""
    #: Seconds that its last events may take to be seen here.
    lag: float = LAG
    #: When its folder was last looked at.
    looked_at: float = float("-inf")
    _begun: set[int] = field(default_factory=set)
    _over_since: float | None = None
    _gone_since: float | None = None
    _gone_rounds: int = 0
    _beat: str = ""
    _beat_seen: float = float("-inf")

    def take_in(self, status: Status | None, is_gone: bool, now: float) -> None:
        """Take in an answer of qstat; neither of both: nobody knows, and nothing changes."""
        if status is not None:
            self.status, self._gone_since, self._gone_rounds = status, None, 0
        elif is_gone:
            self._gone_since = now if self._gone_since is None else self._gone_since
            self._gone_rounds += 1

    def begun(self) -> Iterator[tuple[Entry, float]]:
        """Jobs that have begun and were not told of yet, each with the time since 1970."""
        for number, line in self.folder.events.started.items():
            if number in self.entries and number not in self._begun:
                self._begun.add(number)
                yield self.entries[number], line["at"]

    @property
    def may_have_news(self) -> bool:
        """Whether its folder may hold something new: not while PBS keeps it waiting, as far as is
        known."""
        return self.status is None or not self.status.is_waiting

    def reports(self, now: float, rounds_wait: float) -> Iterator[Report]:
        """Ends that are not reported yet.

        ``rounds_wait`` is how many seconds two answers of PBS may take: so long its word is waited
        for when a job was stopped from outside.
        """
        events = self.folder.events
        for number in [n for n in self.entries if n in events.done or n in events.failed]:
            yield self.end(number, self.entries.pop(number))
        over = self._over(now, rounds_wait)
        if over is None:
            return
        cause, why = over
        self.is_over = True
        if self.entries and cause in _OF_THE_NODE and not events.host and self.folder.revoke():
            self.start_failure = self._last_line() or self._no_folder() or why
        for number in list(self.entries):
            has_begun = number in events.started
            when = "while it ran" if has_begun else "before it began"
            why_here = f"PBS job {self.id} ended {when}: {why}"
            entry = self.entries.pop(number)
            may_go_again = not has_begun and self._may_go_again(cause)
            yield self._failed(number, entry, why_here, may_go_again, bool(self.start_failure))

    def _may_go_again(self, cause: Cause) -> bool:
        """Whether what had not begun has no part in the end of its PBS job."""
        if cause is Cause.EXITED:
            # Snakemake ended, and the job itself may be why; unless it was stopped, or never began.
            return bool(self.start_failure or self.folder.events.stopped)
        return cause is not Cause.WALLTIME

    def end(self, number: int, entry: Entry) -> Report:
        """The end of a job that has told it itself."""
        failed = self.folder.events.failed.get(number)
        if failed is None:
            done = self.folder.events.done.get(number, {})
            return Report(entry, seconds=done.get("seconds"))
        return self._failed(number, entry, self._own_fault(failed))

    def _failed(
        self,
        number: int,
        entry: Entry,
        why: str,
        may_go_again: bool = False,
        is_fault_of_node: bool = False,
    ) -> Report:
        self.folder.set_reported(number)
        return Report(entry, why, self.pack.log, may_go_again, is_fault_of_node)

    def _own_fault(self, line: dict) -> str:
        """Why a job failed that came to its own end."""
        where = f"in PBS job {self.id}"
        match self.folder.events.breaches.get(line["task"]):
            case "runtime":
                limit = round((self.pack.runtime or 0) / 60)
                return f"ended {where}: it ran longer than its runtime of {limit} min"
            case "memory":
                return f"ended {where}: it used more memory than its mem_mb of {self.pack.mem_mb}"
        return f"failed {where}" + (f": {line['why']}" if line.get("why") else "")

    def _over(self, now: float, rounds_wait: float) -> tuple[Cause, str] | None:
        """Why nothing of it runs any more; None as long as something may."""
        events = self.folder.events
        stopped = events.stopped["by"] if events.stopped else ""
        if events.is_over and (not stopped or not self.entries):
            return Cause.EXITED, "it said no more of it; see its log"
        if self.status is not None and self.status.is_over:
            # Its last events may still be on their way, and so may what PBS has written.
            if self._waited(now) < self.lag and not events.is_over:
                return None
            cause, why = qstat.ending(self.status, self._output())
            if cause is Cause.EXITED and stopped:
                return cause, f"it was stopped by {stopped}"
            return cause, why
        if events.is_over and (self._gone_rounds or self._waited(now) >= rounds_wait):
            why = f"it was stopped by {stopped or '?'} (walltime, qdel or a shutdown)"
            return self._killed() or (Cause.UNKNOWN, why)
        return self._lost(now)

    def _lost(self, now: float) -> tuple[Cause, str] | None:
        """The server does not know it: it is believed when nothing shows that the job is alive."""
        if self._gone_since is None:
            return None
        beat = self.folder.last_beat()
        if beat != self._beat:
            self._beat, self._beat_seen = beat, now
        if self._gone_rounds < GONE_ROUNDS:
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

    def _last_line(self) -> str:
        """The last that its shell said: why Python could not be started, for example."""
        return next((line for line in reversed(self._output().splitlines()) if line.strip()), "")

    def _no_folder(self) -> str:
        """Whether the job did not find its folder: what it wrote of that may be as far away."""
        if self.status is None or self.status.exit_status != NO_FOLDER:
            return ""
        return f"{self.folder.path.parent} is not shared with that node"

    def _output(self) -> str:
        """What PBS itself wrote of the job."""
        with suppress(OSError):
            return Path(self.pack.output).read_text(errors="replace")
        return ""
