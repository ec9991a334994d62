"""A terminal that tests can look at: a real pseudo-terminal, with what it shows kept by pyte."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from processes import TIMEOUT, environment


class Terminal:
    """Runs a command in a terminal of so many ``columns``, as a shell does."""

    def __init__(
        self, command: list[str], cwd: Path, columns: int = 100, rows: int = 40, **env: str | None
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        #: All bytes that came.
        self.raw = b""
        self._ours, theirs = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(**{"TERM": "xterm-256color", "NO_COLOR": None, **env}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # So that Ctrl-C in this terminal reaches it.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def resize(self, columns: int, rows: int = 40) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without what is empty at the end."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")

    @property
    def row(self) -> str:
        """The row in which the cursor is."""
        return self.screen.display[self.screen.cursor.y].rstrip()

    def until(self, is_so: Callable[[], object], seconds: float = TIMEOUT) -> None:
        """Show what comes until something is so."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, "\n".join(self.lines)
            assert self._show(), "\n".join(self.lines)

    def end(self) -> int:
        """Show all that comes; returns the exit code."""
        try:
            while self._show():
                pass
            return self.process.wait(TIMEOUT)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            os.close(self._ours)

    def _show(self) -> bool:
        """Show what is there now; False once nobody has the terminal open any more."""
        if not select.select([self._ours], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
