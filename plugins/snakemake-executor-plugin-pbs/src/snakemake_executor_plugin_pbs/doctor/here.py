"""Checks of the machine on which Snakemake is started, and of what PBS answers there."""

import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import commands, queues, site
from ..queues import Queue
from ..request import clock
from ..settings import ExecutorSettings
from .checks import Check

#: Less than this many file operations a second makes Snakemake wait for its files.
_SLOW = 200

#: Seconds that the operations are counted for, at most.
_COUNTING = 3.0

#: Free space, in bytes, below which it is said.
_LITTLE = 10 * 2**30


def software() -> Check:
    """Versions of what is at work."""
    found = [f"Python {platform.python_version()}"]
    for name in ("snakemake", "snakemake-executor-plugin-pbs"):
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return Check("software", ", ".join([*found, f"glibc {platform.libc_ver()[1]}"]))


def batch_system() -> Check:
    """Whether the commands of PBS are there, whose they are, and how soon they answer."""
    if missing := commands.missing():
        return Check(
            "commands of PBS",
            f"not on PATH: {', '.join(missing)}",
            "start on a login node, or load the module of PBS",
        )
    begin = time.monotonic()
    answer = site.version()
    seconds = time.monotonic() - begin
    known = site.batch_system(answer)
    said = " ".join(answer.split())[:80]
    found = f"{known.name} {known.version} at {shutil.which('qsub')}, answer in {seconds:.1f} s"
    if known.name == "unknown":
        found += f"; qstat --version says: {said or 'nothing'}"
    return Check("commands of PBS", found, known.refusal)


def all_queues() -> tuple[Check, dict[str, Queue]]:
    """The queues, as far as PBS shows them."""
    begin = time.monotonic()
    answer = site.ask(["qstat", "-Q", "-f"])
    seconds = time.monotonic() - begin
    found = queues.parse(answer)
    if not found:
        said = " ".join(answer.split())[:120] or "nothing"
        change = "ask the site whether the server is up; limits of queues cannot be checked"
        return Check("queues", f"qstat -Q -f cannot be read; it says: {said}", change), {}
    texts = [_described(queue) for queue in found.values() if queue.is_open]
    return Check("queues", f"{'; '.join(texts)} (answer in {seconds:.1f} s)"), found


def _described(queue: Queue) -> str:
    most = queue.most
    parts = [f"to {clock(int(most.walltime))} h" if most.walltime else ""]
    parts += [
        f"{most.ncpus} cores" if most.ncpus else "",
        f"{most.mem_mb} MB" if most.mem_mb else "",
    ]
    parts += ["routes to " + ", ".join(queue.destinations) if queue.destinations else ""]
    parts += ["not for everybody" if queue.is_restricted else ""]
    return f"{queue.name} ({', '.join(filter(None, parts)) or 'no limits shown'})"


def chosen_queue(settings: ExecutorSettings, known: dict[str, Queue]) -> Check:
    """The queue of the profile, against what the profile asks for."""
    name = settings.queue
    if not name:
        return Check("queue", "none named: the server's default queue is used")
    queue = known.get(name)
    if queue is None:
        names = ", ".join(one.name for one in known.values() if one.is_open)
        change = f"set pbs-queue to one of: {names}" if known else ""
        return Check("queue", f"{name}: PBS shows no such queue", change)
    if not queue.is_open:
        state = "takes no jobs" if not queue.is_enabled else "runs no jobs"
        return Check("queue", f"{name} {state} at present", "set another pbs-queue, or wait")
    cores = settings.pack_cores or 1
    if queue.most.ncpus and cores > queue.most.ncpus:
        change = f"set pbs-pack-cores: {queue.most.ncpus}, or another pbs-queue"
        return Check("queue", f"{name} gives {queue.most.ncpus} cores, not {cores}", change)
    return Check("queue", f"{name} takes jobs of {cores} core{'s' if cores > 1 else ''}")


def folder_checks(folder: Path) -> Iterator[Check]:
    """Speed and free space of a folder."""
    try:
        rate = _operations_a_second(folder)
    except OSError as problem:
        yield Check(f"folder {folder}", f"cannot be written to: {problem}", "choose another folder")
        return
    change = "use another file system for the output, if there is one" if rate < _SLOW else ""
    yield Check("file operations", f"{rate:.0f} a second in {folder}", change)
    usage = shutil.disk_usage(folder)
    found = f"{usage.free / 2**30:.0f} GiB of {usage.total / 2**30:.0f} GiB"
    inodes = os.statvfs(folder)
    if inodes.f_files:
        found += f", {inodes.f_favail} files"
    change = "make room, or choose another folder" if usage.free < _LITTLE else ""
    yield Check("free space", f"{found} in {folder}", change)
    if shutil.which("quota"):
        said = " ".join(site.ask(["quota", "-s"]).split())
        over = "make room: you are over your quota" if "*" in said else ""
        if said:
            yield Check("quota", said[:300], over)


def _operations_a_second(folder: Path) -> float:
    """Files made, renamed, looked at and removed."""
    begin = time.monotonic()
    count = 0
    while time.monotonic() - begin < _COUNTING and count < 4_000:
        one, other = folder / f".doctor-{os.getpid()}", folder / f".doctor-{os.getpid()}-renamed"
        try:
            one.write_text("x")
            one.replace(other)
            other.stat()
        finally:
            one.unlink(missing_ok=True)
            other.unlink(missing_ok=True)
        count += 4
    return count / (time.monotonic() - begin)
