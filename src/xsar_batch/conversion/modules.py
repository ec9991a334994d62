"""The module file of conversions and of PBS jobs: which one it is, and that it is made.

It holds what a conversion, its client, the fork server and the Snakemake in a PBS job import.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from xsar_batch.system import module_file

#: Packages of this project that take part. They know nothing of each other, so these are names.
PACKAGES = ("xsar_batch", "snakemake_executor_plugin_pbs", "snakemake_logger_plugin_progress")


def announce(is_made: bool) -> None:
    """Tell the processes of this run which module file they start with, if there is one for this
    environment; ``is_made`` has one made, for jobs that begin later.

    Who sets the variable to nothing wants none.
    """
    if os.environ.get(module_file.VARIABLE) == "":
        return
    # That of a run, perhaps in another environment, that started this one.
    os.environ.pop(module_file.VARIABLE, None)
    file = module_file.of_environment(PACKAGES)
    if not module_file.is_whole(file):
        if not is_made:
            return
        file.unlink(missing_ok=True)
        _make_elsewhere(file)
    os.environ[module_file.VARIABLE] = str(file)


def check() -> None:
    """Do without, in a job to which the file that it was told is not visible."""
    if not Path(os.environ.get(module_file.VARIABLE, "")).is_file():
        os.environ.pop(module_file.VARIABLE, None)


def _make_elsewhere(file: Path) -> None:
    """In a process that goes on by itself, and disturbs nobody: imports take long."""
    import subprocess

    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".log").open("wb") as log:
            subprocess.Popen(
                ["nice", sys.executable, "-m", "xsar_batch.conversion.modules_made", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
