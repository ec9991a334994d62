"""Which waiting jobs go into one PBS job, and when.

Jobs that ask for the same wait in one line. A pack that is full can go at once. One that is not
full waits for more: Snakemake hands over jobs in portions, and whenever jobs end, others become
free one by one.
"""

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")

#: Seconds that a pack waits for more while no PBS job is queued or running.
IDLE_WAIT = 1.5


@dataclass
class _Line(Generic[Item]):
    items: deque[Item] = field(default_factory=deque)
    last: float = 0.0


class Waiting(Generic[Key, Item]):
    """Jobs that are not submitted yet, in the order in which they came."""

    def __init__(self, size: int, wait: float) -> None:
        self.size = size
        self.wait = wait
        self._lines: dict[Key, _Line[Item]] = {}

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def __iter__(self) -> Iterator[Item]:
        return (item for line in self._lines.values() for item in line.items)

    def keys(self) -> list[Key]:
        """What there is to wait for, by what it asks for."""
        return list(self._lines)

    def add(self, key: Key, item: Item, now: float, hurry: bool = False) -> None:
        """Let an item wait; those of the same key are packed together.

        ``hurry`` is for one that no other will ever join.
        """
        line = self._lines.setdefault(key, _Line())
        line.items.append(item)
        line.last = float("-inf") if hurry else now

    def put_back(self, key: Key, items: list[Item]) -> None:
        """Items that could not be submitted, to the front and as a pack that waits for no more."""
        line = self._lines.setdefault(key, _Line())
        line.items.extendleft(reversed(items))
        line.last = float("-inf")

    def take(self, now: float, idle: bool, complete: bool = False) -> tuple[Key, list[Item]] | None:
        """A pack that is to be submitted now, if there is one. Full ones go first.

        ``idle`` tells that nothing is queued or running, so that little is won by waiting, and
        nothing if what waits is also ``complete``: no other will come before one of these ends.
        """
        wait = min(self.wait, 0 if complete else IDLE_WAIT) if idle else self.wait
        for timeout in (None, wait):
            for key, line in self._lines.items():
                is_full = len(line.items) >= self.size
                if is_full or (timeout is not None and now - line.last >= timeout):
                    items = [line.items.popleft() for _ in range(min(self.size, len(line.items)))]
                    if not line.items:
                        del self._lines[key]
                    return key, items
        return None
