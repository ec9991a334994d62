"""Which logs of PBS jobs are worth keeping."""

import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

#: A log of what the jobs have printed, and what PBS itself had to say.
_SUFFIXES = (".log", ".out")


def remove_successful(folder: Path, run: str, failed: Container[str]) -> None:
    """Remove the logs of a run, but for those in ``failed`` (paths of ``.log`` files). ``run`` is
    the part of the names that all PBS jobs of the run have in common."""
    for path in folder.glob(f"*-{run}-*"):
        if path.suffix in _SUFFIXES and str(path.with_suffix(".log")) not in failed:
            with suppress(OSError):
                path.unlink()


def remove_old(folder: Path, days: float) -> None:
    """Remove logs that nobody has written to for so many days. Only names that are ours."""
    for path in folder.glob("*-???-*"):
        with suppress(OSError):
            if path.suffix in _SUFFIXES and time.time() - path.stat().st_mtime > days * 86_400:
                path.unlink()
