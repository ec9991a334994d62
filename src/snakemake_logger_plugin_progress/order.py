"""What others print comes after what was logged before it.

Snakemake hands its messages to logger plugins through a queue. What a Snakefile prints does not go
that way, and would be seen before messages that are older.
"""

import logging
import sys
import threading
import time
from logging.handlers import QueueHandler
from typing import Any, TextIO

#: Seconds to wait at most: an order that is wrong for once is better than a run that stands still.
PATIENCE = 0.5


def settle(is_closing: threading.Event | None = None) -> None:
    """Wait until all is handled that was logged so far."""
    handlers = logging.getLogger("snakemake.logging").handlers
    queues = [handler.queue for handler in handlers if isinstance(handler, QueueHandler)]
    until = time.monotonic() + PATIENCE
    while any(getattr(queue, "unfinished_tasks", 0) for queue in queues):
        if time.monotonic() > until or (is_closing and is_closing.is_set()):
            return
        time.sleep(0.002)


class Ordered:
    """Stands for ``sys.stderr`` or ``sys.stdout`` during a run: what is printed waits for its turn."""

    def __init__(self, stream: TextIO, listener: int | None) -> None:
        """``listener`` is the thread that handles what was logged: it must not wait for itself."""
        self._stream, self._listener = stream, listener

    def write(self, text: str) -> int:
        if threading.get_ident() != self._listener:
            settle()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @classmethod
    def install(cls) -> None:
        """To be called by the thread that handles what was logged."""
        listener = threading.get_ident()
        sys.stdout, sys.stderr = cls(sys.stdout, listener), cls(sys.stderr, listener)

    @staticmethod
    def remove() -> None:
        """Leave both streams as they were found, unless somebody else has replaced them since."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, Ordered):
                setattr(sys, name, stream._stream)
