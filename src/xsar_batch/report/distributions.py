"""Distributions of what a conversion took: duration and memory, of SAFEs that are done."""

import numpy as np
import pandas as pd

from xsar_batch.report import charts
from xsar_batch.report.charts import Chart

#: Bars of a histogram.
BINS = 40

#: What lies beyond this share is counted in the last bar, lest one outlier squeeze all others.
SHOWN = 0.995


def duration(table: pd.DataFrame) -> Chart | None:
    """Seconds of wall time; None where none is known."""
    return _chart(_of_done(table, "seconds"), "duration", "How long they took", "s", 1)


def memory(table: pd.DataFrame) -> Chart | None:
    """Largest resident size in MB; None where none is known."""
    return _chart(_of_done(table, "peak_memory_mb"), "memory", "How much memory they took", "MB", 0)


def _of_done(table: pd.DataFrame, column: str) -> np.ndarray:
    return table.loc[(table["state"] == "done") & (table[column] >= 0), column].to_numpy(float)


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Counts, edges, and how many of the last bar lie beyond it: together all values."""
    low, high = values.min(), np.quantile(values, SHOWN)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    edges = _nice(low, high)
    beyond = int((values > edges[-1]).sum())
    counts, _ = np.histogram(np.minimum(values, edges[-1]), edges)
    return counts, edges, beyond


def _nice(low: float, high: float) -> np.ndarray:
    """Edges at round numbers."""
    exact = (high - low) / BINS
    power = 10.0 ** np.floor(np.log10(exact))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= exact)
    first, last = np.floor(low / step), np.floor(high / step) + 1
    return np.round(np.arange(first, last + 1) * step, 9)


def _chart(values: np.ndarray, key: str, title: str, unit: str, digits: int) -> Chart | None:
    if not len(values):
        return None
    counts, edges, beyond = histogram(values)
    median, most = np.quantile(values, [0.5, 0.95])
    marks = [
        {"at": float(median), "label": f"median {median:,.{digits}f} {unit}"},
        {"at": float(most), "label": f"95 % below {most:,.{digits}f} {unit}"},
    ]
    bars = [
        {"from": float(low), "to": float(high), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
        if count
    ]
    x = {
        **{"field": "from", "type": "quantitative", "title": unit},
        "scale": {"domain": [float(edges[0]), float(edges[-1])], "nice": False, "zero": False},
        "axis": {"grid": False, "tickCount": 8},
    }
    top = int(counts.max())
    y = {
        **{"field": "count", "type": "quantitative", "title": "SAFEs"},
        # Room above the bars for what is marked.
        "scale": {"domain": [0, top * 1.22], "nice": False},
        "axis": charts.whole(),
    }
    at = {**x, "field": "at"}
    text = {**{"type": "text", "align": "left", "dx": 5, "fontSize": 12}, "color": "var(--ink)"}
    middle = (edges[0] + edges[-1]) / 2
    layers = [
        {
            "data": charts.values(bars),
            "mark": {"type": "bar", "color": "var(--done)", "stroke": "var(--paper)"},
            "encoding": {"x": x, "x2": {"field": "to"}, "y": y, "y2": {"datum": 0}},
        },
        {
            "data": charts.values(marks),
            "mark": {"type": "rule", "color": "var(--ink)", "strokeDash": [5, 3]},
            "encoding": {"x": at},
        },
        *(
            {
                "data": charts.values([mark]),
                # On the side where there is room.
                "mark": text if mark["at"] < middle else {**text, "align": "right", "dx": -5},
                "encoding": {
                    "x": at,
                    "y": {"value": 8 + 17 * number},
                    "text": {"field": "label"},
                },
            }
            for number, mark in enumerate(marks)
        ),
    ]
    more = f" The last bar holds {beyond:,} above it." if beyond else ""
    return Chart(
        *(key, title),
        f"{len(values):,} SAFEs that are done. Median {median:,.{digits}f} {unit}, 95 % below "
        f"{most:,.{digits}f} {unit}, most {values.max():,.{digits}f} {unit}.{more}",
        charts.svg({**charts.SIZE, "layer": layers}),
        [f"from {unit}", f"to {unit}", "SAFEs"],
        [[f"{bar['from']:g}", f"{bar['to']:g}", bar["count"]] for bar in bars],
    )
