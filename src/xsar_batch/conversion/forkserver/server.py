"""The interpreter that has imported xsar, run as ``python -m …forkserver.server FOLDER THREADS``.

It does nothing but import, fork and wait. What is said of a SAFE is said by the fork, into the
files of who asked. xsar is imported when the first SAFE has passed its check: broken ones must not
cost its import. With a third argument, a file descriptor that is closed as soon as it listens, it
imports at once: there are conversions to come, and time until the first.
"""

import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xsar_batch.conversion import command, watchdog
from xsar_batch.conversion.forkserver import left_behind, owner_of, preloading
from xsar_batch.system import threads
from xsar_batch.system.process import began

#: Seconds between two looks whether the owner is still there.
LOOK_EVERY = 0.3


@dataclass(frozen=True)
class Asked:
    """A request, and who waits for its answer."""

    connection: socket.socket
    request: dict[str, Any]
    files: list[int]


class Server:
    """Waits for requests at a socket, and for the forks that work on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = owner_of(folder.parent)
        self.is_warm = False
        self.forks: dict[int, socket.socket] = {}
        # While xsar is not imported, the check of each SAFE that is asked for.
        self.checks: dict[int, Asked] = {}
        self._listener = socket.socket(socket.AF_UNIX)

    def run(self, lock: int | None = None) -> None:
        """Until the owner has gone; with ``lock`` xsar is imported before the first request."""
        # A byte for every signal: select wakes up.
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, self._wake)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._is_to_end = False
        self._bind()
        if lock is not None:
            os.close(lock)
        for folder in left_behind(self.folder.parent):
            shutil.rmtree(folder, ignore_errors=True)
        try:
            if lock is not None:
                self._warm_up()
            while began(self.owner[0]) == self.owner[1] and not self._is_to_end:
                sources: list[Any] = [reader, self._listener, *self._connections()]
                ready, _, _ = select.select(sources, [], [], LOOK_EVERY)
                with suppress(BlockingIOError):
                    os.read(reader, 4096)
                self._reap()
                for one in ready:
                    if one is self._listener:
                        self._accept()
                    elif one is not reader:
                        self._hear(one)
        finally:
            self._end()

    def _wake(self, number: int, frame: object) -> None:
        self._is_to_end = self._is_to_end or number == signal.SIGTERM

    def _bind(self) -> None:
        path = self.folder / "socket"
        # Left by a server that was killed: only one is started at a time.
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen(64)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        try:
            asked = Asked(connection, *_receive(connection))
            if self.is_warm:
                self._begin(asked)
            else:
                # A SAFE may take long to be read, or for ever: nobody else waits for that.
                self.checks[self._check(asked)] = asked
        except (OSError, ValueError, KeyError):
            # Who asked is gone.
            connection.close()

    def _warm_up(self) -> None:
        preloading.preload()
        self.is_warm = True

    def _check(self, asked: Asked) -> int:
        """Whether the SAFE passes its check; in a fork, since it may hold anything."""
        process = os.fork()
        if process == 0:
            code = 1
            try:
                _become(asked.request, [os.open(os.devnull, os.O_RDWR)] * 3)
                code = command.check(asked.request["arguments"])
            finally:
                os._exit(code)
        return process

    def _checked(self, process: int, status: int) -> None:
        """xsar is imported as soon as a SAFE has passed. Bad ones do without."""
        asked = self.checks.pop(process)
        if status == 0 and not self.is_warm:
            self._warm_up()
        try:
            self._begin(asked)
        except OSError:
            asked.connection.close()

    def _begin(self, asked: Asked) -> None:
        process = self._fork(asked)
        self.forks[process] = asked.connection
        with suppress(OSError):
            asked.connection.sendall(json.dumps({"process": process}).encode() + b"\n")

    def _fork(self, asked: Asked) -> int:
        process = os.fork()
        if process:
            for file in asked.files:
                os.close(file)
            return process
        try:
            self._listener.close()
            for other in (asked.connection, *self._connections()):
                other.close()
            _become(asked.request, asked.files)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        watchdog.convert(asked.request["arguments"])

    def _connections(self) -> list[socket.socket]:
        return [*self.forks.values(), *(asked.connection for asked in self.checks.values())]

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            if process in self.checks:
                self._checked(process, status)
                continue
            connection = self.forks.pop(process, None)
            if connection is not None:
                with suppress(OSError):
                    connection.sendall(json.dumps({"status": status}).encode() + b"\n")
                connection.close()

    def _hear(self, connection: socket.socket) -> None:
        """Nothing is ever said after the request: who asked was killed, so is its fork."""
        for process, asked in list(self.checks.items()):
            if asked.connection is connection:
                self._forget(process, connection)
                for file in asked.files:
                    os.close(file)
                del self.checks[process]
        for process, known in list(self.forks.items()):
            if known is connection:
                self._forget(process, connection)
                del self.forks[process]

    def _forget(self, process: int, connection: socket.socket) -> None:
        # Only its status is awaited then.
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        connection.close()

    def _end(self) -> None:
        self._listener.close()
        for process, asked in self.checks.items():
            self._forget(process, asked.connection)
        self.checks.clear()
        for process in self.forks:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        # They say that they were interrupted, and would be killed with this process.
        until = time.monotonic() + watchdog.GRACE
        while self.forks and time.monotonic() < until:
            time.sleep(LOOK_EVERY / 10)
            self._reap()
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    connection.settimeout(10)
    head, files, _, _ = socket.recv_fds(connection, 8, 3)
    if len(head) != 8 or len(files) != 3:
        raise ValueError("no request")
    data = b""
    while len(data) < int.from_bytes(head, "big"):
        part = connection.recv(1 << 16)
        if not part:
            raise ValueError("a request that is cut short")
        data += part
    connection.settimeout(None)
    return json.loads(data), files


def _become(request: dict[str, Any], files: list[int]) -> None:
    """Be the process that asked: its files, folder, environment and limits."""
    signal.set_wakeup_fd(-1)
    if request["group"]:
        # It may have ended meanwhile.
        with suppress(OSError):
            os.setpgid(0, request["group"])
    watchdog.die_with_parent()
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(request["umask"])
    for limit, soft, hard in request["limits"]:
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (soft, hard))
    with suppress(OSError):
        os.nice(request["nice"] - os.nice(0))
        os.sched_setaffinity(0, request["processors"])


def main(folder: str, number_of_threads: str, lock: str | None = None) -> None:
    # Before anything that loads numpy.
    threads.limit(int(number_of_threads))
    # What the check of a SAFE needs, a bad one too: rasterio and lxml, not xsar.
    import xsar_batch.sentinel1.safe

    assert xsar_batch.sentinel1.safe
    Server(Path(folder)).run(None if lock is None else int(lock))
    # Taking 2,000 modules apart takes two seconds, for nothing.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
