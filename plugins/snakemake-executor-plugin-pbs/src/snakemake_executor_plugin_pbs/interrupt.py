"""Ctrl-C and SIGTERM: both end the run and delete its PBS jobs, whenever they come.

Snakemake answers SIGTERM by waiting for all that it has handed over, which takes hours here, longer
than whoever shuts a machine down will wait; so SIGTERM does what Ctrl-C does.

Python turns SIGINT into a KeyboardInterrupt wherever the main thread is. Where that is in the
middle of a log message, Snakemake's handler swallows it (``ColorizingTextHandler.emit`` in
Snakemake 9.27), and the run goes on as if nothing had happened. So it is noted here, and sent again
until the run is cancelled.
"""

import signal
import threading
import time
from contextlib import suppress
from typing import Any

#: Seconds after which a signal that nothing has followed is sent again.
REPEAT_AFTER = 1.0


class Interrupt:
    """Stands before the handler of SIGINT, and hands each one on to it."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._before: Any = None
        # Elsewhere than in the main thread there is none to handle.
        with suppress(ValueError):
            self._before = signal.signal(signal.SIGINT, self._hear)
        if not callable(self._before):
            # Ignored, by nohup for example: so be it.
            self.restore()

    def hear_sigterm(self) -> None:
        """Treat SIGTERM as Ctrl-C, even where Ctrl-C is ignored (nohup). To be called once
        Snakemake has set its own handler, in the main thread."""
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, self._hear)

    def _hear(self, number: int, frame: Any) -> None:
        self._at = time.monotonic()
        before = self._before if callable(self._before) else signal.default_int_handler
        before(number, frame)

    def repeat(self, is_heard: bool) -> None:
        """Send it again if it came a while ago and nothing has followed; to be called now and then
        by another thread."""
        if is_heard or self._at is None or time.monotonic() - self._at < REPEAT_AFTER:
            return
        main = threading.main_thread().ident
        if main is not None:
            # The one of the two that is not ignored.
            ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.pthread_kill(main, signal.SIGTERM if ignored else signal.SIGINT)

    def ignore(self) -> None:
        """From now on nothing happens: who is impatient must not keep jobs from being deleted."""
        with suppress(ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Leave SIGINT as it was found."""
        if self._before is not None:
            with suppress(ValueError):
                signal.signal(signal.SIGINT, self._before)
