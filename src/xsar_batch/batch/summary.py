"""How a run went: what is said at its end."""

import statistics
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xsar_batch.batch import command_line, status
from xsar_batch.system.messages import by_class, duration, some

if TYPE_CHECKING:
    from xsar_batch.batch.run import End, Run
    from xsar_batch.conversion.layout import Layout

#: Failures that are listed one by one before "and N more" stands for the rest.
SHOWN = 20


def lines(
    run: "Run", end: "End", report_trouble: str | None, keeps_going: bool = True
) -> Iterator[str]:
    """How a run went: made, failed by class, each failure with its cause, how long it took, how it
    stands with all SAFEs, and how to go on.

    ``report_trouble`` says why the report could not be written: nothing if it was, None if none was
    wanted. ``keeps_going`` says whether the others went on after a failure.
    """
    plan, layout = run.plan, run.plan.layout
    made, not_tried = end.made, end.not_tried
    failed = [one for one in end.failures if one["state"] != "interrupted"]
    interrupted = len(end.failures) - len(failed)
    if not len(plan.catalogue.safes):
        yield "xsar-batch: nothing to do: no SAFE is selected"
    elif not run.names:
        yield f"xsar-batch: nothing to do, all {len(plan.catalogue.safes)} products are there"
    else:
        yield (
            f"xsar-batch: of {len(run.names)} pending, {len(made)} made, {len(failed)} failed"
            + (f" ({by_class(map(status.failure_class, failed))})" if failed else "")
            + (f", {interrupted} interrupted" if interrupted else "")
            + (f", {len(not_tried)} not tried" if not_tried else "")
        )
    yield from _failures(failed)
    yield from _times(made)
    if end.restored:
        kept = f"{end.restored} products of earlier settings were kept"
        yield f"    {kept}, as they were not made again"
    names = {record["name"] for record in made}
    gone = [row["name"] for row in end.rows if row["name"] in names and row["state"] != "done"]
    yield from some("made, and gone since", gone)
    is_unfinished = end.failures or not_tried or gone
    if not_tried and not plan.land_mask_file.exists():
        log = layout.log("land_mask")
        cause = (log.read_text().strip() if log.is_file() else "") or "see above"
        if cause.startswith("INTERRUPTED"):
            yield "    stopped while the land mask was made, before the first SAFE"
        else:
            yield f"    the land mask could not be made: {cause}"
    yield from _all_safes(end, layout, report_trouble)
    if failed:
        yield f"    Logs: {layout.logs}. To retry failures and process new SAFEs, run:"
    elif is_unfinished:
        yield "    To go on, run:"
    if is_unfinished:
        # Without it Snakemake ends at the first failure, and so would the command as it was typed.
        stops = not keeps_going and failed and not_tried
        yield f"        {command_line.again(sys.argv[1:], '--keep-going' if stops else '')}"


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


def _all_safes(end: "End", layout: "Layout", report_trouble: str | None) -> Iterator[str]:
    if end.trouble:
        yield f"    {end.trouble}"
        return
    states = [row["state"] for row in end.rows if row["selected"] == "yes"]
    of = f"{len(states)} SAFEs"
    others = len(end.rows) - len(states)
    if others:
        of += " that are selected"
    to_look_at = f", to look at: {layout.report}" if report_trouble == "" else ""
    yield (
        f"    {states.count('done')} of {of} are done; each of them"
        + (f", and of {others} others" if others else "")
        + f": {layout.status}{to_look_at}"
    )
    if report_trouble:
        yield f"    {layout.report} cannot be written: {report_trouble}"
