"""Files that appear under their name in one step, whole, or not at all."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xsar_batch.system.process import began

#: Temporary files of processes on other machines are taken for left-overs after this many seconds
#: without a write: far more than the writing of any product takes.
STALE_AFTER = 3600

_TEMPORARY = re.compile(r"\..+\.(?P<host>[^.]+)-(?P<pid>\d+)\.part")


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; what is written there gets its name at the end.

    On the way out the file is synced to disk, renamed over ``path``, and the folder is synced.
    When the body raises, the temporary file is removed and ``path`` stays as it was.
    The temporary name holds host and process, so two processes never write the same one.
    """
    half = temporary(path)
    try:
        yield half
        sync(half)
        half.replace(path)
        sync(path.parent)
    finally:
        half.unlink(missing_ok=True)


def temporary(path: Path) -> Path:
    """What ``path`` is called until it is whole; removed by the next run if this process dies."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}.part")


def write_text(path: Path, text: str) -> None:
    """Write a small file in one step; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with published(path) as half:
        half.write_text(text)


def sync(path: Path) -> None:
    """Have the kernel put a file, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_stale(folder: Path) -> int:
    """Remove temporary files whose process was killed; returns how many."""
    removed = 0
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(".part")]
    except FileNotFoundError:
        return 0
    for entry in entries:
        owner = _TEMPORARY.fullmatch(entry.name)
        if owner and _is_stale(entry, owner["host"], int(owner["pid"])):
            Path(entry.path).unlink(missing_ok=True)
            removed += 1
    return removed


def _is_stale(entry: os.DirEntry, host: str, pid: int) -> bool:
    if host == _host():
        # One that is only waiting to be buried writes nothing any more.
        return not began(pid)
    try:
        return time.time() - entry.stat().st_mtime > STALE_AFTER
    except FileNotFoundError:
        return False


def _host() -> str:
    return os.uname().nodename.split(".")[0]
