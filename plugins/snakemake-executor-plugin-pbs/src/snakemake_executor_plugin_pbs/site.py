"""Questions about a site, asked once: which batch system, which queues."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from . import flavour, queues
from .flavour import Flavour
from .queues import Queue

#: Seconds after which a question that is not vital is given up.
TIMEOUT = 20.0


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code; None if it did not end or does not exist."""

    code: int | None
    out: str = ""
    error: str = ""


def ask(command: Sequence[str], timeout: float = TIMEOUT) -> Answer:
    """Run a command of PBS, in English. Never raises: whoever asks can do without an answer."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, error=f"no answer for {timeout:g} s")
    except OSError as problem:
        return Answer(None, error=str(problem))
    return Answer(done.returncode, done.stdout, done.stderr)


def which() -> Flavour:
    """The batch system of the commands on PATH."""
    answer = ask(["qstat", "--version"])
    return flavour.recognise(answer.out + answer.error)


def known_queues() -> dict[str, Queue]:
    """Queues by name; none if the server does not tell."""
    return queues.parse(ask(["qstat", "-Q", "-f"]).out)
