"""One run at a time in one ``output_dir``.

Snakemake's own lock is in the working directory, and two people have two of those. Two runs would
remove and overwrite each other's products.
"""

import datetime as dt
import json
import os
from pathlib import Path

from .failures import ConfigError


def acquire(path: Path) -> str | None:
    """Take the lock; one whose process has died on this machine is taken over.

    Returns when the run began that died, None if there was none: this run goes on with its work,
    since jobs of a batch system may have outlived it.

    Raises
    ------
    ConfigError
        Somebody else has it.
    """
    owner = {"host": os.uname().nodename, "pid": os.getpid(), "since": _now()}
    before = None
    for _ in range(2):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            before = _remove_if_stale(path)
            continue
        with os.fdopen(handle, "w") as file:
            json.dump(owner, file)
        return before
    raise ConfigError(
        f"output_dir: another run is at work in {path.parent.parent}: {_told(path)}.\n"
        f"    wait for its end; should it have died on another machine:  rm {path}"
    )


def release(path: Path) -> None:
    """Give the lock back, if it is ours."""
    owner = _read(path)
    if (owner.get("host"), owner.get("pid")) == (os.uname().nodename, os.getpid()):
        path.unlink(missing_ok=True)


def holder(path: Path) -> str | None:
    """Who has the lock, in words; None if nobody has, or a process that died on this machine."""
    return _told(path) if path.exists() and not _is_stale(_read(path)) else None


def _remove_if_stale(path: Path) -> str | None:
    owner = _read(path)
    if _is_stale(owner):
        path.unlink(missing_ok=True)
        return owner.get("since")
    return None


def _is_stale(owner: dict) -> bool:
    here = owner.get("host") == os.uname().nodename
    return here and owner["pid"] != os.getpid() and not Path(f"/proc/{owner['pid']}").exists()


def _told(path: Path) -> str:
    owner = _read(path)
    return f"process {owner.get('pid')} on {owner.get('host')} since {owner.get('since')}"


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
