"""Submitting what waits: into packs, and what the answers of qsub lead to."""

from collections.abc import Callable

from .backoff import Backoff
from .broken_nodes import BrokenNodes
from .commands import Commands
from .folder import Folder, Pack
from .packing import Waiting
from .qsub import Later, Refused, Unclear
from .request import PackRequest, widest
from .running import Entry, Report, Running
from .settings import ExecutorSettings

#: Makes the folder of a pack; returns it with what is in it and qsub's arguments.
Prepare = Callable[[list[Entry], PackRequest], tuple[Folder, Pack, list[str]]]


class Submission:
    """Jobs that wait, and how they are submitted. ``say`` and ``warn`` tell the user."""

    def __init__(
        self,
        server: Commands,
        settings: ExecutorSettings,
        prepare: Prepare,
        say: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.waiting = Waiting(settings.pack_size, settings.pack_wait)
        self.nodes = BrokenNodes()
        #: Why nothing can be submitted at all.
        self.fatal = ""
        #: The pack that qsub is submitting at this moment.
        self.in_flight: Folder | None = None
        #: Ends of jobs that could not be submitted; for the caller to take.
        self.refused: list[Report] = []
        self._server, self._settings, self._prepare = server, settings, prepare
        self._say, self._warn = say, warn
        self._pause = Backoff()
        #: What kept jobs from being submitted, each said once.
        self._problems: set[str] = set()
        self._is_away = False
        self._was_accepted = False
        #: Why an output is made again.
        self._causes: dict[str, str] = {}

    def add(self, entry: Entry, now: float) -> None:
        """Let a job wait for its pack."""
        self.waiting.add(entry, now)

    def is_paused(self, now: float) -> bool:
        """Whether nothing is to be submitted now."""
        return bool(self.fatal) or now < max(self._pause.not_before, self.nodes.pause.not_before)

    def say_once(self, text: str, key: str = "") -> None:
        """Tell the user, unless that was told before."""
        if (key or text) not in self._problems:
            self._problems.add(key or text)
            self._warn(text)

    def remember(self, report: Report) -> None:
        """Keep why a job failed: it is told again with what the next attempt asks for."""
        if report.failure and report.entry.task.outputs:
            self._causes[report.entry.task.outputs[0]] = report.failure

    def submit(self, entries: list[Entry], now: float) -> Running | None:
        """Submit a pack; None if that did not work, and its jobs wait or have failed."""
        folder = None
        try:
            wide = widest([entry.request for entry in entries])
            asked = PackRequest.of(wide, len(entries), self._settings)
            folder, pack, arguments = self._prepare(entries, asked)
            self.in_flight = folder
            job_id = self._server.qsub(arguments)
            return self._submitted(job_id, folder, pack, entries, asked)
        except Refused as refusal:
            assert folder is not None, "qsub comes after the folder"
            folder.remove()
            self._refuse(entries, f"qsub refused it ({asked}): {refusal}")
        except Unclear as problem:
            assert folder is not None, "qsub comes after the folder"
            # Should there be a PBS job all the same, it must not begin.
            if not folder.revoke():
                return self._submitted(folder.id, folder, pack, entries, asked)
            self._put_back(entries, now, problem)
        except (Later, OSError) as problem:
            if folder is not None:
                folder.remove()
            self._put_back(entries, now, problem)
        except Exception as bug:
            self.refused += [Report(entry, f"cannot be submitted: {bug!r}") for entry in entries]
        finally:
            self.in_flight = None
        return None

    def _refuse(self, entries: list[Entry], why: str) -> None:
        """These jobs have failed. If nothing else is there to try, so will all others."""
        self.refused += [Report(entry, why) for entry in entries]
        if not self._was_accepted and self.waiting.requests <= {entries[0].request}:
            self.fatal = why

    def _put_back(self, entries: list[Entry], now: float, problem: Exception) -> None:
        self.waiting.put_back(entries)
        self._pause.failed(now)
        self._is_away = not getattr(problem, "is_usual", False)
        # The text of an OSError names a folder that is another one at each try.
        key = getattr(problem, "strerror", None) or str(problem)
        self.say_once(f"{problem}. Jobs wait, and are submitted later", key)

    def _submitted(
        self,
        job_id: str | None,
        folder: Folder,
        pack: Pack,
        entries: list[Entry],
        asked: PackRequest,
    ) -> Running:
        self._was_accepted = True
        if job_id:
            folder.id = job_id
        if self._pause.worked() and self._is_away:
            self._say("PBS takes jobs again")
        count = f"{len(entries)} job{'s' if len(entries) > 1 else ''}"
        self._say(f"PBS job {job_id} ({pack.name}): {count}, {asked}; log {pack.log}")
        causes = {self._causes.pop(e.task.outputs[0], "") for e in entries if e.task.outputs} - {""}
        for cause in sorted(causes):
            self._say(f"    again, now with {asked}: {cause}")
        return Running(folder, pack, job_id, dict(enumerate(entries)), asked)
