"""What is about to be done, in a few lines: the answer of ``snakemake -n``, the start of a run."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xsar_batch.batch import status
from xsar_batch.conversion import outcome
from xsar_batch.failures import Unsupported
from xsar_batch.system.messages import by_class, duration, size, some

if TYPE_CHECKING:
    import pandas as pd

    from xsar_batch.batch.plan import Plan
    from xsar_batch.conversion.layout import Layout

#: Months of one kind of SAFE that are told one by one; of more than these, years are told.
MONTHS = 6

#: Earlier conversions that the estimate is made from: so many are enough for a mean.
SAMPLE = 50


def lines(plan: "Plan", targets: Iterable[Path] = ()) -> Iterator[str]:
    """One short paragraph: found, selected, duplicate, done, pending, and why.

    ``targets`` are products that the command names.
    """
    catalogue, safes = plan.catalogue, plan.catalogue.safes
    pending = plan.done.pending
    yield (
        f"xsar-batch: {catalogue.found} SAFEs found, {len(safes)} selected, "
        f"{catalogue.duplicates} duplicates; {len(safes) - len(pending)} done, "
        f"{len(pending)} pending -> {plan.layout.output_dir}"
    )
    left_out = {
        "not asked for by `select`": catalogue.not_selected,
        "excluded by `exclude`": catalogue.excluded,
        "listed or found twice": catalogue.listed_twice,
    }
    for why, count in left_out.items():
        if count:
            yield f"    {count} left out: {why}"
    yield from some("not a Sentinel-1 name, left out", catalogue.not_sentinel1)
    for place in catalogue.empty_places:
        yield f"    no SAFE found in: {place}"
    yield from some("listed but not there, will fail", catalogue.missing)
    if plan.done.trusted:
        yield f"    {plan.done.trusted} of the done are taken as they are: settings unknown"
    if plan.done.outdated:
        again = f"{len(plan.done.outdated)} of the pending are there and will be made again"
        yield f"    {again}: {plan.done.why}"
    for product in targets:
        if product.stem not in pending:
            yield f"    {product.stem} is done; to make it again:  snakemake -f {product}"
    folder = plan.layout.output_dir.resolve()
    for source in plan.settings.safes:
        if folder.is_relative_to(Path(source).resolve()):
            yield f"    output_dir lies in {source}, a folder of `safes`: products among SAFEs"
    yield from _kinds(safes, set(pending))
    if pending:
        yield from _unsupported(plan)
        yield from _pending(plan)


def command(plan: "Plan", names: Sequence[str] | None) -> Iterator[str]:
    """A line that says what this command converts, where that is not all that is pending."""
    if names is not None and set(names) != set(plan.done.pending):
        told = f": {', '.join(names)}" if 0 < len(names) <= 3 else ""
        yield f"xsar-batch: this command converts {len(names)} SAFE{'s' * (len(names) != 1)}{told}"


def _kinds(safes: "pd.DataFrame", pending: set[str]) -> Iterator[str]:
    """Missions and modes, with their months: pending of all."""
    safes = safes[safes["mission"] != ""]
    is_pending = safes.index.isin(pending)
    for (mission, mode), kind in safes.assign(is_pending=is_pending).groupby(["mission", "mode"]):
        months = kind["start"].str[:4] + "-" + kind["start"].str[4:6]
        times = months if months.nunique() <= MONTHS else months.str[:4]
        counts = kind.groupby(times)["is_pending"].agg(["sum", "size"])
        told = ", ".join(f"{when} {left}/{of}" for when, left, of in counts.itertuples())
        yield (
            f"    {mission} {mode}: {len(kind)}, {kind['is_pending'].sum()} pending"
            f" (pending/all: {told})"
        )


def _unsupported(plan: "Plan") -> Iterator[str]:
    """What is known to fail, by the names alone."""
    # numpy and lxml: a job's Snakemake loads this module too, and calls nothing of it.
    from xsar_batch.sentinel1 import safe

    safes = plan.catalogue.safes.loc[plan.done.pending]
    safes = safes[safes["there"]]
    is_cog = safes.index.str.endswith("_COG")
    for _, kind in safes.groupby(["mode", "product_type", "product_class", is_cog]):
        try:
            safe.check_kind(kind.index[0], plan.settings.repairs)
        except Unsupported as why:
            yield f"    {len(kind)} of the pending will fail as unsupported: {why}"


def _pending(plan: "Plan") -> Iterator[str]:
    pending, layout = plan.done.pending, plan.layout
    tried = status.tried(layout)
    again = list(status.last_attempts(tried.intersection(pending), layout))
    classes = [one["class"] for one in again if one["state"] == "failed"]
    failed = [one for one in classes if one != "interrupted"]
    if len(failed) < len(classes):
        yield f"    {len(classes) - len(failed)} of the pending were interrupted last time"
    if failed:
        yield f"    {len(failed)} of the pending failed last time ({by_class(failed)})"
    being_made = sum(one["state"] == "running" for one in again)
    if being_made:
        yield f"    {being_made} of the pending are being made by a run at work"
    starts = plan.catalogue.safes.loc[pending, "start"].replace("", None).dropna()
    if len(starts):
        oldest, newest = _time(starts.min()), _time(starts.max())
        yield f"    the oldest pending is of {oldest}, the newest of {newest}"
    yield from _estimate(len(pending), sorted(tried.difference(pending)), layout)


def _estimate(count: int, names: Sequence[str], layout: "Layout") -> Iterator[str]:
    """Time and space for ``count`` SAFEs, from a sample of those that were made: ``names``."""
    sample = names[:: max(1, len(names) // SAMPLE)]
    records = [outcome.read(layout.outcome(name)) or {} for name in sample]
    made = [one for one in records if one.get("state") == "done" and "seconds" in one]
    if not made:
        return
    seconds = sum(one["seconds"] for one in made) / len(made)
    each = sum(one.get("product_bytes", 0) for one in made) / len(made)
    yield (
        f"    about {duration(seconds * count)} of one core and {size(each * count)}, "
        f"at {duration(seconds)} and {size(each)} a SAFE as before"
    )


def _time(text: str) -> str:
    """A time as names have it, for people."""
    day, time = text.split("T")
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}"
