"""Running qsub, qstat and qdel: what they print and how they fail, and nothing of what it means
for a workflow.

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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from . import qstat
from .qstat import Status

#: Seconds after which a command that does not answer is ended.
TIMEOUT = 60

_JOB_ID = re.compile(r"^\d+(?:\[\])?(?:\.[\w.-]+)?$")

#: Exit codes of a qsub that has not reached a server: nothing was submitted.
_NO_SERVER = {160, 162}
#: Exit codes after which the same request is refused again: wrong options (2, 5), an illegal value
#: (166), an unknown queue (170) or resource (187), more than the queue has (188). All others may be
#: those of a server that restarts, of a network or of a disk, and are waited for.
_PERMANENT = {2, 5, 166, 170, 187, 188}
_PERMANENT_TEXT = re.compile(
    r"Unknown queue|Unauthorized|not authorized|Unknown resource|Illegal attribute|"
    r"resource limits|Invalid account|Invalid project|account is|project is|usage: *qsub",
    re.IGNORECASE,
)
_NO_SERVER_TEXT = re.compile(
    r"Connection refused|cannot connect to server|Unknown Host|Access to server|"
    r"No default server|Communication failure|Expired credential",
    re.IGNORECASE,
)
_LIMIT_TEXT = re.compile(
    r"would exceed .*limit|[Mm]aximum number of jobs|exceeds? .*(?:max_queued|queue limit)",
)


class Refused(Exception):
    """qsub said no, and will say so again. The text is its reason and what to change."""


class Later(Exception):
    """No job was submitted, but it may go well later: the server is away, a queue is closed, or, as
    is usual, a limit is reached."""

    def __init__(self, reason: str, is_usual: bool = False) -> None:
        super().__init__(reason)
        self.is_usual = is_usual


class Unclear(Exception):
    """qsub ended without an id: whether there is a job now, nobody knows."""


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

    def missing(self) -> list[str]:
        """Which of the commands are not on PATH."""
        return [name for name in ("qsub", "qstat", "qdel") if shutil.which(name) is None]

    def qsub(self, arguments: Sequence[str]) -> str:
        """Submit; returns the id.

        Raises
        ------
        Refused, Later, Unclear
        """
        try:
            code, out, error = self._run(["qsub", *arguments], self.timeout)
        except subprocess.TimeoutExpired:
            raise Unclear(f"qsub gave no answer for {self.timeout:g} s") from None
        except OSError as problem:
            raise Later(f"qsub cannot be started: {problem}") from None
        return submitted(code, out, error)

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
        told = {_number(job_id): status for job_id, status in qstat.parse(out).items()}
        unknown = {_number(job_id) for job_id in qstat.gone(error)}
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
        if stoppable:
            self._asking = process
        try:
            out, error = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        finally:
            self._asking = None
        return process.returncode, out, error


def submitted(code: int, out: str, error: str) -> str:
    """The id that qsub printed.

    Raises
    ------
    Refused, Later, Unclear
        There is none.
    """
    # A site's hooks may print lines of their own before it.
    ids = [line.strip() for line in out.splitlines() if _JOB_ID.match(line.strip())]
    if code == 0 and ids:
        # Of several that look like one, that with the name of a server.
        return max(ids, key=lambda one: ("." in one, ids.index(one)))
    # Only the first line: of wrong options PBS tells all that it knows.
    said = next((line.strip() for line in error.splitlines() if line.strip()), "")
    if _LIMIT_TEXT.search(error):
        raise Later(f"a limit of the queue is reached ({said})", is_usual=True)
    if "not enabled" in said:
        raise Later(f"the queue takes no jobs at present ({said})")
    if code in _NO_SERVER or _NO_SERVER_TEXT.search(error):
        raise Later(f"no PBS server answers ({said or f'exit code {code}'})")
    is_permanent = code in _PERMANENT or (code > 0 and _PERMANENT_TEXT.search(error))
    if said and is_permanent:
        raise Refused(f"{said.removeprefix('qsub: ')} (exit code {code}){_advice(code, said)}")
    raise Unclear(f"qsub ended with exit code {code} and without a job id ({said or 'silent'})")


def _advice(code: int, error: str) -> str:
    """What to change. By text too: exit codes are what is left of larger numbers."""
    if code == 170 or "nknown queue" in error:
        return ".\n    Which queues there are:  qstat -Q\n    set it:  pbs-queue: NAME"
    if code == 188 or "resource limits" in error:
        return (
            ".\n    Cores, memory or walltime are more than the queue has:  qstat -Qf"
            "\n    ask for less: pbs-pack-size (walltime), pbs-pack-cores (cores, memory), or the"
            " resources mem_mb, runtime and threads; or set another pbs-queue"
        )
    if code in (5, 166, 187):
        return (
            ".\n    The site has no such resource or value. Where it comes from: gpu, constraint,"
            " pbs_extra. Write what your site calls it as constraint"
        )
    if "Unauthorized" in error or "not authorized" in error.lower():
        return ".\n    This queue is not for you; set another:  pbs-queue: NAME"
    if "ccount" in error or "roject" in error:
        return ".\n    Set the account:  pbs-account: NAME"
    return ""


def _number(job_id: str) -> str:
    return job_id.split(".", 1)[0]
