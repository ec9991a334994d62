"""Running qsub, qstat and qdel. What their answers mean is told by :mod:`.qsub` and :mod:`.qstat`.

Each has a time limit, because a server that is overloaded may not answer for minutes. They run in
a session of their own: a Ctrl-C in the terminal must not end a qsub between the moment in which
the server takes the job and the one in which it tells the id.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from . import qstat
from .qstat import Status
from .qsub import Later, Unclear, printed_id

#: Seconds after which a command that does not answer is ended.
TIMEOUT = 60


@dataclass(frozen=True)
class Round:
    """One answer to "how are these jobs?". What is in neither is unknown, which is no failure."""

    jobs: dict[str, Status]
    gone: set[str]
    problem: str = ""


class Commands:
    """The commands of PBS, found on PATH."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self.timeout = timeout
        #: Whether the server keeps finished jobs; found out when it says that it does not.
        self.history = True
        self._wide = True
        self._stopped = threading.Event()
        self._asking: subprocess.Popen | None = None

    def qsub(self, arguments: Sequence[str]) -> str:
        """Submit; returns the id.

        Raises
        ------
        Refused, Later, Unclear
            There is no id (:mod:`.qsub`).
        """
        try:
            code, out, error = self._run(["qsub", *arguments], self.timeout)
        except subprocess.TimeoutExpired:
            raise Unclear(f"qsub gave no answer for {self.timeout:g} s") from None
        except OSError as problem:
            raise Later(f"qsub cannot be started: {problem}") from None
        return printed_id(code, out, error)

    def qstat(self, ids: Sequence[str], timeout: float | None = None) -> Round:
        """Ask for all of them at once."""
        timeout = timeout or self.timeout
        flags = "-f" + ("w" if self._wide else "")
        options = ["-x", flags] if self.history else [flags]
        try:
            code, out, error = self._run(["qstat", *options, *ids], timeout, stoppable=True)
        except subprocess.TimeoutExpired:
            return Round({}, set(), f"qstat gave no answer for {timeout:g} s")
        except OSError as cause:
            return Round({}, set(), f"qstat cannot be started: {cause}")
        if self.history and "not configured to maintain job history" in error + out:
            self.history = False
            return self.qstat(ids, timeout)
        if self._wide and re.search(r"usage: *qstat", error) and not out:
            self._wide = False
            return self.qstat(ids, timeout)
        # A server may answer under a longer or a shorter name of its own: numbers are compared.
        told = {_number(one): status for one, status in qstat.parse(out).items()}
        unknown = {_number(one) for one in qstat.gone(error)}
        jobs = {one: told[_number(one)] for one in ids if _number(one) in told}
        gone = {one for one in ids if _number(one) in unknown}
        problem = ""
        if not jobs and not gone:
            said = " ".join((error or out).split())[:200] or "nothing"
            problem = f"qstat ended with exit code {code} and said: {said}"
        return Round(jobs, gone - set(jobs), problem)

    def qdel(self, ids: Sequence[str], timeout: float | None = None) -> str:
        """Delete; returns what went wrong, nothing if all are deleted or are gone anyway."""
        try:
            code, _, error = self._run(["qdel", *ids], timeout or self.timeout)
        except subprocess.TimeoutExpired:
            return "qdel gave no answer"
        except OSError as problem:
            return f"qdel cannot be started: {problem}"
        # 35 is "has finished", 153 is "unknown": what was to be deleted is not there.
        return "" if code in (0, 35, 153) else " ".join(error.split()) or f"exit code {code}"

    def stop_asking(self) -> None:
        """End a qstat that is under way, and let no other begin: the run is being cancelled."""
        self._stopped.set()
        asking = self._asking
        if asking is not None:
            with suppress(ProcessLookupError):
                asking.kill()

    def ask_again(self) -> None:
        """Undo :meth:`stop_asking`."""
        self._stopped.clear()

    def _run(
        self, command: list[str], timeout: float, stoppable: bool = False
    ) -> tuple[int, str, str]:
        if stoppable and self._stopped.is_set():
            raise OSError("the run is being cancelled")
        try:
            return run(command, timeout, self._set_asking if stoppable else None)
        finally:
            self._asking = None

    def _set_asking(self, process: subprocess.Popen) -> None:
        self._asking = process


def missing() -> list[str]:
    """Which of the commands are not on PATH."""
    return [name for name in ("qsub", "qstat", "qdel") if shutil.which(name) is None]


def run(
    command: Sequence[str],
    timeout: float,
    on_start: Callable[[subprocess.Popen], object] | None = None,
) -> tuple[int, str, str]:
    """Run a command; returns its exit code, and what it printed to stdout and stderr.

    Raises
    ------
    subprocess.TimeoutExpired
        It did not end in so many seconds. It was killed, with all that it had started.
    OSError
        It cannot be started.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # Names of months and error messages in English.
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,
    )
    if on_start is not None:
        on_start(process)
    try:
        out, error = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, error


def _number(one: str) -> str:
    return one.split(".", 1)[0]
