"""What a machine is like: run on a node by a PBS job, and here. Needs nothing but Python.

``python probe.py FOLDER '["MODULE"]' '["PATH"]'`` writes ``facts.json`` into the folder, waits for
``answer`` and writes ``seen.json``: both sides then know how soon the other sees a file.
"""

import json
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Seconds that the other side's answer is waited for.
TIMEOUT = 90.0


def facts(modules: Iterable[str] = (), paths: Iterable[str] = ()) -> dict[str, Any]:
    """Facts about this machine and process, as plain values; sizes in bytes, times in seconds."""
    temporary = os.environ.get("TMPDIR", "/tmp")
    return {
        "at": time.time(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "glibc": platform.libc_ver()[1],
        "umask": _umask(),
        "cores": len(os.sched_getaffinity(0)),
        "ncpus": os.environ.get("NCPUS", ""),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "memory_limit": _memory_limit(),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "tmpdir": temporary,
        "tmpdir_free": free(temporary),
        "shm_free": free("/dev/shm"),
        "imports": {name: seconds_to_import(name) for name in modules},
        "paths": {path: seconds_to_look_at(path) for path in paths},
    }


def free(path: str) -> int | None:
    """Free bytes; None where there is no such folder, or it cannot be written to."""
    with suppress(OSError):
        if os.access(path, os.W_OK):
            return shutil.disk_usage(path).free
    return None


def seconds_to_import(name: str) -> float | str:
    """Seconds that a new Python needs to import a module; a text if it cannot."""
    begin = time.monotonic()
    program = f"import {name}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return time.monotonic() - begin


def seconds_to_look_at(path: str) -> float | str:
    """Seconds to list a folder or read the first bytes of a file; a text if that is not allowed."""
    begin = time.monotonic()
    try:
        if Path(path).is_dir():
            list(Path(path).iterdir())
        else:
            with Path(path).open("rb") as file:
                file.read(65536)
    except OSError as problem:
        return problem.strerror or str(problem)
    return time.monotonic() - begin


def _umask() -> str:
    mask = os.umask(0o077)
    os.umask(mask)
    return f"{mask:03o}"


def _memory_limit() -> int | None:
    """The limit of the control group that this process is in; None where there is none."""
    groups = []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if not kinds:
                groups.append(Path(f"/sys/fs/cgroup{path}/memory.max"))
            elif "memory" in kinds.split(","):
                groups.append(Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"))
    for file in groups:
        with suppress(OSError, ValueError):
            limit = int(file.read_text())
            # The largest number there is stands for none.
            return limit if limit < 1 << 60 else None
    return None


def write(path: Path, value: object) -> None:
    """Write JSON in one step, so that it is never seen half."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(json.dumps(value))
    temporary.replace(path)


def main(place: str, modules: str = "[]", paths: str = "[]") -> None:
    """Be the node's side."""
    folder = Path(place)
    begin = time.time()
    known = facts(json.loads(modules), json.loads(paths))
    known["at"] = time.time()
    known["took"] = known["at"] - begin
    write(folder / "facts.json", known)
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        with suppress(OSError):
            (folder / "answer").read_text()
            write(folder / "seen.json", {"at": time.time()})
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
