"""The script that PBS runs."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

#: May name a Python file that runs ``-m MODULE …`` in its own way, to begin sooner for example: on
#: nodes that see it, Python is started with it.
STARTER = "PYTHON_STARTER"


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
