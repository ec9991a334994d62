"""What others print comes after what was logged before it.

Snakemake hands its messages to logger plugins through a queue. What a Snakefile prints does not go
that way, and would be seen before messages that are older, or torn by a row that is drawn anew.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from logging.handlers import QueueHandler
from typing import Any, TextIO

#: Seconds to wait at most: an order that is wrong for once is better than a run that stands still.
TIMEOUT = 0.5


def settle() -> None:
    """Wait until all is handled that was logged so far."""
    handlers = logging.getLogger("snakemake.logging").handlers
    queues = [handler.queue for handler in handlers if isinstance(handler, QueueHandler)]
    until = time.monotonic() + TIMEOUT
    while any(getattr(queue, "unfinished_tasks", 0) for queue in queues):
        if time.monotonic() > until:
            return
        time.sleep(0.002)


class Ordered:
    """Stands for ``sys.stderr`` or ``sys.stdout`` in a run: what is printed waits for its turn."""

    def __init__(self, stream: TextIO, write: Callable[[str], object], listener: int) -> None:
        """``listener`` is the thread that handles what was logged: it must not wait for itself."""
        self._stream, self._write, self._listener = stream, write, listener

    def write(self, text: str) -> int:
        if threading.get_ident() != self._listener:
            settle()
        self._write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def install(names: list[str], write: Callable[[str], object] | None = None) -> None:
    """Put these streams of :mod:`sys` in order; ``write`` prints what is written to them, if they
    do not do it themselves. To be called by the thread that handles what was logged."""
    for name in names:
        stream = getattr(sys, name)
        ordered = Ordered(stream, write or stream.write, threading.get_ident())
        setattr(sys, name, ordered)


def remove() -> None:
    """Leave the streams as they were found, unless somebody else has replaced them since."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, Ordered):
            setattr(sys, name, stream._stream)
