"""Faults of the world for tests: mounts, other users, and what may be left when all is over."""

import ctypes
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

#: Somebody who owns nothing. Root ignores permissions, so the tests have to be somebody else.
NOBODY = 65534

#: As nobody, but for reading: Python itself may be in root's home.
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_setpriv = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv"
)


@contextmanager
def mounted(folder: Path, kind: str = "tmpfs", options: str = "", source: str = "none"):
    """A file system of its own at ``folder``; skips where mounting is not allowed."""
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", kind, *(("-o", options) if options else ()), source, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Use up the space of a small file system but for ``leave`` bytes; returns what does."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    path = folder / "ballast"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - leave)
    return path


@contextmanager
def hanging(folder: Path) -> Iterator[Path]:
    """A mount whose server never answers, as a dead file server: all that touches it hangs.

    It is a FUSE whose kernel side waits for a first word that nobody says.
    """
    folder.mkdir(exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        handle = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no FUSE: {error}")
    try:
        options = f"fd={handle},rootmode=40000,user_id=0,group_id=0".encode()
        if libc.mount(b"hanging", os.fsencode(folder), b"fuse", 0, options):
            pytest.skip(f"cannot mount a FUSE: {os.strerror(ctypes.get_errno())}")
        yield folder
    finally:
        # Whoever waits for it gets an error then.
        os.close(handle)
        libc.umount2(os.fsencode(folder), 2)


class Traces:
    """Marks all that a test starts, to find what is left of it: processes, and in ``TMPDIR``.

    Jobs of the stand-in PBS begin without that environment, but work in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = f"xsar-batch-test-{secrets.token_hex(6)}"
        # Short: the path of a socket may not be long.
        self.tmp = Path(tempfile.mkdtemp(prefix="xb-"))

    @property
    def environment(self) -> dict[str, str]:
        return {"TEST_TOKEN": self.token, "TMPDIR": str(self.tmp)}

    def processes(self, *words: str) -> list[psutil.Process]:
        """Those that are marked; with ``words``, those that have them in their command line."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                environment = Path(f"/proc/{process.pid}/environ").read_bytes()
                is_marked = self.token.encode() in environment
                if not is_marked and not process.cwd().startswith(str(self.folder)):
                    continue
                line = process.cmdline()
                is_dead = process.status() == psutil.STATUS_ZOMBIE
                if not is_dead and all(any(word in one for one in line) for word in words):
                    found.append(process)
        return found

    def top(self, *words: str) -> list[psutil.Process]:
        """Of those, the ones that are no fork of another of those."""
        found = self.processes(*words)
        numbers = {process.pid for process in found}
        return [process for process in found if process.ppid() not in numbers]

    def assert_nothing_left(self, seconds: float = 20) -> None:
        """No process, no socket, no folder."""
        until = time.monotonic() + seconds
        while (alive := self.processes()) and time.monotonic() < until:
            time.sleep(0.1)
        assert [process.cmdline() for process in alive] == []
        assert [str(path) for path in self.tmp.rglob("*") if "xsar-batch" in path.name] == []

    def end(self) -> None:
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.tmp, ignore_errors=True)
