"""Asking for a conversion, waiting for it, and ending as it ended.

This is what Snakemake starts for each SAFE, so it imports next to nothing: 30 ms instead of the
seconds of a conversion of its own.
"""

import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from . import VARIABLE, make_private

#: Signals that somebody may send to a conversion.
FORWARDED = tuple(
    getattr(signal, f"SIG{name}") for name in ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2")
)

#: Limits of this process that its conversion has too.
LIMITS = tuple(
    getattr(resource, f"RLIMIT_{name}")
    for name in ("AS", "CORE", "CPU", "DATA", "FSIZE", "NOFILE", "STACK")
)


def ask(arguments: Sequence[str], threads: int) -> int | None:
    """Have a conversion done; returns its exit code.

    None if there is no server: it is not wanted, could not be started, or went away. Then the
    conversion is to be done in this process.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    try:
        connection = _connect(Path(folder), threads)
    except OSError as error:
        print(f"no warm interpreter ({error}): xsar is imported anew", file=sys.stderr)
        return None
    with connection:
        return _converse(connection, arguments)


def _connect(folder: Path, threads: int) -> socket.socket:
    """A connection to the server; it is started if it is not there.

    Libraries fix their number of threads when they are loaded, so there is a server for each.
    """
    own = _place(folder, threads)
    with suppress(FileNotFoundError, ConnectionRefusedError):
        return _open(own)
    with (own / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another one may have started it meanwhile.
        with suppress(FileNotFoundError, ConnectionRefusedError):
            return _open(own)
        server = _start(own, threads)
        while True:
            with suppress(FileNotFoundError, ConnectionRefusedError):
                return _open(own)
            if server.poll() is not None:
                raise OSError(f"it ended with exit code {server.returncode}")
            time.sleep(0.01)


def start(threads: int) -> None:
    """Start the server and have it import xsar now, before the first conversion asks for it.

    What goes wrong shows when one asks.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    with suppress(OSError):
        own = _place(Path(folder), threads)
        with (own / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The server holds the lock until it listens, so that nobody starts another.
            _start(own, threads, lock.fileno())


def _place(folder: Path, threads: int) -> Path:
    make_private(folder)
    own = folder / str(threads)
    own.mkdir(exist_ok=True)
    return own


def _start(own: Path, threads: int, *lock: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "xsar_batch.warm.server", *map(str, (own, threads, *lock))],
        pass_fds=lock,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Of one job's log: nothing of the server belongs there.
        stderr=subprocess.DEVNULL,
        # Ctrl-C in a terminal is for the clients, which hand it on. It stays in the session,
        # by which PBS knows its processes.
        process_group=0,
    )


def _open(own: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(own / "socket"))
    except BaseException:
        connection.close()
        raise
    return connection


def _converse(connection: socket.socket, arguments: Sequence[str]) -> int | None:
    request = {
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "umask": _umask(),
        "limits": [(limit, *resource.getrlimit(limit)) for limit in LIMITS],
        "nice": os.nice(0),
        "processors": sorted(os.sched_getaffinity(0)),
    }
    process = 0
    waiting: list[int] = []

    def hand_on(number: int, frame: object) -> None:
        if not process:
            waiting.append(number)
        else:
            with suppress(ProcessLookupError):
                os.kill(process, number)

    for number in FORWARDED:
        signal.signal(number, hand_on)
    with suppress(OSError, ValueError):
        data = json.dumps(request).encode()
        socket.send_fds(connection, [len(data).to_bytes(8, "big")], [0, 1, 2])
        connection.sendall(data)
        answers = connection.makefile("r")
        process = json.loads(answers.readline())["process"]
        for number in waiting:
            hand_on(number, None)
        return _end_as(json.loads(answers.readline())["status"])
    # The server has gone, and its forks go with it.
    for number in FORWARDED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if waiting:
        os.kill(os.getpid(), waiting[0])
    print("the warm interpreter went away: xsar is imported anew", file=sys.stderr)
    return None


def _end_as(status: int) -> int:
    """The exit code; or, if a signal has ended the conversion, end in the same way."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    return code


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
