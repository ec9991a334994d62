"""Jobs that an earlier Snakemake has submitted, and that outlived it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .ledger import Ledger
from .running import Entry, Report, Running


class Adoption:
    """Finds jobs in packs of earlier Snakemakes, and takes those packs over.

    ``running`` is the list that packs are added to; ``delete`` ends PBS jobs; ``say`` tells the
    user.
    """

    def __init__(
        self,
        ledger: Ledger,
        running: list[Running],
        delete: Callable[[list[str]], object],
        say: Callable[[str], None],
    ) -> None:
        self._ledger, self._running = ledger, running
        self._delete, self._say = delete, say
        self.packs: dict[Path, Running] = {}
        #: Jobs that wait until a PBS job that is unwanted has let go of their outputs.
        self._blocked: list[tuple[Running, int, Entry]] = []

    def take(self, entry: Entry) -> list[Report] | None:
        """The end of a job that is already known, or nothing if it is awaited; None for a job that
        is to be submitted."""
        found = self._ledger.earlier(entry.task)
        if found is None:
            return None
        folder, pack, number = found
        events = folder.read()
        known = self.packs.get(folder.path) or Running(folder, pack, folder.id)
        if number in events.done or number in events.failed:
            return _result(known, number, entry)
        if events.is_over or known.is_over:
            return None
        # Submitted or not? Whoever claims it first decides.
        if known.id is None and folder.revoke():
            return None
        if folder.path not in self.packs:
            self.packs[folder.path] = known
            self._running.append(known)
        if _is_same(known, number, entry) and not folder.is_to_stop:
            if not known.entries:
                self._say(f"PBS job {known.id} ({pack.name}) of an earlier run is taken over")
            known.entries[number] = entry
        else:
            self._give_up(known)
            self._blocked.append((known, number, entry))
        return []

    def _give_up(self, known: Running) -> None:
        """End a PBS job that does what is no longer wanted. It is no fault of what else it does:
        that is submitted anew."""
        self._blocked += [(known, number, entry) for number, entry in known.entries.items()]
        known.entries.clear()
        if known.folder.is_to_stop:
            return
        self._say(f"PBS job {known.id} was started with other settings and is deleted")
        known.folder.stop()
        if known.id:
            self._delete([known.id])

    def freed(self) -> tuple[list[Report], list[Entry]]:
        """Of those that waited for an unwanted PBS job: ends, and what is to be submitted."""
        reports, entries = [], []
        for blocked in [one for one in self._blocked if one[0].is_over]:
            self._blocked.remove(blocked)
            known, number, entry = blocked
            if number in known.folder.events.done and (ends := _result(known, number, entry)):
                reports += ends
            else:
                entries.append(entry)
        return reports, entries


def _result(known: Running, number: int, entry: Entry) -> list[Report] | None:
    """What the job came to, if that is what is asked for now."""
    if not _is_same(known, number, entry):
        return None
    if number in known.folder.events.failed:
        return [known.end(number, entry)]
    return [known.end(number, entry)] if _is_newer(entry) else None


def _is_same(known: Running, number: int, entry: Entry) -> bool:
    return known.pack.tasks[number].digest == entry.task.digest


def _is_newer(entry: Entry) -> bool:
    """Whether what an earlier run made is there, and not older than what it is made of."""
    try:
        made = min(Path(path).stat().st_mtime for path in entry.task.outputs)
    except (OSError, ValueError):
        return False
    times = []
    for path in entry.inputs:
        with suppress(OSError):
            times.append(Path(path).stat().st_mtime)
    return made >= max(times, default=made)
