"""Charts as SVG, drawn by Vega-Lite when the report is made.

The page needs no library then: it holds finished drawings, sharp on paper, whose colours follow
the page from light to dark since they are its CSS variables. ``vl-convert-python`` holds Vega-Lite,
asks no network, and needs no browser.
"""

import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xsar_batch.report.states import STATES, fill

#: Width of a chart as it is drawn, of its plot without an axis, and height of the plot; the page
#: fits it to its column.
WIDTH, PLOT, HEIGHT = 640, 592, 220

#: Between panels of one chart.
SPACING = 12

#: Of a chart of one panel.
SIZE = {
    "width": WIDTH,
    "height": HEIGHT + 40,
    "autosize": {"type": "fit", "contains": "padding"},
}

_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **{"labelColor": "var(--soft)", "titleColor": "var(--soft)", "titleFontWeight": "normal"},
        **{"labelFontSize": 12, "titleFontSize": 12, "domainColor": "var(--line)"},
        **{"tickColor": "var(--line)", "gridColor": "var(--line)", "gridOpacity": 0.6},
    },
    "bar": {"discreteBandSize": {"band": 0.86}},
    "concat": {"spacing": SPACING},
}


@dataclass(frozen=True)
class Chart:
    """A drawing, the sentence that says what it shows, and the same as numbers."""

    key: str
    title: str
    sentence: str
    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def can_be_drawn() -> bool:
    """Whether there is no limit to addresses (``ulimit -v``).

    V8, in which Vega-Lite runs, sets aside more of them than there is memory, and ends the process
    where it may not: with 16 GB as well.
    """
    return resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def svg(spec: Mapping[str, Any]) -> str:
    """The drawing of a Vega-Lite specification, without its own size, for within a page."""
    # Here, since it takes 0.5 s and only a report needs it.
    import vl_convert

    drawn = vl_convert.vegalite_to_svg({"config": _CONFIG, **spec})
    # The page tells what it is; readers of the screen get the numbers as a table.
    return drawn.replace("<svg ", '<svg role="presentation" aria-hidden="true" ', 1)


def values(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"values": list(rows)}


def stacked(counts: pd.DataFrame, key: str) -> list[dict[str, Any]]:
    """A row for each part of a bar: ``key``, state, and from where to where it reaches."""
    rows = []
    for at, row in zip(counts.index, counts[list(STATES)].to_dict("records"), strict=True):
        reached = 0
        for state, count in row.items():
            if count:
                rows.append({key: str(at), "state": state, "low": reached, "high": reached + count})
            reached += count
    return rows


def colour(states: Iterable[str]) -> dict[str, Any]:
    """The encoding of states by colour and pattern. The page has the legend."""
    shown = list(states)
    scale = {"domain": shown, "range": [fill(state) for state in shown]}
    return {"field": "state", "type": "nominal", "scale": scale, "legend": None}


def by_month(counts: pd.DataFrame) -> Chart | None:
    """States by month of the acquisition, of :func:`xsar_batch.report.summary.by_month`."""
    if not len(counts):
        return None
    shown = [state for state in STATES if counts[state].any()]
    # Labels for a dozen months, whatever the number of bars.
    every = -(-len(counts) // 12)
    labelled = list(counts.index[::every])
    spec = {
        **SIZE,
        "data": values(stacked(counts, "month")),
        "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 0.5},
        "encoding": {
            "x": {
                **{"field": "month", "type": "ordinal", "title": None},
                "scale": {"domain": list(counts.index)},
                "axis": {"labelAngle": 0, "values": labelled, "labelOverlap": True},
            },
            "y": {"field": "low", "type": "quantitative", "title": "SAFEs", "axis": whole()},
            "y2": {"field": "high"},
            "color": colour(shown),
        },
    }
    first, last = counts.index[0], counts.index[-1]
    return Chart(
        *("months", "When they were acquired"),
        f"SAFEs by month of acquisition, {first} to {last}.",
        svg(spec),
        ["month", *shown, "total"],
        [[at, *row] for at, *row in counts[[*shown, "total"]].itertuples()],
    )


def whole() -> dict[str, Any]:
    """An axis of counts: no half SAFEs."""
    return {"tickMinStep": 1, "tickCount": 5, "format": ",d"}
