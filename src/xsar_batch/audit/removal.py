"""Taking products away that an audit found bad, so that the next run makes them again."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from xsar_batch.audit import products
from xsar_batch.batch import lock
from xsar_batch.conversion.layout import Layout
from xsar_batch.failures import ConfigError

#: Seconds without a write before a file counts as finished: the notebook writes products under
#: their final name, and as long as that takes they look like broken ones.
SETTLED_AFTER = 300


class Kept(Exception):
    """The file stays, and why."""


def check_no_run(folders: Iterable[Path]) -> None:
    """Check that no run is at work in any of the folders.

    Raises
    ------
    ConfigError
        Who is at work where.
    """
    for folder in sorted(set(folders)):
        holder = lock.holder(Layout(folder).lock)
        if holder:
            raise ConfigError(
                f"a run is at work in {folder}: {holder}.\n"
                f"    wait for its end; should it have died on another machine:  "
                f"rm {Layout(folder).lock}"
            )


def remove(verdict: products.Verdict, to: Path | None = None) -> None:
    """Delete a bad product, or move it into the folder ``to``.

    Raises
    ------
    Kept
        It is a link, or another file by now, or too young, or ``to`` has one of its name.
    OSError
        It may not be removed.
    """
    path = verdict.path
    if verdict.state != "bad":
        raise Kept("it was not found to be bad")
    if path.is_symlink():
        raise Kept("it is a link: remove the file itself, or the link, by hand")
    try:
        if products.identity(path) != verdict.identity:
            raise Kept("it was written anew meanwhile")
        if time.time() - path.stat().st_mtime < SETTLED_AFTER:
            raise Kept(f"it was written less than {SETTLED_AFTER // 60} minutes ago")
    except FileNotFoundError:
        return
    # A run that was killed left a second name, and the next one would give it back its first.
    second = Layout(path.parent).previous / path.name
    if second.exists() and second.samefile(path):
        second.unlink()
    if to is None:
        path.unlink(missing_ok=True)
        return
    to.mkdir(parents=True, exist_ok=True)
    if (to / path.name).exists():
        raise Kept(f"there is one of its name in {to}")
    shutil.move(path, to / path.name)
