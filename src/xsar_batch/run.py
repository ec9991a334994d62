"""A run from its start to its end: what the main process does round the jobs."""

import datetime as dt
import sqlite3
import time
from collections.abc import Iterable
from typing import Any

from . import lock, previous, publish, run_file
from .failures import ConfigError
from .plan import Plan

#: Seconds after which files of other settings are taken for forgotten.
FORGOTTEN_AFTER = 30 * 86_400


class Run:
    """One call of Snakemake that converts something."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names: list[str] = []
        self.started = ""
        #: Whether products are checked and none is made: what there is to be said is said by that.
        self.is_audit = False

    def begin(self, names: Iterable[str]) -> None:
        """Take the lock, make the folders, clear what killed runs left, write the run file.

        ``names`` are the SAFEs that Snakemake is going to convert.

        Raises
        ------
        ConfigError
            ``output_dir`` cannot be written, or another run is at work in it.
        """
        self.names = list(names)
        self.started = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        layout = self.plan.layout
        try:
            for folder in (layout.own, layout.logs):
                folder.mkdir(parents=True, exist_ok=True)
            # Of a run that was killed, what it had submitted counts as of this one.
            self.started = lock.acquire(layout.lock) or self.started
            try:
                self._prepare()
            except BaseException:
                lock.release(layout.lock)
                raise
        except (OSError, sqlite3.Error) as error:
            where = getattr(error, "filename", None) or layout.output_dir
            why = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"output_dir: cannot write to {where}: {why}\n"
                "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"
            ) from None

    def _prepare(self) -> None:
        layout = self.plan.layout
        there = self.plan.done.there.union(previous.settle(layout))
        for folder in (layout.output_dir, layout.own, layout.logs):
            publish.remove_stale(folder)
        self._remove_forgotten()
        # Of those that are there: on a parallel filesystem each question costs a millisecond.
        previous.keep(there.intersection(self.names), layout)
        safes = self.plan.catalogue.safes
        paths = dict(zip(safes.index, safes["path"], strict=True))
        run_file.write(self.plan.run_file, self._known(), paths)

    def end(self) -> int:
        """Give products back that were to be made again and were not, and release the lock.

        Returns how many products of other settings are back.
        """
        try:
            return len(previous.settle(self.plan.layout))
        finally:
            lock.release(self.plan.layout.lock)

    def _remove_forgotten(self) -> None:
        own = self.plan.layout.own
        for file in (*own.glob("run-*.sqlite"), *own.glob("land_mask-*.fgb")):
            old = time.time() - file.stat().st_mtime > FORGOTTEN_AFTER
            if old and file not in (self.plan.run_file, self.plan.land_mask_file):
                file.unlink(missing_ok=True)

    def _known(self) -> dict[str, Any]:
        """What all jobs have in common, in terms of :class:`xsar_batch.convert.Job`."""
        plan = self.plan
        return {
            "output_dir": str(plan.layout.output_dir.absolute()),
            "land_mask": str(plan.land_mask_file.absolute()),
            "recipe": plan.recipe,
            "function": plan.settings.function,
            "compression": plan.settings.compression,
        }
