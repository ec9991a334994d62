"""The workflow of this repository, run as a user runs it."""

import json
import os
import shutil
from pathlib import Path

from processes import Ran, run, snakemake_command

REPO = Path(__file__).parents[2]
SCRIPTS = REPO / "workflow" / "scripts"

#: What Snakemake reads of the repository.
WORKFLOW = ("Snakefile", "config", "profiles", "workflow")


def copy_workflow(folder: Path) -> Path:
    """The workflow in a folder of its own: a test may touch it, and ``.snakemake`` lands there.

    ``configfile: "config/config.yaml"`` is looked up in the working directory, and missing is an
    error even if everything is set by ``--config``: so the copy is the working directory.
    """
    for name in WORKFLOW:
        source = REPO / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy2(source, folder / name)
    return folder


def run_snakemake(workdir: Path, *arguments: str | os.PathLike, **more: str | None) -> Ran:
    """Run the real Snakemake in ``workdir``, a :func:`copy_workflow`."""
    return run(*snakemake_command(*arguments), cwd=workdir, **more)


def last_line(log: Path) -> str:
    return log.read_text().rstrip("\n").rsplit("\n", 1)[-1]


def outcome(path: Path) -> dict:
    return json.loads(path.read_text())
