"""What a site offers, asked once: which batch system, which queues."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from . import commands, queues
from .queues import Queue

#: Seconds after which a question that is not vital is given up.
TIMEOUT = 20.0

#: The oldest version whose documented commands are all that is needed here.
_OLDEST = 13

_PBS = re.compile(r"pbs_version\s*=\s*(?:PBSPro_)?(\S+)", re.IGNORECASE)
_TORQUE = re.compile(r"^Version: *(\d[\w.]*)|torque", re.IGNORECASE | re.MULTILINE)
_GRID_ENGINE = re.compile(r"grid ?engine|\b(?:SGE|UGE|OGE)\b", re.IGNORECASE)
_ONLY = "this executor needs PBS Pro 13 or later, or OpenPBS"


@dataclass(frozen=True)
class BatchSystem:
    """The batch system of the commands on PATH: qsub, qstat and qdel are names of several.

    ``refusal`` says why it cannot be used.
    """

    name: str
    version: str = ""
    refusal: str = ""


def ask(command: Sequence[str], timeout: float = TIMEOUT) -> str:
    """What a command prints, or why it prints nothing. Never raises: whoever asks can do without an
    answer."""
    try:
        _, out, error = commands.run(command, timeout)
    except subprocess.TimeoutExpired:
        return f"no answer for {timeout:g} s"
    except OSError as problem:
        return str(problem)
    return out + error


def version() -> str:
    """What ``qstat --version`` prints."""
    return ask(["qstat", "--version"])


def batch_system(said: str) -> BatchSystem:
    """The batch system, by what ``qstat --version`` has printed. What is not known is not refused:
    a site may have wrapped its commands."""
    if found := _PBS.search(said):
        number = found[1]
        major = re.match(r"\d+", number)
        if major and int(major[0]) < _OLDEST:
            return BatchSystem("PBS Pro", number, f"PBS Pro {number} is too old: {_ONLY}")
        return BatchSystem("PBS", number)
    if found := _TORQUE.search(said):
        refusal = f"The PBS commands are those of Torque: {_ONLY}"
        return BatchSystem("Torque", found[1] or "", refusal)
    if _GRID_ENGINE.search(said):
        refusal = f"The commands qsub and qstat are those of Grid Engine: {_ONLY}"
        return BatchSystem("Grid Engine", refusal=refusal)
    return BatchSystem("unknown")


def known_queues() -> dict[str, Queue]:
    """Queues by name; none if the server does not tell."""
    return queues.parse(ask(["qstat", "-Q", "-f"]))
