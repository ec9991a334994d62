"""The report of a run that is at work: a thread of the main process writes it every so often.

The outcomes of the SAFEs that the run has begun tell what has changed; those that are done are not
read again. Writing takes at most one per cent of a core, however many SAFEs there are: after a long
round, but for the first, the next one waits longer.
"""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xsar_batch.batch import status
from xsar_batch.conversion import outcome
from xsar_batch.system.versions import versions

if TYPE_CHECKING:
    from xsar_batch.batch.run import Run

#: Seconds from the start of a run to the first page: a run that is over by then needs none.
FIRST = 5

#: Share of a core, and of the time (reading files may take long and no CPU), that it may take.
OF_CPU, OF_TIME = 0.01, 0.1

#: Seconds that the end of a run waits for a page that is just being written.
TIMEOUT = 60


class Account:
    """How it stands with every SAFE, from the start of a run on."""

    def __init__(self, run: "Run") -> None:
        plan = run.plan
        assert plan.catalogue is not None, "the main process lists the SAFEs"
        rows = status.table(plan.catalogue.safes.index, plan.done.pending, plan.layout)
        self._run = run
        self._rows = {row["name"]: row for row in rows}
        #: SAFEs of this run that have no product of it yet. One that failed may be tried again.
        self._open = set(run.names)

    def rows(self) -> list[status.Row]:
        """A row for each SAFE, as it stands now."""
        layout, run = self._run.plan.layout, self._run.id
        for name in self._open & status.tried(layout):
            record = outcome.read(layout.outcome(name))
            if record is None or record.get("run") != run:
                continue
            is_done = record["state"] == "done"
            row = status.row(name, record, is_done, run)
            self._rows[name] = {**row, "selected": "yes"}
            if is_done:
                self._open.remove(name)
        return list(self._rows.values())


class Renewal:
    """Writes the report of a run until it is stopped. A failure does not touch the run."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        #: Seconds of CPU that it took so far, and why the last page could not be written.
        self.cpu, self.trouble = 0.0, ""

    def start(self) -> None:
        """Begin, if the settings ask for it."""
        settings = self._run.plan.settings
        if settings.report and settings.report_interval and self._run.id:
            self._thread = threading.Thread(target=self._renew, name="report", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it; what is just being written gets done."""
        self._over.set()
        if self._thread:
            # A second Ctrl-C: the end of the run is still to be told.
            with suppress(KeyboardInterrupt):
                self._thread.join(TIMEOUT)

    def _renew(self) -> None:
        began, pause = time.time(), float(FIRST)
        account, view, is_first = None, None, True
        while not self._over.wait(pause):
            start, cpu = time.monotonic(), time.thread_time()
            try:
                account = account or Account(self._run)
                view = self._write(account, view, began, self._pause(pause))
            except Exception as error:
                # Products matter, and a page does not: a full disk, an archive that is away.
                self.trouble = str(error)
            cpu = time.thread_time() - cpu
            self.cpu += cpu
            taken = (cpu / OF_CPU, (time.monotonic() - start) / OF_TIME)
            # Imports and the coast cost the first round a second or two, which do not come again.
            pause = self._pause(0 if is_first else max(taken))
            is_first = False

    def _pause(self, last: float) -> float:
        return max(self._run.plan.settings.report_interval, last)

    def _write(self, account: Account, view: Any, began: float, pause: float) -> Any:
        # Half a second, which a run that is over at once need not spend.
        from xsar_batch.report import status_table, write

        plan = self._run.plan
        live = {"began": int(began), "count": len(self._run.names), "pause": round(pause, 1)}
        # What the pages before this one took: python -m benchmarks live reads it.
        live["cpu"] = round(self.cpu, 3)
        rows = status_table.of_rows(account.rows())
        told = versions().items()
        return write(
            plan.layout.report,
            *(rows, plan.layout, plan.settings.told()),
            {key.removesuffix("_version"): value for key, value in told},
            *(live, view),
        )
