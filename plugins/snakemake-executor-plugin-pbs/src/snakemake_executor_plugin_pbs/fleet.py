"""All our PBS jobs: what waits is packed and submitted, what was submitted is watched.

Nothing here knows Snakemake or what time it is: jobs come in as :class:`Entry`, go out as
:class:`Report`, and everything happens in :meth:`Fleet.round`.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from .adoption import Adoption
from .backoff import Backoff
from .commands import Later, Refused, Round, Unclear
from .folder import Folder, Pack
from .ledger import Ledger
from .packing import Waiting
from .request import PackRequest, Request
from .running import Entry, Report, Running
from .settings import ExecutorSettings

#: qsub calls a round at most: reports must not wait for hundreds of them.
SUBMISSIONS_A_ROUND = 10

#: How often a job is submitted again that went down with its PBS job before it had begun.
RETURNS = 3

#: Seconds within which Ctrl-C has ended everything, or says what is left to do.
CANCEL_WITHIN = 8.0


class Server(Protocol):
    """What is needed of :class:`.commands.Commands`."""

    def qsub(self, arguments: list[str]) -> str: ...
    def qstat(self, ids: list[str], patience: float | None = None) -> Round: ...
    def qdel(self, ids: list[str], patience: float | None = None) -> str: ...
    def stop_asking(self) -> None: ...
    def ask_again(self) -> None: ...


class Fleet:
    """PBS jobs of one Snakemake.

    ``prepare(entries, request)`` makes the folder of a pack and returns it with qsub's arguments;
    ``say`` and ``warn`` tell the user. ``interval`` is the time between two qstat in seconds.
    """

    def __init__(
        self,
        server: Server,
        ledger: Ledger,
        settings: ExecutorSettings,
        interval: float,
        prepare: Callable[[list[Entry], PackRequest], tuple[Folder, Pack, list[str]]],
        say: Callable[[str], None],
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self.ledger = ledger
        self.settings = settings
        self.interval = interval
        self.running: list[Running] = []
        self.waiting: Waiting[Entry] = Waiting(settings.pack_size, settings.pack_wait)
        self.accepted = 0
        #: Why nothing can be submitted at all: qsub refused the very first PBS job.
        self.fatal = ""
        self._prepare, self._say, self._warn, self._clock = prepare, say, warn, clock
        self._inbox: queue.SimpleQueue[Entry] = queue.SimpleQueue()
        self._is_complete = False
        #: Ends that were found; they survive an error in the rest of a round.
        self._due: list[Report] = []
        #: Jobs that were seen to begin, and when; for the caller to take.
        self.begun: list[tuple[Entry, float]] = []
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._in_flight: Folder | None = None
        self._own: list[Running] = []
        self._asking, self._submitting = Backoff(), Backoff()
        #: What kept jobs from being submitted, each said once.
        self._problems: set[str] = set()
        self._is_away = False
        self._next_question: float | None = None
        self._adoption = Adoption(ledger, self.running, server.qdel, say)
        self._causes: dict[str, str] = {}

    # -- jobs come in -----------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Hand over a job. Returns at once; the next round takes it in."""
        self._is_complete = False
        self._inbox.put(entry)

    def complete(self) -> None:
        """Tell that these were all: no other comes before one of them has ended."""
        self._is_complete = True

    def _take_in(self) -> None:
        """Let new jobs wait for their packs, or find them in PBS jobs of an earlier Snakemake."""
        with suppress(queue.Empty):
            while True:
                entry = self._inbox.get_nowait()
                ends = self._adoption.take(entry)
                if ends is None:
                    self._wait(entry)
                else:
                    self._due += ends

    def _wait(self, entry: Entry) -> None:
        alone = bool(entry.request.alone)
        self.waiting.add(entry.request, entry, self._clock(), hurry=alone)

    # -- a round ----------------------------------------------------------------------------

    def round(self) -> list[Report]:
        """Look at everything once; returns what came to its end."""
        with self._lock:
            now = self._clock()
            # Asked before: then all of them are taken in now.
            is_complete = self._is_complete
            self._take_in()
            for one in self.running:
                self._look_at(one, now)
            if not self._cancelled.is_set():
                self._ask(now)
            for one in [one for one in self.running if one.is_over]:
                self.running.remove(one)
            ends, entries = self._adoption.freed()
            self._due += ends
            for entry in entries:
                self._wait(entry)
        self._submit(is_complete)
        reports, self._due = self._due, []
        for report in reports:
            if report.failure and report.entry.task.outputs:
                # Told again with what the next attempt asks for.
                self._causes[report.entry.task.outputs[0]] = report.failure
        return reports

    def _look_at(self, one: Running, now: float) -> None:
        try:
            self.begun += one.begun()
            # One by one: what was told before an error is told.
            for report in one.reports(now, 3 * max(self.interval, 1.0)):
                self._take_back(report)
        except OSError as problem:
            # A file system that is away for a moment, and comes back.
            self._warn(f"{one.folder.path} cannot be read: {problem}")

    def _take_back(self, report: Report) -> None:
        """An end is to be reported, but for a job that never began: it waits for another PBS job,
        and that is no attempt of its own."""
        entry = report.entry
        if not report.is_innocent or entry.returns >= RETURNS:
            self._due.append(report)
            return
        entry.returns += 1
        self._wait(entry)
        if report.failure not in self._problems:
            self._problems.add(report.failure)
            self._say(f"{report.failure}. What had not begun is submitted again")

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
            one.told(answer.jobs.get(one.id), one.id in answer.gone, now)

    def _submit(self, is_complete: bool) -> None:
        for _ in range(SUBMISSIONS_A_ROUND):
            # Let go of in between, so that a Ctrl-C need not wait for all of them.
            with self._lock:
                now = self._clock()
                if self._cancelled.is_set() or self.fatal or now < self._submitting.not_before:
                    return
                if len(self.running) >= self.settings.max_jobs:
                    return
                taken = self.waiting.take(now, not self.running, is_complete)
                if taken is None:
                    return
                self._submit_pack(*taken, now)

    def _submit_pack(self, request: Request, entries: list[Entry], now: float) -> None:
        asked = PackRequest.of(request, len(entries), self.settings)
        folder = None
        try:
            folder, pack, arguments = self._prepare(entries, asked)
            self._in_flight = folder
            job_id: str | None = self.server.qsub(arguments)
        except Refused as refusal:
            folder.remove()
            why = f"qsub refused it ({asked}): {refusal}"
            self._due += [Report(entry, why) for entry in entries]
            if not self.accepted and not self._adoption.packs:
                self.fatal = f"qsub refused the first PBS job ({asked}): {refusal}"
            return
        except (Later, Unclear, OSError) as problem:
            if not isinstance(problem, Unclear):
                if folder is not None:
                    folder.remove()
            elif not folder.revoke():
                # It has begun already.
                return self._submitted(folder.id, folder, pack, entries)
            self.waiting.put_back(request, entries)
            self._submitting.failed(now)
            # The text of an OSError names a folder that is another one at each try.
            kind = getattr(problem, "strerror", None) or str(problem)
            if kind not in self._problems:
                self._problems.add(kind)
                self._warn(f"{problem}. Jobs wait, and are submitted later")
            self._is_away = not getattr(problem, "is_usual", False)
            return
        except Exception as bug:
            self._due += [Report(entry, f"cannot be submitted: {bug!r}") for entry in entries]
            return
        finally:
            self._in_flight = None
        self._submitted(job_id, folder, pack, entries)

    def _submitted(
        self, job_id: str | None, folder: Folder, pack: Pack, entries: list[Entry]
    ) -> None:
        self.accepted += 1
        one = Running(folder, pack, job_id, dict(enumerate(entries)))
        self.running.append(one)
        self._own.append(one)
        if job_id:
            folder.id = job_id
        if self._submitting.worked() and self._is_away:
            self._say("PBS takes jobs again")
        self._announce(one, entries)

    def _announce(self, one: Running, entries: list[Entry]) -> None:
        pack, count = one.pack, f"{len(entries)} job{'s' if len(entries) > 1 else ''}"
        self._say(f"PBS job {one.id} ({pack.name}): {count}, {pack.asks}; log {pack.log}")
        causes = {self._causes.pop(e.task.outputs[0], "") for e in entries if e.task.outputs} - {""}
        for cause in sorted(causes):
            self._say(f"    again, now with {pack.asks}: {cause}")

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    # -- the end ----------------------------------------------------------------------------

    def cancel(self) -> None:
        """Delete all PBS jobs, also one that is being submitted at this moment."""
        self._cancelled.set()
        self.server.stop_asking()
        until = self._clock() + CANCEL_WITHIN
        # A qsub that hangs is not waited for: what comes of it must not run.
        has_lock = self._lock.acquire(timeout=CANCEL_WITHIN / 2)
        try:
            in_flight = self._in_flight
            if in_flight is not None:
                in_flight.revoke()
            self._delete_all([one for one in self.running if not one.is_over], until)
        finally:
            if has_lock:
                self._lock.release()

    def _delete_all(self, left: list[Running], until: float) -> None:
        for one in left:
            # Where qdel does not reach a job, it neither begins nor goes on.
            with suppress(OSError):
                one.folder.revoke()
            one.folder.stop()
        ids = [one.id for one in left if one.id]
        if not ids:
            return
        self.server.ask_again()
        problem = self.server.qdel(ids, patience=CANCEL_WITHIN)
        while ids and not problem and self._clock() < until:
            answer = self.server.qstat(ids, patience=max(1.0, until - self._clock()))
            ended = {i for i in ids if i in answer.jobs and answer.jobs[i].is_over}
            ids = [i for i in ids if i not in ended | answer.gone]
            if ids:
                time.sleep(0.5)
        for one in left:
            one.is_over = one.id not in ids
        if ids:
            self._warn(
                f"PBS jobs may be left ({problem or 'they take their time to end'}). "
                f"They stop by themselves; to be sure:  qdel {' '.join(ids)}"
            )
        else:
            self._say(f"{len(left)} PBS job{'s' if len(left) > 1 else ''} deleted")

    def close(self) -> None:
        """Remove what no later run has a use for."""
        keep = set()
        for one in [*self._own, *self._adoption.packs.values()]:
            # Who cancels does not ask for the ends any more.
            if one.is_over and (self._cancelled.is_set() or not one.entries):
                one.folder.remove()
            else:
                keep.add(one.folder.path)
        self.ledger.tidy(keep)
