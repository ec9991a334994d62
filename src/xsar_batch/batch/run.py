"""A run from its start to its end: what the main process does round the jobs."""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from xsar_batch.batch import lock, previous, status
from xsar_batch.batch.pending import ANOTHER_FOLDER
from xsar_batch.batch.plan import Plan
from xsar_batch.conversion import job_table, outcome
from xsar_batch.failures import FINAL, ConfigError
from xsar_batch.system import atomic_write, full_disk

#: Seconds after which files of other settings are taken for forgotten.
FORGOTTEN_AFTER = 30 * 86_400


@dataclass
class End:
    """What a run came to: outcomes by how they ended, and how it stands with every SAFE now."""

    #: Products of other settings that are back.
    restored: int
    made: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)
    rows: list[status.Row] = field(default_factory=list)
    #: Why ``status.csv`` could not be written.
    trouble: str = ""


class Run:
    """One call of Snakemake. It begins only if something is to be converted."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names: list[str] = []
        self.id = ""

    def begin(self, names: Iterable[str]) -> None:
        """Take the lock, make the folders, clear what killed runs left, write the run file.

        ``names`` are the SAFEs that Snakemake is going to convert.

        Raises
        ------
        ConfigError
            ``output_dir`` cannot be written, or another run is at work in it.
        """
        self.names = list(names)
        layout = self.plan.layout
        try:
            for folder in (layout.internal, layout.logs):
                folder.mkdir(parents=True, exist_ok=True)
            # Of a run that was killed, what it had submitted counts as of this one.
            self.id = lock.acquire(layout.lock)
            try:
                self._prepare()
            except BaseException:
                lock.release(layout.lock)
                raise
        except (OSError, sqlite3.Error) as error:
            where = getattr(error, "filename", None) or layout.output_dir
            why = getattr(error, "strerror", None) or error
            advice = ANOTHER_FOLDER
            if "full" in str(why) or getattr(error, "errno", 0) in full_disk.FULL:
                advice = "    make room, and type the command again"
            raise ConfigError(f"output_dir: cannot write to {where}: {why}\n{advice}") from None

    def _prepare(self) -> None:
        layout = self.plan.layout
        there = self.plan.done.there.union(previous.settle(layout))
        for folder in (layout.output_dir, layout.internal, layout.logs):
            atomic_write.remove_stale(folder)
        # Whatever stands in its place: products come all the same.
        with suppress(OSError):
            atomic_write.remove_stale(layout.quicklooks)
        self._remove_forgotten()
        # Of those that are there: on a parallel filesystem each question costs a millisecond.
        previous.keep(there.intersection(self.names), layout)
        status.forget(layout.status, self.names)
        safes = self.plan.catalogue.safes
        paths = dict(zip(safes.index, safes["path"], strict=True))
        job_table.write(self.plan.run_file, self._known(), paths)

    def has_failed_for_good(self, name: str) -> bool:
        """Whether this run has found of a SAFE what a second attempt would find again."""
        record = outcome.read(self.plan.layout.outcome(name)) or {}
        return record.get("run") == self.id and record.get("class") in FINAL

    def end(self) -> "End":
        """Give products back that were to be made again and were not, release the lock, and write
        ``status.csv``."""
        layout = self.plan.layout
        try:
            restored = len(previous.settle(layout))
        finally:
            lock.release(layout.lock)
        end, records = End(restored), {}
        for name in self.names:
            record = records[name] = outcome.read(layout.outcome(name))
            if record is None or record.get("run") != self.id:
                end.not_tried.append(name)
            else:
                (end.made if record["state"] == "done" else end.failures).append(record)
        made = {record["name"] for record in end.made}
        pending = set(self.plan.done.pending).difference(made)
        end.rows = status.table(self.plan.catalogue.safes.index, pending, layout, fresh=records)
        try:
            status.write(layout.status, end.rows)
        except OSError as error:
            end.trouble = f"{layout.status} cannot be written: {error.strerror or error}"
        return end

    def _remove_forgotten(self) -> None:
        internal = self.plan.layout.internal
        for file in (*internal.glob("run-*.sqlite"), *internal.glob("land_mask-*.fgb")):
            old = time.time() - file.stat().st_mtime > FORGOTTEN_AFTER
            if old and file not in (self.plan.run_file, self.plan.land_mask_file):
                file.unlink(missing_ok=True)

    def _known(self) -> dict[str, Any]:
        """What all jobs have in common, in terms of :class:`xsar_batch.conversion.job.Job`."""
        plan = self.plan
        return {
            "output_dir": str(plan.layout.output_dir.absolute()),
            "land_mask": str(plan.land_mask_file.absolute()),
            "recipe": plan.recipe,
            "function": plan.settings.function,
            "compression": plan.settings.compression,
            "run": self.id,
            "quicklooks": plan.settings.quicklooks,
        }
