"""All our PBS jobs: what waits is submitted, what was submitted is watched to its end.

Nothing here knows Snakemake or what time it is: jobs come in as :class:`Entry`, go out as
:class:`Report`, and everything happens in :meth:`PbsJobs.round`.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from . import cancel, qstat
from .adoption import Adoption
from .backoff import Backoff
from .commands import Commands
from .efficiency import Efficiency
from .ledger import Ledger
from .running import LAG, Entry, Report, Running
from .settings import ExecutorSettings
from .submission import Prepare, Submission

#: qsub calls a round at most: reports must not wait for hundreds of them.
SUBMISSIONS_A_ROUND = 10

#: How often a job is submitted again that ended with its PBS job before it had begun.
RETURNS = 3

#: Seconds between two looks at the folders of PBS jobs, and folders that are read a second at most:
#: where there are many, looks become rarer.
LOOK = 2.0
LOOKS_A_SECOND = 30

#: Seconds for which the folder of a PBS job that is over is kept. Snakemake notes the ends of jobs
#: after they are reported: a kill in between must not do a job twice.
KEPT = 60.0

#: Seconds that a run waits at its end for PBS jobs that are ending.
WAIT_FOR_ENDS = 3.0


class PbsJobs:
    """PBS jobs of one Snakemake.

    ``prepare(entries, request)`` makes the folder of a pack and returns it with qsub's arguments;
    ``say`` and ``warn`` tell the user. ``interval`` is the time between two qstat, ``lag`` how long
    a file of another machine may take to be seen, both in seconds.
    """

    def __init__(
        self,
        server: Commands,
        ledger: Ledger,
        settings: ExecutorSettings,
        interval: float,
        prepare: Prepare,
        say: Callable[[str], None],
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        lag: float = LAG,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = server
        self.ledger = ledger
        self.settings = settings
        self.interval = interval
        self.lag = lag
        self.running: list[Running] = []
        self.submission = Submission(server, settings, prepare, say, warn)
        self._say, self._warn = say, warn
        self._clock, self._sleep = clock, sleep
        self._inbox: queue.SimpleQueue[Entry] = queue.SimpleQueue()
        self._is_complete = False
        #: Ends that were found; they survive an error in the rest of a round.
        self._due: list[Report] = []
        #: Jobs that were seen to begin, and when; for the caller to take.
        self.begun: list[tuple[Entry, float]] = []
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._own: list[Running] = []
        #: PBS jobs that are over, and when their folders are removed.
        self._finished: deque[tuple[float, Running]] = deque()
        #: What the jobs of this run have used.
        self.efficiency = Efficiency()
        self._asking = Backoff()
        self._next_question: float | None = None
        self._adoption = Adoption(ledger, self.running, server.qdel, say)

    @property
    def fatal(self) -> str:
        """Why nothing can be submitted at all; empty as long as something can."""
        return self.submission.fatal

    @property
    def seconds_between_looks(self) -> float:
        """So that no more than `LOOKS_A_SECOND` folders are read a second."""
        return max(LOOK, sum(one.may_have_news for one in self.running) / LOOKS_A_SECOND)

    # -- jobs come in -----------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Hand over a job. Returns at once; the next round takes it in."""
        self._is_complete = False
        self._inbox.put(entry)

    def complete(self) -> None:
        """Tell that these were all: no other comes before one of them has ended."""
        self._is_complete = True

    def _take_in(self, now: float) -> None:
        """Let new jobs wait for their packs, or find them in PBS jobs of an earlier Snakemake."""
        with suppress(queue.Empty):
            while True:
                entry = self._inbox.get_nowait()
                ends = self._adoption.take(entry)
                if ends is None:
                    self.submission.add(entry, now)
                else:
                    self._due += ends

    # -- a round ----------------------------------------------------------------------------

    def round(self) -> list[Report]:
        """Look at everything once; returns what came to its end."""
        with self._lock:
            now = self._clock()
            # Asked before: then all of them are taken in now.
            is_complete = self._is_complete
            self._take_in(now)
            for one in self.running:
                # A server that is away does not tell that it runs by now.
                if one.may_have_news or now - one.looked_at >= self.interval:
                    self._look_at(one, now)
            if not self._cancelled.is_set():
                self._ask(now)
            self._remove_finished(now)
            ends, entries = self._adoption.freed()
            self._due += ends
            for entry in entries:
                self.submission.add(entry, now)
        self._submit(is_complete)
        self._due += self.submission.refused
        self.submission.refused = []
        reports, self._due = self._due, []
        for report in reports:
            self.submission.remember(report)
        return reports

    def _look_at(self, one: Running, now: float) -> None:
        one.lag, one.looked_at = self.lag, now
        had_begun = bool(one.folder.events.host)
        try:
            one.folder.read()
            self.begun += one.begun()
            # One by one: what was told before an error is told.
            for report in one.reports(now, 3 * max(self.interval, 1.0)):
                self._take_back(report, now)
        except OSError as problem:
            # A file system that is away for a moment, and comes back.
            self.submission.say_once(f"{one.folder.path} cannot be read: {problem}")
        if not had_begun and one.folder.events.host:
            self.submission.nodes.worked()
        if one.start_failure:
            self._count_start_failure(one, now)

    def _count_start_failure(self, one: Running, now: float) -> None:
        host, why = (one.status.host if one.status else ""), one.start_failure
        if self.submission.nodes.failed(host, why, now):
            self._warn(
                f"PBS job {one.id} ended on {host or 'an unknown host'} before its Python began: "
                f"{why}. Its jobs are submitted again"
            )
        may_work = any(
            other is not one and other.status and other.status.state == "R"
            for other in self.running
        )
        if not may_work and not self.submission.fatal:
            self.submission.fatal = self.submission.nodes.why_to_end

    def _take_back(self, report: Report, now: float) -> None:
        """An end is to be reported, but for a job that never began: it waits for another PBS job,
        and that is no attempt of its own."""
        entry = report.entry
        if not report.may_go_again or (entry.returns >= RETURNS and not report.is_fault_of_node):
            self._due.append(report)
            return
        self.submission.add(entry, now)
        if not report.is_fault_of_node:
            entry.returns += 1
            again = f"{report.failure}. What had not begun is submitted again"
            self.submission.say_once(again, report.failure or "")

    def _ask(self, now: float) -> None:
        """One qstat for all, when it is time."""
        if self.running and self._next_question is None:
            self._next_question = now + self.interval
        ids = [one.id for one in self.running if one.id and not one.is_over]
        due = self._next_question is not None and now >= self._next_question
        if not ids or not due or now < self._asking.not_before:
            return
        answer = self.server.qstat(ids)
        self._next_question = now + self.interval
        if answer.problem:
            if self._asking.failed(now):
                self._warn(
                    f"PBS does not answer: {answer.problem}. Nothing is lost: jobs go on, and so "
                    "does this run when it answers again"
                )
            return
        if self._asking.worked():
            self._say("PBS answers again")
        for one in self.running:
            status = answer.jobs.get(one.id or "")
            one.take_in(status, one.id in answer.gone, now)
            if status is not None and (trouble := qstat.trouble(status)):
                self.submission.say_once(f"PBS job {one.id} {trouble}", trouble)

    def _remove_finished(self, now: float) -> None:
        """Forget PBS jobs that are over, and remove the folders of ours."""
        for one in [one for one in self.running if one.is_over]:
            self.running.remove(one)
            if one.asked and one.folder.events.use and not one.pack.is_group:
                self.efficiency.pbs_job_over(one.asked, one.folder.events.use)
            # One that PBS has lost may live all the same, and is to find its folder.
            has_ended = one.folder.events.is_over or (one.status and one.status.is_over)
            if one in self._own and has_ended:
                self._own.remove(one)
                self._finished.append((now + KEPT, one))
        while self._finished and self._finished[0][0] <= now:
            self._finished.popleft()[1].folder.remove()

    def _submit(self, is_complete: bool) -> None:
        for _ in range(SUBMISSIONS_A_ROUND):
            # Let go of in between, so that a Ctrl-C need not wait for all of them.
            with self._lock:
                now = self._clock()
                if self._cancelled.is_set() or self.submission.is_paused(now):
                    return
                if len(self.running) >= self.settings.max_jobs:
                    return
                entries = self.submission.waiting.take(now, not self.running, is_complete)
                if not entries:
                    return
                one = self.submission.submit(entries, now)
                if one is not None:
                    self.running.append(one)
                    self._own.append(one)

    # -- the end ----------------------------------------------------------------------------

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Delete all PBS jobs, also one that is being submitted at this moment."""
        self._cancelled.set()
        self.server.stop_asking()
        # A qsub that hangs is not waited for: what comes of it must not run.
        has_lock = self._lock.acquire(timeout=cancel.WITHIN / 2)
        try:
            in_flight = self.submission.in_flight
            if in_flight is not None:
                in_flight.revoke()
            left = [one for one in self.running if not one.is_over]
            if warning := cancel.end_all(left, self.server, self._clock, self._sleep):
                self._warn(warning)
            elif any(one.id for one in left):
                self._say(f"{len(left)} PBS job{'s' if len(left) > 1 else ''} deleted")
        finally:
            if has_lock:
                self._lock.release()

    def close(self) -> None:
        """Remove what no later run has a use for."""
        if not self._cancelled.is_set():
            self._wait_for_ends()
        for _, one in self._finished:
            one.folder.remove()
        keep = set()
        for one in [*self._own, *self._adoption.packs.values()]:
            # Who cancels does not ask for the ends any more.
            if one.is_over and (self._cancelled.is_set() or not one.entries):
                one.folder.remove()
            else:
                keep.add(one.folder.path)
        self.ledger.tidy(keep)

    def _wait_for_ends(self) -> None:
        """Wait for PBS jobs of which all is reported: they are ending."""
        until = self._clock() + WAIT_FOR_ENDS
        while ending := [one for one in self.running if not one.entries]:
            now = self._clock()
            for one in ending:
                self._look_at(one, now)
            self._remove_finished(now)
            if now >= until:
                return
            self._sleep(0.1)
