"""Which waiting jobs go into one PBS job, and when.

Jobs that ask for the same wait in one line. A pack that is full can go at once. One that is not
full waits for more: Snakemake hands over jobs in portions, and whenever jobs end, others become
free one by one.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import chain

from .request import Request
from .running import Entry

#: Seconds that a pack waits for more while no PBS job is queued or running.
IDLE_WAIT = 1.5


@dataclass
class _Line:
    entries: deque[Entry] = field(default_factory=deque)
    last: float = 0.0


class Waiting:
    """Jobs that are not submitted yet, in the order in which they came."""

    def __init__(self, size: int, wait: float) -> None:
        self.size = size
        self.wait = wait
        self._lines: dict[Request, _Line] = {}

    @property
    def requests(self) -> set[Request]:
        """What they ask for."""
        return set(self._lines)

    def add(self, entry: Entry, now: float) -> None:
        """Let a job wait; those that ask for the same are packed together."""
        line = self._lines.setdefault(entry.request, _Line())
        line.entries.append(entry)
        # No other will ever join one that is alone.
        line.last = float("-inf") if entry.request.alone else now

    def put_back(self, entries: list[Entry]) -> None:
        """Jobs of a pack that could not be submitted, to the front: it waits for no more."""
        line = self._lines.setdefault(entries[0].request, _Line())
        line.entries.extendleft(reversed(entries))
        line.last = float("-inf")

    def take(self, now: float, idle: bool, complete: bool = False) -> list[Entry]:
        """The jobs of a pack that is to be submitted now; none if there is no such pack. Full ones
        go first.

        ``idle`` tells that nothing is queued or running, so that little is won by waiting, and
        nothing if what waits is also ``complete``: no other will come before one of these ends.
        """
        wait = min(self.wait, 0 if complete else IDLE_WAIT) if idle else self.wait
        full = (request for request, line in self._lines.items() if len(line.entries) >= self.size)
        quiet = (request for request, line in self._lines.items() if now - line.last >= wait)
        request = next(chain(full, quiet), None)
        if request is None:
            return []
        waiting = self._lines[request].entries
        taken = [waiting.popleft() for _ in range(min(self.size, len(waiting)))]
        if not waiting:
            del self._lines[request]
        return taken
