"""How a run went: what is said at its end, and written beside the products."""

import shlex
import statistics
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from xsar_batch.batch import status
from xsar_batch.conversion import outcome
from xsar_batch.system.messages import by_class, duration

if TYPE_CHECKING:
    from xsar_batch.batch.plan import Plan
    from xsar_batch.batch.run import Run

#: Failures that are listed one by one before "and N more" stands for the rest.
SHOWN = 20


def lines(
    run: "Run",
    write_report: Callable[["Plan", list[status.Row]], str],
    keeps_going: bool = True,
) -> Iterator[str]:
    """End the run, and say how it went: made, failed by class, each failure with its cause, how
    long it took, how it stands with all SAFEs, and how to go on.

    ``write_report`` writes the report, and returns why that failed, or nothing. ``keeps_going``
    says whether the others went on after a failure.
    """
    plan, layout = run.plan, run.plan.layout
    if not run.id:
        # Somebody only had a look.
        return
    restored = run.end()
    made, failures, not_tried = [], [], []
    records = {name: outcome.read(layout.outcome(name)) for name in run.names}
    for name, record in records.items():
        if record is None or record.get("run") != run.id:
            not_tried.append(name)
        elif record["state"] == "done":
            made.append(record)
        else:
            failures.append(record)
    if not len(plan.catalogue.safes):
        yield "xsar-batch: nothing to do: no SAFE is selected"
    elif not run.names:
        yield f"xsar-batch: nothing to do, all {len(plan.catalogue.safes)} products are there"
    else:
        yield (
            f"xsar-batch: of {len(run.names)} pending, {len(made)} made, {len(failures)} failed"
            + (f" ({by_class(map(status.failure_class, failures))})" if failures else "")
            + (f", {len(not_tried)} not tried" if not_tried else "")
        )
    yield from _failures(failures)
    yield from _times(made)
    if restored:
        yield f"    {restored} products of earlier settings were kept, as they were not made again"
    if not_tried and not plan.land_mask_file.exists():
        log = layout.log("land_mask")
        cause = (log.read_text().strip() if log.is_file() else "") or "see above"
        yield f"    the land mask could not be made: {cause}"
    yield from _account(run, {record["name"] for record in made}, records, write_report)
    if failures:
        yield f"    Logs: {layout.logs}. To retry failures and process new SAFEs, run:"
    elif not_tried:
        yield "    To go on, run:"
    if failures or not_tried:
        # Without it Snakemake ends at the first failure, and so would the command as it was typed.
        stopped = () if keeps_going or not (failures and not_tried) else ("--keep-going",)
        yield f"        {shlex.join(['snakemake', *sys.argv[1:], *stopped])}"


def _failures(failures: list[dict[str, Any]]) -> Iterator[str]:
    for record in failures[:SHOWN]:
        cause = record["cause"] or status.NO_WORD
        yield f"    {record['name']}: {status.failure_class(record)}: {cause}"
    if len(failures) > SHOWN:
        yield f"    and {len(failures) - SHOWN} more"


def _times(made: list[dict[str, Any]]) -> Iterator[str]:
    if not made:
        return
    slowest = max(made, key=lambda record: record["seconds"])
    mean = statistics.fmean(record["seconds"] for record in made)
    memory = max(record["peak_memory_mb"] for record in made)
    yield (
        f"    {duration(mean)} a SAFE in the mean, up to {memory} MB; the slowest took "
        f"{duration(slowest['seconds'])}: {slowest['name']}"
    )


def _account(
    run: "Run",
    made: set[str],
    records: dict[str, Any],
    write_report: Callable[["Plan", list[status.Row]], str],
) -> Iterator[str]:
    """Write ``status.csv`` and the report, and say how it stands with all SAFEs."""
    plan, layout = run.plan, run.plan.layout
    pending = set(plan.done.pending).difference(made)
    rows = status.table(plan.catalogue.safes.index, pending, layout, fresh=records)
    try:
        status.write(layout.status, rows)
    except OSError as error:
        yield f"    {layout.status} cannot be written: {error.strerror or error}"
        return
    states = [row["state"] for row in rows if row["selected"] == "yes"]
    done = f"{states.count('done')} of {len(states)} SAFEs are done"
    if not plan.settings.report:
        yield f"    {done}; each of them: {layout.status}"
        return
    trouble = write_report(plan, rows)
    to_look_at = "" if trouble else f", to look at: {layout.report}"
    yield f"    {done}; each of them: {layout.status}{to_look_at}"
    if trouble:
        yield f"    {layout.report} cannot be written: {trouble}"
