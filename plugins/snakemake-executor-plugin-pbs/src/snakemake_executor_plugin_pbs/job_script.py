"""The script that PBS runs."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from .environment import as_bash

#: May name a Python file that runs ``-m MODULE …`` in its own way, to begin sooner for example: on
#: nodes that see it, Python is started with it.
STARTER = "PYTHON_STARTER"


def write(
    folder: Path,
    workdir: Path,
    umask: str,
    environment: Mapping[str, str],
    precommand: str,
    command: Sequence[str],
) -> Path:
    """Write the script and the environment that it sets into a folder; returns the script's path.

    The environment may hold secrets: its file is for the user alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    private = os.open(folder / "env.sh", os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(private, "w", errors="surrogateescape") as file:
        file.write(as_bash(environment))
    script = folder / "job.sh"
    script.write_text(job_script(workdir, umask, folder / "env.sh", precommand, command))
    return script


def job_script(
    workdir: Path, umask: str, environment: Path, precommand: str, command: Sequence[str]
) -> str:
    """A script of bash that runs ``command`` as if it were typed in ``workdir``.

    PBS starts it in the home directory, with nothing of the environment of who submits.
    ``environment`` is a file of bash that sets it (:mod:`.environment`); the site's own lines
    (``precommand``) come after it, and what they change holds. A ``command`` begins with Python.
    """
    python, *arguments = map(shlex.quote, command)
    if arguments[0] == "-m":
        python += f' ${{{STARTER}:+"${STARTER}"}}'
    lines = [
        "#!/bin/bash",
        f"cd {shlex.quote(str(workdir))} || exit 1",
        f"umask {umask}",
        f". {shlex.quote(str(environment))}",
        precommand,
        f'test -r "${STARTER}" || unset {STARTER}',
        f"exec {python} {' '.join(arguments)}",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def current_umask() -> str:
    """The umask as a text of octal digits: PBS starts jobs with its own, under which nobody else
    may read the products."""
    mask = os.umask(0o077)
    os.umask(mask)
    return f"{mask:03o}"
