"""What is known of our PBS jobs, on disk: so that no kill of any process loses or doubles work.

Every PBS job has a folder below ``.snakemake/pbs``:

=============  ==============  ==================================================================
file           written by      what it tells
=============  ==============  ==================================================================
``pack.json``  Snakemake       which jobs are in it, and how they are run; before qsub
``job.sh``     Snakemake       what is submitted
``env.sh``     Snakemake       the environment it was started in; readable by the user alone
``id``         Snakemake       the id, once qsub has told it
``claim``      whoever first   by the PBS job: "I run"; by Snakemake: "you must not run any more"
``events``     the PBS job     a line an event: a job started, ended, failed; the end
``beat``       the PBS job     changes while it is alive
``stop``       Snakemake       the PBS job is to end itself, where qdel did not reach it
``reported``   Snakemake       failures that Snakemake was told of, a line each
=============  ==============  ==================================================================

Snakemake may die between any two of these. A pack without ``id`` may have been submitted or not:
whoever makes ``claim`` first decides, so it runs once or not at all.
"""

import os
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from .folder import Folder, Pack, Task
from .processes import began

#: Folders of packs that nobody asked about for so many seconds are removed.
FORGOTTEN_AFTER = 14 * 86_400


class Ledger:
    """All packs below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.me = _me()
        self._earlier: dict[str, tuple[Folder, Pack, int]] = {}

    def new(self, name: str) -> Folder:
        return Folder(self.root / name)

    def load(self) -> None:
        """Read what earlier Snakemakes have left: once, before the first pack of this one."""
        for folder, pack in self._packs():
            reported = folder.reported()
            if (folder.claim() or {}).get("revoked"):
                continue
            for number, one in enumerate(pack.tasks):
                if number not in reported:
                    self._earlier.update({path: (folder, pack, number) for path in one.outputs})

    def earlier(self, task: Task) -> tuple[Folder, Pack, int] | None:
        """The pack of an earlier Snakemake that holds the same outputs, and the task's number.

        Packs that were revoked, and tasks of which a failure was reported, do not count. Each is
        told once: asked for again, the job is to be done again.
        """
        found = [self._earlier.pop(path, None) for path in task.outputs]
        return next((one for one in found if one is not None), None)

    def _packs(self) -> Iterator[tuple[Folder, Pack]]:
        """Packs of Snakemakes that are dead, the oldest first."""
        for path in self._paths():
            folder = Folder(path)
            with suppress(OSError, ValueError, KeyError, TypeError):
                pack = folder.pack()
                if not _is_alive(pack.owner):
                    yield folder, pack

    def _paths(self) -> Iterable[Path]:
        try:
            found = [path for path in self.root.iterdir() if path.is_dir()]
        except OSError:
            return []
        return sorted(found, key=lambda path: _age(path / "pack.json"))

    def tidy(self, keep: Container[Path] = ()) -> None:
        """Remove packs of dead Snakemakes, and of this one, that are over, never came to run, or
        are old."""
        for folder, _ in [one for one in self._packs() if one[0].path not in keep]:
            never = bool((folder.claim() or {}).get("revoked"))
            if never or folder.read().is_over:
                folder.remove()
        for path in self._paths():
            if time.time() - _age(path) > FORGOTTEN_AFTER:
                Folder(path).remove()


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _me() -> dict[str, Any]:
    return {"host": os.uname().nodename, "pid": os.getpid(), "began": began(os.getpid())}


def _is_alive(owner: Mapping[str, Any]) -> bool:
    """Whether the process still runs, on this machine; one elsewhere counts as dead.

    Two Snakemakes at the same outputs are what Snakemake's own lock is for.
    """
    if owner.get("host") != os.uname().nodename or owner.get("pid") == os.getpid():
        return False
    try:
        is_dead = psutil.Process(owner["pid"]).status() == psutil.STATUS_ZOMBIE
        # Since boot: by the clock on the wall it would be another process once that was set.
        return not is_dead and abs(began(owner["pid"]) - owner["began"]) < 0.05
    except (psutil.Error, OSError, IndexError):
        return False
