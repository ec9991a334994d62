"""What qstat says, and what it means.

Text of ``qstat -x -f -w`` rather than ``-F json``: the JSON of PBS 23.06 is not valid when a value
of the environment looks like a number or is not ASCII. A newline in such a value is printed as it
is, so lines are not to be trusted: of a job the first ``job_state`` and the last ``Exit_status``
at the usual indentation count, and only the names that are asked for here.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """Why a PBS job ended."""

    EXITED = "exited"
    WALLTIME = "walltime"
    MEMORY = "memory"
    DELETED = "deleted"
    SIGNAL = "signal"
    PBS = "pbs"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Status:
    """A job as PBS shows it. ``exit_status`` counts only when the state is F."""

    state: str
    exit_status: int | None = None
    substate: int | None = None
    comment: str = ""
    used_walltime: str = ""
    used_mem: str = ""
    #: First host that it runs or ran on; empty before.
    host: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether it is queued or held, so that nothing of it can run."""
        return self.state in "QHWT"

    @property
    def is_over(self) -> bool:
        """Q, H, W, T, S, E, R, B and whatever may come: only F is an end."""
        return self.state == "F"


#: Text that PBS itself writes into the output of a job it kills.
KILLED = re.compile(r"=>> PBS: job killed: (walltime|mem|vmem|pmem|pvmem|cput|ncpus)\b[^\n]*")

_JOB = re.compile(r"^Job Id: (\S+)[ \t]*$", re.MULTILINE)
_GONE = (
    re.compile(r"Unknown Job Id:? (\S+)"),
    re.compile(r"(\S+) Job has finished"),
    re.compile(r"Job has finished:? (\S+\d\S*)"),
)


def parse(text: str) -> dict[str, Status]:
    """Job id -> status, of the output of ``qstat -f -w``; what is no such output gives nothing."""
    # Without -w, which old versions do not know, long lines go on after a tab.
    parts = _JOB.split(text.replace("\n\t", ""))
    found = {}
    for job_id, block in zip(parts[1::2], parts[2::2], strict=True):
        state = _first(block, "job_state")
        if state is None or len(state) != 1:
            continue
        found[job_id] = Status(
            state=state,
            exit_status=_integer(_last(block, "Exit_status")),
            substate=_integer(_first(block, "substate")),
            comment=_last(block, "comment") or "",
            used_walltime=_first(block, "resources_used.walltime") or "",
            used_mem=_first(block, "resources_used.mem") or "",
            host=re.split(r"[/+]", _first(block, "exec_host") or "")[0],
        )
    return found


def gone(error: str) -> set[str]:
    """Ids of which the server said that it has no such job (any more)."""
    return {found for pattern in _GONE for found in pattern.findall(error)}


def trouble(status: Status) -> str:
    """Why a job may never run by itself, and what to do; empty if all is as usual."""
    if "Can Never Run" in status.comment:
        return (
            f"can never run: {status.comment}. Ask for less (mem_mb, threads, runtime) or set "
            "another pbs-queue"
        )
    if status.state == "H":
        return f"is held: {status.comment or 'no comment'}. Release it:  qrls"
    if status.state == "M":
        return "was moved to another server. It is waited for"
    if status.state in "SU":
        return f"is suspended: {status.comment or 'no comment'}. It is waited for"
    return ""


def ending(status: Status, output: str = "") -> tuple[Cause, str]:
    """Why a job is over, and the same in words. ``output`` is what PBS wrote of it.

    Walltime and memory are told by Exit_status since version 22 (-29, -27), by the comment, and by
    the text that PBS writes into the output, which also old versions do; they show 271 as after a
    qdel.
    """
    exceeded = re.search(r"exceeded resource (\w+)", status.comment)
    code = status.exit_status
    resource = {-29: "walltime", -27: "mem"}.get(code or 0) or (exceeded[1] if exceeded else "")
    if resource:
        return _exceeded(resource, status)
    if written := KILLED.search(output):
        return killed(written)
    if status.substate == 91 or "terminated by" in status.comment:
        by = re.search(r"terminated by (\S+)", status.comment)
        return Cause.DELETED, "it was deleted" + (f" by {by[1]}" if by else " (qdel)")
    if code is None:
        return Cause.UNKNOWN, "PBS tells of no exit status"
    if code < 0:
        return Cause.PBS, f"PBS gave it up (Exit_status {code}: {status.comment or 'no comment'})"
    if code > 128:
        number = (code - 128) % 128
        hint = "; the kernel kills so when memory is short" if number == 9 else ""
        return Cause.SIGNAL, f"it was killed by signal {number}{hint}"
    return Cause.EXITED, f"it ended with exit code {code}"


def killed(written: re.Match[str]) -> tuple[Cause, str]:
    """The same from the text (:data:`KILLED`) that PBS wrote when it killed a job."""
    cause, why = _exceeded(written[1], None)
    return cause, f"{why} ({written[0].removeprefix('=>> PBS: job killed: ').strip()})"


def _exceeded(resource: str, status: Status | None) -> tuple[Cause, str]:
    """A limit was exceeded; how much was used, where that is known."""
    if resource == "walltime":
        used = f" ({status.used_walltime} used)" if status and status.used_walltime else ""
        return Cause.WALLTIME, f"its walltime was over{used}"
    if "mem" in resource:
        used = f" ({status.used_mem} used)" if status and status.used_mem else ""
        return Cause.MEMORY, f"it used more memory than it had asked for{used}"
    return Cause.PBS, f"it used more {resource} than it had asked for"


def _values(block: str, name: str) -> list[str]:
    return re.findall(rf"^    {re.escape(name)} = (.*?)[ \t]*$", block, re.MULTILINE)


def _first(block: str, name: str) -> str | None:
    return next(iter(_values(block, name)), None)


def _last(block: str, name: str) -> str | None:
    values = _values(block, name)
    return values[-1] if values else None


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None
