"""Asking for a conversion, waiting for it, and ending as it ended.

This is what Snakemake starts for each SAFE, so it imports next to nothing: 30 ms instead of the
seconds of a conversion of its own.
"""

import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xsar_batch.conversion.forkserver import VARIABLE, make_private
from xsar_batch.conversion.watchdog import Watch, in_a_fork
from xsar_batch.system import module_file
from xsar_batch.system.process import is_orphaned, umask

# As in typing, whose import would cost each client a few milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

#: Limits of this process that its conversion has too.
LIMITS = tuple(
    getattr(resource, f"RLIMIT_{name}")
    for name in ("AS", "CORE", "CPU", "DATA", "FSIZE", "NOFILE", "STACK")
)


#: Set by the PBS executor for each job that it watches: what is in the job's process group is its.
PBS_JOB = "SNAKEMAKE_PBS_JOB"

#: Seconds after the end of the server in which this process is told to stop too, if all is stopped.
WAIT_FOR_STOP = 1.0


def convert(words: Sequence[str]) -> int:
    """Have a conversion of a run done: by the warm interpreter, or else by a fork of this process.

    Returns the exit code.
    """
    watch = Watch(words)
    code = _ask(watch)
    return in_a_fork(watch) if code is None else code


def _ask(watch: Watch) -> int | None:
    """Exit code; None if there is no server: it is not wanted, could not be started, or went
    away."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    try:
        connection = _connect(Path(folder), watch)
    except OSError as error:
        print(f"no warm interpreter ({error}): xsar is imported anew", file=sys.stderr)
        return None
    with connection:
        try:
            return _converse(connection, watch)
        except (OSError, ValueError, EOFError):
            # The server has gone, and its forks go with it: killed alone, or stopped with all else.
            stopped_by = watch.stopped_by(WAIT_FOR_STOP)
            watch.keep_signals()
    if stopped_by:
        return 128 + stopped_by
    if is_orphaned():
        return 128 + signal.SIGTERM
    print("the warm interpreter went away: xsar is imported anew", file=sys.stderr)
    return None


def _connect(folder: Path, watch: Watch) -> socket.socket:
    """A connection to the server; it is started if it is not there.

    Libraries fix their number of threads when they are loaded, so there is a server for each.
    """
    own = _folder_for(folder, watch.threads)
    with suppress(FileNotFoundError, ConnectionRefusedError):
        return _open(own, watch)
    # Only the first conversions of a run come here.
    import fcntl

    server = None
    with (own / "lock").open("w") as lock:
        is_first = False
        while True:
            with suppress(FileNotFoundError, ConnectionRefusedError):
                return _open(own, watch)
            if server is not None and server.poll() is not None:
                raise OSError(f"it ended with exit code {server.returncode}")
            if watch.is_over:
                raise TimeoutError("it did not start in time")
            if is_first and server is None:
                server = _start(own, watch.threads)
            elif not is_first:
                with suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # Another one may have started it meanwhile: it is asked once more.
                    is_first = True
                    continue
            time.sleep(0.01)


def start(threads: int) -> None:
    """Start the server and have it import xsar now, before the first conversion asks for it.

    What goes wrong shows when one asks.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    import fcntl

    with suppress(OSError):
        own = _folder_for(Path(folder), threads)
        with (own / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not (own / "socket").exists():
                # The server holds the lock until it listens, so that nobody starts another.
                _start(own, threads, lock.fileno())


def _folder_for(folder: Path, threads: int) -> Path:
    make_private(folder)
    own = folder / str(threads)
    own.mkdir(exist_ok=True)
    return own


def _start(own: Path, threads: int, *lock: int) -> "subprocess.Popen":
    import subprocess

    return subprocess.Popen(
        [
            *module_file.python(),
            "-m",
            "xsar_batch.conversion.forkserver.server",
            *map(str, (own, threads, *lock)),
        ],
        pass_fds=lock,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Of one job's log: nothing of the server belongs there.
        stderr=subprocess.DEVNULL,
        # Ctrl-C in a terminal is for the clients, which hand it on. It stays in the session,
        # by which PBS knows its processes.
        process_group=0,
    )


def _open(own: Path, watch: Watch) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        # A server that hangs accepts nobody.
        connection.settimeout(watch.left or None)
        connection.connect(str(own / "socket"))
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


def _converse(connection: socket.socket, watch: Watch) -> int:
    request = {
        "arguments": watch.words,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "umask": umask(),
        "limits": [(limit, *resource.getrlimit(limit)) for limit in LIMITS],
        "nice": os.nice(0),
        "processors": sorted(os.sched_getaffinity(0)),
        # In a PBS job this process's group is the job: its conversion is to belong to it. In a
        # terminal the group is Ctrl-C's, which this process hands on.
        "group": os.getpgrp() if PBS_JOB in os.environ else 0,
    }
    watch.hand_on_signals()
    data = json.dumps(request).encode()
    socket.send_fds(connection, [len(data).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(data)
    answers = Answers(connection)
    while (process := answers.next("process", watch.until_next_look)) is None:
        if is_orphaned():
            return 128 + signal.SIGTERM
        if watch.is_over:
            return watch.time_over()
    watch.is_of(process)
    return watch.wait_for_end(lambda seconds: answers.next("status", seconds))


class Answers:
    """What the server has to say, a line each."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""

    def next(self, key: str, seconds: float) -> int | None:
        """The next answer; None if there is none by then.

        Raises
        ------
        EOFError
            There is no server any more.
        """
        until = time.monotonic() + seconds
        while b"\n" not in self._data:
            left = max(until - time.monotonic(), 0)
            ready, _, _ = select.select([self._connection], [], [], left)
            if not ready:
                return None
            part = self._connection.recv(4096)
            if not part:
                raise EOFError
            self._data += part
        line, self._data = self._data.split(b"\n", 1)
        return json.loads(line)[key]
