"""Progress where there is no terminal: lines with a time, in a file or the log of a cluster job."""

import threading
import time
from typing import TextIO

from . import streams, words
from .failures import readable
from .tally import Tally

#: Seconds between two looks at what is due.
PERIOD = 0.5

#: Intervals after which a line is written again that says nothing new.
SIGN_OF_LIFE = 10


class Lines:
    """Writes to ``stream``, a line in ``interval`` seconds at most, without control characters."""

    def __init__(self, stream: TextIO, interval: float) -> None:
        self._stream, self._interval = stream, interval
        self._last: tuple[float, list[str]] = (float("-inf"), [])

    def start(self) -> None:
        """A run begins. To be called by the thread that handles what was logged."""
        streams.install(["stdout", "stderr"])

    def say(self, text: str, style: str = "") -> None:
        """Print a message as it is; colours are for terminals."""
        self._stream.write(readable(text) + "\n")
        self._stream.flush()

    def tell(self, text: str, style: str = "") -> None:
        """Print a line with the time."""
        self.say(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}")

    def wait(self, is_closing: threading.Event) -> None:
        """Until it may be time for the next line."""
        is_closing.wait(PERIOD)

    def show(self, tally: Tally, now: float) -> None:
        """Say how it goes if that is due: at once, then every interval if anything has changed."""
        at, counts = self._last
        is_new = words.counts(tally) != counts
        if now - at >= self._interval * (1 if is_new else SIGN_OF_LIFE):
            self._last = now, words.counts(tally)
            self.tell(words.line(tally, now))

    def hide(self) -> None:
        """Nothing runs any more: there is nothing to take away."""

    def stop(self) -> None:
        """Leave all as it was found."""
        streams.remove()
