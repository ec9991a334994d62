"""Progress on a terminal: one row that is drawn anew in its place, below all other text.

``rich`` makes the row, but does not keep it: its Live leaves the cursor behind the text, so that a
terminal which is made narrower, or another process that prints, tears it. Here the cursor always
waits at the row's beginning. Wherever a terminal moves that to, clearing from there on clears the
whole row. The cursor is never hidden, so nothing is to be restored after a kill.

What others print to the same terminal appears above the row: this process through its streams, and
the jobs' own through a pipe that takes the terminal's place during a run.
"""

import atexit
import codecs
import os
import select
import sys
import threading
import time
from contextlib import suppress
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from . import streams, words
from .failures import readable
from .tally import Tally

#: Seconds between two drawings.
PERIOD = 0.25

#: Columns of the bar itself, at least and at most. Where the text leaves no room, the bar goes.
NARROWEST, WIDEST = 8, 40

_CLEAR = "\r\x1b[J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


class Bar:
    """Draws on the terminal that ``stream`` leads to."""

    def __init__(self, stream: TextIO, nocolor: bool) -> None:
        self._terminal = os.fdopen(os.dup(stream.fileno()), "w", encoding=stream.encoding)
        self._console = Console(
            file=self._terminal,
            force_terminal=True,
            no_color=nocolor or None,
            markup=False,
            highlight=False,
            emoji=False,
        )
        self._lock = threading.RLock()
        self._tally: Tally | None = None
        self._drawn = 0.0
        self._pipe: int | None = None
        self._kept: dict[int, int] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        #: Beginnings of lines: what came through the pipe, and what this process printed.
        self._begun = {"jobs": "", "ours": ""}

    # -- other people's text ----------------------------------------------------------------

    def start(self) -> None:
        """From now on, what anybody prints to this terminal comes here. To be called by the thread
        that handles what was logged."""
        if self._pipe is not None:
            return
        atexit.register(self.stop)
        self._pipe, entrance = os.pipe()
        os.set_blocking(self._pipe, False)
        mine = os.fstat(self._terminal.fileno()).st_rdev
        for number, name in ((1, "stdout"), (2, "stderr")):
            with suppress(OSError, ValueError):
                if os.isatty(number) and os.fstat(number).st_rdev == mine:
                    getattr(sys, name).flush()
                    self._kept[number] = os.dup(number)
                    os.dup2(entrance, number)
                    streams.install([name], lambda text: self._pass_on("ours", text))
        os.close(entrance)

    def wait(self, is_closing: threading.Event) -> None:
        """Until it is time to draw; what comes through the pipe is printed at once."""
        if self._pipe is None or not self._kept:
            is_closing.wait(PERIOD)
        elif select.select([self._pipe], [], [], PERIOD)[0]:
            self._pass_on("jobs", self._read())
        else:
            # A prompt, or a line whose end is long in coming.
            self._pass_on("jobs", "", is_whole=True)

    def _read(self) -> str:
        assert self._pipe is not None, "start() opens it"
        try:
            return self._decoder.decode(os.read(self._pipe, 65536))
        except BlockingIOError:
            return ""

    def _pass_on(self, whose: str, text: str, is_whole: bool = False) -> None:
        with self._lock:
            lines, newline, rest = (self._begun[whose] + text).rpartition("\n")
            if is_whole and rest:
                lines, newline, rest = lines + newline + rest, "\n", ""
            self._begun[whose] = rest
            if newline:
                # Colours stay, and what moves the cursor goes; of what overwrites itself the last.
                lines = "\n".join(line.rstrip("\r") for line in lines.split("\n"))
                self._print(Text.from_ansi(lines))

    def stop(self) -> None:
        """The end: take the row away, and leave the terminal to others as it was found."""
        with self._lock:
            atexit.unregister(self.stop)
            self.hide()
            streams.remove()
            while self._kept:
                number, before = self._kept.popitem()
                os.dup2(before, number)
                os.close(before)
            if self._pipe is not None:
                while text := self._read():
                    self._pass_on("jobs", text)
                for whose in self._begun:
                    self._pass_on(whose, "", is_whole=True)
                os.close(self._pipe)
                self._pipe = None

    # -- our own ----------------------------------------------------------------------------

    def say(self, text: str, style: str = "") -> None:
        """Print a message as it is."""
        self._print(Text(readable(text), style))

    def tell(self, text: str, style: str = "") -> None:
        """Print a line with the time."""
        line = Text(time.strftime("%H:%M:%S "), "dim")
        self._print(line.append(text, style or "default"))

    def show(self, tally: Tally, now: float) -> None:
        """Draw the row if that is due."""
        if time.monotonic() - self._drawn >= PERIOD:
            with self._lock:
                self._tally = tally
                self._write(_CLEAR + self._row(tally))

    def hide(self) -> None:
        """Take the row away."""
        with self._lock:
            if self._tally is not None:
                self._tally = None
                self._write(_CLEAR)

    def _print(self, text: Text) -> None:
        with self._lock:
            # A terminal wraps by itself, and what is copied from it then is whole.
            said = self._rendered(text, soft_wrap=True) + "\n"
            self._write(said if self._tally is None else _CLEAR + said + self._row(self._tally))

    def _row(self, tally: Tally) -> str:
        """The row for the width that the terminal has now, and the cursor back at its beginning."""
        self._drawn = time.monotonic()
        try:
            columns = os.get_terminal_size(self._terminal.fileno()).columns or 80
        except OSError:
            columns = 80
        # Some terminals wrap after the last column, others before the next character.
        self._console.width = max(1, columns - 1)
        row = _row(tally, time.time(), self._console.width)
        text = self._rendered(row, no_wrap=True, overflow="ellipsis")
        return f"{_NO_WRAP}{text}{_WRAP}\r"

    def _rendered(self, what: RenderableType, **how: Any) -> str:
        with self._console.capture() as capture:
            self._console.print(what, end="", **how)
        return capture.get().rstrip("\n")

    def _write(self, text: str) -> None:
        data = text.encode(self._terminal.encoding, errors="replace")
        # A terminal that is gone is no reason for a run to end.
        with suppress(OSError):
            while data:
                data = data[os.write(self._terminal.fileno(), data) :]


def _row(tally: Tally, now: float, columns: int) -> RenderableType:
    """As much as there is room for: first goes what is said of speed, then the bar."""
    counts, speed = words.counts(tally), words.speed(tally, now)
    if not tally.failed:
        counts.pop(1)
    fitting = (counts + speed[:number] for number in range(len(speed), -1, -1))
    for parts in fitting:
        room = columns - len(", ".join(parts)) - 1
        if room >= NARROWEST:
            break
    if room < -1:
        parts = [f"{tally.done}/{tally.total}", *counts[1 : 1 + (tally.failed > 0)]]
    text = Text()
    for number, part in enumerate(parts):
        style = "bold red" if part.endswith(" failed") else "default"
        text.append(", " if number else "").append(part, style)
    if room < NARROWEST:
        return text
    ended = tally.done + tally.failed
    bar = ProgressBar(max(tally.total, 1), ended, width=min(WIDEST, room), complete_style="green")
    row = Table.grid(padding=(0, 1))
    row.add_column(no_wrap=True)
    row.add_column(no_wrap=True)
    row.add_row(bar, text)
    return row
