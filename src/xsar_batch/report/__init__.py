"""The report: one HTML file that tells how a whole archive was converted.

Python gathers the data (:mod:`.data`), the page draws them: table, map, charts and failures
(``assets``), with Tabulator, D3 and Observable Plot (``vendor``). All of it is within the file, and
a policy in its head has the browser refuse what would ask the network. While a run is at work the
page renews itself (:mod:`.live`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xsar_batch.batch import lock
from xsar_batch.conversion.layout import Layout
from xsar_batch.system.atomic_write import published

if TYPE_CHECKING:
    import pandas as pd

    from xsar_batch.report.footprint_map import Map


def write(
    file: Path,
    table: "pd.DataFrame",
    layout: Layout,
    settings: Mapping[str, str],
    versions: Mapping[str, str],
    live: Mapping[str, Any] | None = None,
    view: "Map | None" = None,
) -> "Map":
    """Write the report in one step; returns its map, to be handed in as ``view`` the next time.

    ``table`` has a row for each SAFE, as ``status.csv`` (:mod:`.status_table`); logs and quicklooks
    are looked up in ``layout`` and may be missing. ``settings`` and ``versions`` are shown as they
    are, ``live`` is that of :func:`.data.of`. For a run that is at work, and where an earlier one
    left them, the same data stand in ``report-data.js`` beside it.

    Raises
    ------
    ValueError
        A state in the table is none.
    OSError
        The file cannot be written.
    """
    # pandas and shapely: a job's Snakemake loads this package too, and writes no report.
    from xsar_batch.report import data, page, status_table

    told = {"settings": dict(settings), "versions": dict(versions)}
    links = page.links(file, layout)
    made, drawn = data.of(status_table.prepared(table), layout, links, told, live, view)
    text = data.as_json(made)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = page.data_file(file)
    # One that is written by hand must not tell open pages that the run is over.
    if live or (beside.exists() and not lock.running(layout.lock)):
        _publish(beside, f"xsarBatch.receive({text});\n")
    _publish(file, page.render(made, text))
    return drawn


def _publish(file: Path, text: str) -> None:
    with published(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
