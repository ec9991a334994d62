"""Having a file read while something else is computed.

Who reads a part, computes with it, and reads the next lets the disk wait for the processor and the
processor for the disk. The kernel reads ahead by itself, but 128 KiB at most. Here a thread asks it
for what is needed next. The kernel reads that into its cache, so no memory of the process is taken.
"""

import os
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

#: Bytes that are asked for ahead of who reads, at most.
AHEAD = 256 << 20

#: Bytes of one question: of more the kernel reads no more than this. So many questions are asked
#: after one whether the cache has all that already.
PIECE, PIECES = 128 << 10, 32


class ReadAhead:
    """Keeps ahead of a reader who goes through a file, or a part of it, until it is closed.

    Places are shares of the file, from 0 to 1. Nothing depends on it: a file that cannot be asked
    for is read as it is.
    """

    def __init__(self, path: str | os.PathLike, start: float = 0, end: float = 1) -> None:
        self._reader = start
        self._end = end
        self._moved = threading.Condition()
        self._is_closed = False
        thread = threading.Thread(target=self._go, args=(path, start), daemon=True)
        thread.start()

    def at(self, place: float) -> None:
        """The reader is here."""
        with self._moved:
            self._reader = place
            self._moved.notify()

    def close(self) -> None:
        """Ask for no more. What was asked for is read all the same."""
        with self._moved:
            self._is_closed = True
            self._moved.notify()

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _go(self, path: str | os.PathLike, start: float) -> None:
        with suppress(OSError), Path(path).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            step = PIECE * PIECES
            for place in range(int(start * size), int(self._end * size), step):
                with self._moved:
                    self._moved.wait_for(partial(self._may_ask_for, place, size))
                    if self._is_closed:
                        return
                    # The reader was faster.
                    is_late = place + step < self._reader * size
                if not is_late and not _is_there(file.fileno(), place):
                    for piece in range(place, place + step, PIECE):
                        os.posix_fadvise(file.fileno(), piece, PIECE, os.POSIX_FADV_WILLNEED)

    def _may_ask_for(self, place: int, size: int) -> bool:
        return self._is_closed or place < self._reader * size + AHEAD


def _is_there(file: int, place: int) -> bool:
    """Whether the cache holds the byte. Asking for what is there costs a walk through all of it."""
    try:
        return bool(os.preadv(file, [bytearray(1)], place, os.RWF_NOWAIT))
    except OSError:
        # It is not, or the file system cannot tell.
        return False
