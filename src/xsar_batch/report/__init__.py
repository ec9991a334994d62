"""The report: one HTML file that tells how a whole archive was converted.

Nothing in it asks the network, and a policy in its head has the browser refuse what would. Its
charts are finished drawings (:mod:`.charts`), its map is SVG (:mod:`.footprint_map`), and some 300
lines of JavaScript serve the map and the search; without them it is still readable, and it prints
as it is.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from xsar_batch.batch import resources
from xsar_batch.conversion.layout import Layout
from xsar_batch.report import (
    charts,
    distributions,
    failures,
    footprint_map,
    outcomes,
    page,
    quicklooks,
    summary,
    throughput,
)
from xsar_batch.system.atomic_write import published


def write(
    file: Path,
    table: pd.DataFrame,
    layout: Layout,
    settings: Mapping[str, str],
    versions: Mapping[str, str],
) -> None:
    """Write the report in one step.

    ``table`` has a row for each SAFE, as ``status.csv`` (see :mod:`.outcomes`); logs and quicklooks
    are looked up in ``layout`` and may be missing. ``settings`` and ``versions`` are shown as they
    are.

    Raises
    ------
    ValueError
        A state in the table is none.
    OSError
        The file cannot be written.
    """
    rows = outcomes.prepared(table)
    # As at the end of a run: what the settings leave out now may have been tried with others.
    asked_for = rows["selected"] != "no"
    rows, others = rows[asked_for], int((~asked_for).sum())
    text = page.render(
        page.Links(file, layout),
        output_dir=str(layout.output_dir),
        summary=summary.summarise(rows),
        others=others,
        kinds=summary.by(rows, "mission", "mode", "product_type", "polarisation"),
        map=footprint_map.draw(rows),
        charts=_charts(rows) if charts.can_be_drawn() else None,
        failures=failures.classes(rows, layout),
        quicklooks=quicklooks.newest(rows, layout),
        advice=_advice(rows),
        settings=settings,
        versions=versions,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    with published(file) as temporary:
        # A name on disk that is not UTF-8 comes as surrogates.
        temporary.write_bytes(text.encode("utf-8", errors="replace"))


def _charts(rows: pd.DataFrame) -> list[charts.Chart]:
    drawn = [
        throughput.chart(rows),
        charts.by_month(summary.by_month(rows)),
        distributions.duration(rows),
        distributions.memory(rows),
    ]
    return [chart for chart in drawn if chart]


def _advice(rows: pd.DataFrame) -> list[str]:
    """Lines for a profile; none where nothing was measured."""
    measured = rows.loc[rows["state"] == "done", ["state", "seconds", "peak_memory_mb"]].dropna()
    return list(resources.lines(measured.to_dict("records"))) if len(measured) else []
