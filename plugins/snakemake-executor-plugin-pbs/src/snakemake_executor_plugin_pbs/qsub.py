"""qsub: what it is told, and what its answers mean."""

import re

from .request import PackRequest, clock

#: Characters of a job's name that every version of PBS takes.
NAME_LENGTH = 15

_OWN_PLACE = re.compile(r"(?:^|[\s,])place=")

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


def arguments(request: PackRequest, name: str, output: str, script: str, umask: str) -> list[str]:
    """Arguments of qsub. ``output`` is the path of what PBS itself has to say, ``umask`` in octal.

    ``-r n``: a job whose node dies is not started again by PBS; what it had not finished is
    submitted anew, so that nothing that is finished is done twice.
    """
    job = request.job
    found = ["-N", name, "-S", "/bin/bash", "-r", "n", "-m", "n", "-j", "oe", "-o", output]
    found += ["-W", f"umask={umask}"]
    for option, value in (("-q", job.queue), ("-A", job.account), ("-P", job.project)):
        if value:
            found += [option, value]
    if not job.has_own_select:
        found += ["-l", f"select={request.select}"]
        if job.nodes and not _OWN_PLACE.search(" ".join(job.extra)):
            found += ["-l", "place=scatter"]
    if request.walltime and not job.has_own_walltime:
        found += ["-l", f"walltime={clock(request.walltime)}"]
    return [*found, *job.extra, script]


def job_name(rule: str, run: str, number: int, prefix: str = "") -> str:
    """A name that PBS of any version takes, and that tells what is in the job."""
    tail = f"-{run}-{number}"
    word = "".join(c if c.isascii() and c.isalnum() else "_" for c in prefix + rule) or "job"
    # A name must begin with a letter.
    word = word if word[0].isalpha() else f"r{word}"
    return word[: max(1, NAME_LENGTH - len(tail))] + tail


def printed_id(code: int, out: str, error: str) -> str:
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
