"""Saying what is waited for, where a file system does not answer."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds of silence after which it is said.
SAID_AFTER = 20.0


class Waiting:
    """What is waited for at present. One thread looks at it; changing it costs nothing."""

    def __init__(self) -> None:
        self.place = ""
        self._is_over = threading.Event()

    def _look(self) -> None:
        before = said = ""
        while not self._is_over.wait(SAID_AFTER):
            if self.place == before != said:
                print(
                    f"xsar-batch: still waiting: {before} does not answer\n"
                    "    if the file system is down: wait, or stop this and leave it out of safes",
                    file=sys.stderr,
                    flush=True,
                )
                said = before
            before = self.place

    def end(self) -> None:
        """Nothing is waited for any more."""
        self._is_over.set()


@contextmanager
def waiting() -> Iterator[Waiting]:
    """Set ``place`` of what this yields to what is asked next."""
    what = Waiting()
    threading.Thread(target=what._look, daemon=True).start()
    try:
        yield what
    finally:
        what.end()
