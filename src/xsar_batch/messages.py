"""What the main process says, before a run and after it."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import outcome

if TYPE_CHECKING:
    from .plan import Plan
    from .run import Run

#: Names that are listed one by one before "and N more" stands for the rest.
SHOWN = 20


def say(lines: Iterable[str]) -> None:
    """Print to stderr, where Snakemake's own messages go."""
    text = "\n".join(lines)
    if text:
        print(text, file=sys.stderr, flush=True)


def preview(plan: "Plan") -> Iterator[str]:
    """One short paragraph: found, selected, duplicate, done, pending, and why."""
    catalogue, safes = plan.catalogue, plan.catalogue.safes
    pending = len(plan.done.pending)
    yield (
        f"xsar-batch: {catalogue.found} SAFEs found, {len(safes)} selected, "
        f"{catalogue.duplicates} duplicates; {len(safes) - pending} done, {pending} pending"
        f" -> {plan.layout.output_dir}"
    )
    left_out = {
        "not asked for by `select`": catalogue.not_selected,
        "listed or found twice": catalogue.listed_twice,
    }
    for why, count in left_out.items():
        if count:
            yield f"    {count} left out: {why}"
    yield from _some("not a Sentinel-1 name, left out", catalogue.not_sentinel1)
    yield from _some("nothing found in", catalogue.empty_places)
    yield from _some("listed but not there, will fail", catalogue.missing)
    if plan.done.trusted:
        yield f"    {plan.done.trusted} of the done are taken as they are: settings unknown"
    if plan.done.outdated:
        again = f"{len(plan.done.outdated)} of the pending are there and will be made again"
        yield f"    {again}: {plan.done.why}"


def end(run: "Run") -> Iterator[str]:
    """End the run, and say how it went: made, failed by class, each failure with its cause."""
    restored = run.end()
    layout = run.plan.layout
    made, failures, not_tried = 0, [], 0
    for name in run.names:
        record = outcome.read(layout.outcome(name))
        if record is None or record["started"] < run.started:
            not_tried += 1
        elif record["state"] == "done":
            made += 1
        else:
            failures.append(record)
    if not run.names and run.is_audit:
        return
    if not run.names:
        yield f"xsar-batch: nothing to do, all {len(run.plan.catalogue.safes)} products are there"
        return
    classes = Counter(_class(record) for record in failures)
    by_class = ", ".join(f"{count} {name}" for name, count in sorted(classes.items()))
    yield (
        f"xsar-batch: of {len(run.names)} pending, {made} made, {len(failures)} failed"
        + (f" ({by_class})" if failures else "")
        + (f", {not_tried} not tried" if not_tried else "")
    )
    for record in failures[:SHOWN]:
        cause = record["cause"] or "ended without a word, out of memory or by a signal"
        yield f"    {record['name']}: {_class(record)}: {cause}"
    if len(failures) > SHOWN:
        yield f"    and {len(failures) - SHOWN} more"
    if failures:
        yield f"    logs are in {layout.logs}; the same command tries these again"
    if restored:
        yield f"    {restored} products of earlier settings were kept, as they were not made again"
    if not_tried and not run.plan.land_mask_file.exists():
        log = layout.log("land_mask")
        cause = log.read_text().strip() if log.is_file() else "see above"
        yield f"    the land mask could not be made: {cause}"


def _class(record: dict[str, Any]) -> str:
    """Class of a failure; a record that was never finished is that of a killed process."""
    return record["class"] or {"running": "killed"}.get(record["state"], record["state"])


def _some(what: str, names: list[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"    {len(names)} {what}: {', '.join(map(str, names[:3]))}{more}"
