"""Checks of a node: one PBS job of one core that reports back."""

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import job_script, qstat, qsub, site
from ..commands import Commands
from ..environment import portable
from ..request import PackRequest, Request
from ..settings import ExecutorSettings
from . import probe
from .checks import Check

#: What the job asks for: little, so that it begins soon.
_MEM_MB, _MINUTES = 1_000, 5

#: Clocks may differ by so many seconds before files of one side look old on the other.
_SKEW = 5.0


class NodeJob:
    """A PBS job that runs :mod:`.probe`, in a folder of its own below ``folder``."""

    def __init__(
        self,
        folder: Path,
        settings: ExecutorSettings,
        precommand: str = "",
        modules: Sequence[str] = (),
        paths: Sequence[str] = (),
    ) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=".pbs-doctor-", dir=folder.resolve()))
        self.settings, self.precommand = settings, precommand
        self.modules, self.paths = modules, [str(Path(one).absolute()) for one in paths]
        self.commands = Commands()
        self.id = ""

    def checks(self, timeout: float) -> Iterator[Check]:
        """Submit, wait so many seconds for the begin, and compare both sides."""
        try:
            yield from self._checks(timeout)
        finally:
            if self.id:
                self.commands.qdel([self.id])
            shutil.rmtree(self.path, ignore_errors=True)

    def _checks(self, timeout: float) -> Iterator[Check]:
        here = probe.facts(self.modules, self.paths)
        begin = time.monotonic()
        try:
            self.id = self.commands.qsub(self._submission())
        except (qsub.Refused, qsub.Later, qsub.Unclear) as problem:
            yield Check("PBS job", "qsub took no job", str(problem))
            return
        told = time.monotonic() - begin
        queue = self.settings.queue or "the default queue"
        there = self._awaited("facts.json", timeout)
        if there is None:
            yield self._not_begun(timeout)
            return
        seen_at = time.time()
        yield Check(
            "PBS job",
            f"{self.id} in {queue}: qsub answered in {told:.1f} s, it began on "
            f"{there['host']} after {time.monotonic() - begin - there['took']:.1f} s",
        )
        yield from self._both_ways(there, seen_at)
        yield from _compared(here, there)
        yield self._end()

    def _submission(self) -> list[str]:
        umask = job_script.current_umask()
        lists = (json.dumps(list(self.modules)), json.dumps(self.paths))
        command = (sys.executable, str(Path(probe.__file__)), str(self.path), *lists)
        environment = portable(os.environ)
        script = job_script.write(
            self.path, self.path, umask, environment, self.precommand, command
        )
        resources = {"mem_mb": _MEM_MB, "runtime": _MINUTES}
        asked = PackRequest.of(
            Request.of("doctor", 1, 1, resources, self.settings), 1, ExecutorSettings()
        )
        output = os.path.relpath(self.path / "out", Path.cwd())
        return qsub.arguments(asked, "doctor", output, str(script), umask)

    def _awaited(self, name: str, timeout: float) -> dict[str, Any] | None:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            with suppress(OSError, ValueError):
                return json.loads((self.path / name).read_text())
            time.sleep(0.05)
        return None

    def _not_begun(self, timeout: float) -> Check:
        status = self.commands.qstat([self.id]).jobs.get(self.id)
        output = ""
        with suppress(OSError):
            output = " ".join((self.path / "out").read_text(errors="replace").split())[-200:]
        if status is None:
            return Check(
                "PBS job",
                f"{self.id}: no answer after {timeout:.0f} s, and qstat does not show it",
                "ask the site, with this report",
            )
        if status.is_over:
            cause = qstat.ending(status)[1]
            return Check(
                "PBS job",
                f"{self.id} ended without a report: {cause}. {output}",
                "see what it printed; if Python was not found or could not start, put "
                "the site's set-up lines into precommand",
            )
        change = "wait longer (--wait 600), or set another pbs-queue"
        comment = f": {status.comment}" if status.comment else ""
        return Check(
            "PBS job",
            f"{self.id} is in state {status.state} after {timeout:.0f} s{comment}",
            change,
        )

    def _both_ways(self, there: dict[str, Any], seen_at: float) -> Iterator[Check]:
        """Files and clocks. The mean of both ways tells the clocks apart from the delays."""
        (self.path / "answer").write_text("here")
        seen = self._awaited("seen.json", probe.TIMEOUT)
        if seen is None:
            yield Check(
                "shared files",
                "the node did not see a file that was written here",
                "use a folder on a file system that all nodes share",
            )
            return
        delay = (seen["at"] - there["at"]) / 2
        skew = (seen["at"] + there["at"]) / 2 - seen_at
        change = f"set latency-wait: {int(4 * delay) + 10}" if delay > 5 else ""
        yield Check("shared files", f"a file is seen on the other side after {delay:.1f} s", change)
        change = "ask the site to set the clocks of its nodes" if abs(skew) > _SKEW else ""
        yield Check("clocks", f"the node's differs by {skew:+.1f} s", change)

    def _end(self) -> Check:
        """Whether PBS tells of the end in a form that can be read."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            answer = self.commands.qstat([self.id])
            status = answer.jobs.get(self.id)
            if self.id in answer.gone:
                return Check(
                    "history",
                    "PBS forgets jobs as they end: ends are then known from "
                    "what the jobs leave in their folders",
                )
            if status and status.is_over:
                return Check(
                    "history",
                    f"PBS shows the end: Exit_status {status.exit_status}, "
                    f"walltime {status.used_walltime or '?'}, "
                    f"memory {status.used_mem or '?'}",
                )
            time.sleep(0.5)
        text = " ".join(site.ask(["qstat", "-x", "-f", self.id]).split())
        return Check("history", f"the end was not shown within 15 s: {_anonymous(text)[:300]}")


def _compared(here: dict[str, Any], there: dict[str, Any]) -> Iterator[Check]:
    """What differs between this machine and the node."""
    for what, key, change in (
        ("Python", "python", "use the same environment on all nodes"),
        ("glibc", "glibc", "packages with compiled code may fail: install them on the older one"),
        ("umask", "umask", ""),
    ):
        same = here[key] == there[key]
        found = f"{there[key]}" if same else f"{there[key]} on the node, {here[key]} here"
        yield Check(what, found, "" if same else change)
    yield Check("cores of the job", f"may use {there['cores']} (NCPUS={there['ncpus'] or 'unset'})")
    limit = there["memory_limit"]
    yield Check(
        "memory of the node",
        f"{_gib(there['memory'])}, "
        + (f"the job's group may use {_gib(limit)}" if limit else "no limit by group"),
    )
    files = there["open_files"]
    yield Check(
        "open files",
        "no limit" if files < 0 else f"to {files}",
        "ask for more: ulimit -n 1024 in precommand" if 0 <= files < 256 else "",
    )
    for what, key, place in (
        ("TMPDIR", "tmpdir_free", there["tmpdir"]),
        ("shared memory", "shm_free", "/dev/shm"),
    ):
        free = there[key]
        found = f"{place}: " + ("cannot be written to" if free is None else f"{_gib(free)} free")
        yield Check(
            what, found, "set TMPDIR in precommand" if free is None and what == "TMPDIR" else ""
        )
    for name, seconds in there["imports"].items():
        yield _import(name, here["imports"][name], seconds)
    for path, seconds in there["paths"].items():
        yield _readable(path, here["paths"][path], seconds)


def _import(name: str, here: float | str, there: float | str) -> Check:
    shown = [one if isinstance(one, str) else f"{one:.1f} s" for one in (there, here)]
    broken = any(isinstance(one, str) for one in (there, here))
    slow = not broken and not isinstance(there, str) and there > 60
    change = f"install {name} in this environment" if broken else ""
    change = "put more jobs into one PBS job (pbs-pack-size)" if slow else change
    return Check(f"import {name}", f"{shown[0]} on the node, {shown[1]} here", change)


def _readable(path: str, here: float | str, there: float | str) -> Check:
    shown = [one if isinstance(one, str) else f"read in {one:.2f} s" for one in (there, here)]
    broken = any(isinstance(one, str) for one in (there, here))
    change = "choose a folder that both can read, or ask the site for access" if broken else ""
    return Check("readable", f"{path}: {shown[0]} on the node, {shown[1]} here", change)


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"


def _anonymous(text: str) -> str:
    """Without variables, which may hold what is nobody's business."""
    return re.sub(r"Variable_List = \S+", "", text)
