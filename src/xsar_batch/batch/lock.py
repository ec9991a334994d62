"""One run at a time in one ``output_dir``.

Snakemake's own lock is in the working directory, and two people have two of those. Two runs would
remove and overwrite each other's products.
"""

import datetime as dt
import json
import os
import secrets
from pathlib import Path
from typing import Any

from xsar_batch.failures import ConfigError
from xsar_batch.system.atomic_write import temporary
from xsar_batch.system.process import began


def acquire(path: Path) -> str:
    """Take the lock; one whose process has died on this machine is taken over.

    Returns the name of the run, by which outcomes are known as its own: no clock is asked, since
    clocks differ and jump. After a run that died this one goes on with its work and its name, as
    jobs of a batch system may have outlived it.

    Raises
    ------
    ConfigError
        Somebody else has it.
    OSError
        It cannot be written.
    """
    owner = {
        **_this_process(),
        "since": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        "run": secrets.token_hex(8),
    }
    for _ in range(2):
        try:
            _create(path, owner)
        except FileExistsError:
            owner["run"] = _remove_if_stale(path) or owner["run"]
            continue
        return owner["run"]
    raise ConfigError(
        f"output_dir: another run is at work in {path.parent.parent}: {_told(path)}.\n"
        f"    wait for its end; should it have died on another machine:  rm {path}"
    )


def release(path: Path) -> None:
    """Give the lock back, if it is ours."""
    owner = _read(path)
    if (owner.get("host"), owner.get("pid")) == (os.uname().nodename, os.getpid()):
        path.unlink(missing_ok=True)


def running(path: Path) -> str | None:
    """Name of the run that is at work, None if there is none. On another machine it may have died:
    nobody can tell from here."""
    owner = _read(path)
    is_here = owner.get("host") == os.uname().nodename
    return None if is_here and _has_died(owner) else owner.get("run")


def holder(path: Path) -> str | None:
    """Who has the lock, in words; None if nobody has, or a process that died on this machine."""
    return _told(path) if running(path) else None


def _create(path: Path, owner: dict[str, Any]) -> None:
    """Have it appear with its contents in one step, if it is not there: else FileExistsError."""
    whole = temporary(path)
    try:
        whole.write_text(json.dumps(owner))
        try:
            os.link(whole, path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links. Who reads it half-written takes it for another's.
            with path.open("x") as file:
                try:
                    json.dump(owner, file)
                    file.flush()
                except OSError:
                    path.unlink()
                    raise
    finally:
        whole.unlink(missing_ok=True)


def _remove_if_stale(path: Path) -> str | None:
    """Remove the lock of a process that has died here; returns the name of its run.

    Of several processes that find it, one claims the removal. Without a claim a slow one could
    remove the new lock of a quick one.
    """
    owner = _read(path)
    if owner.get("host") != os.uname().nodename or not _has_died(owner):
        return None
    claim = path.with_name(f".{path.name}.{owner.get('run')}")
    try:
        _create(claim, _this_process())
    except FileExistsError:
        if _has_died(_read(claim) or {"pid": os.getpid()}):
            # Killed before it could remove the lock: the next run does it.
            claim.unlink(missing_ok=True)
        return None
    try:
        if _read(path) != owner:
            return None
        path.unlink()
        return owner.get("run")
    finally:
        claim.unlink(missing_ok=True)


def _this_process() -> dict[str, Any]:
    return {"host": os.uname().nodename, "pid": os.getpid(), "began": began(os.getpid())}


def _has_died(owner: dict[str, Any]) -> bool:
    """Also where another process has its number by now."""
    now = began(owner["pid"])
    return not now or now != owner.get("began", now)


def _told(path: Path) -> str:
    owner = _read(path)
    return f"process {owner.get('pid')} on {owner.get('host')} since {owner.get('since')}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
