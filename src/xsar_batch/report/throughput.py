"""Throughput over time: how many SAFEs ended when, run by run.

A table knows the last attempt of each SAFE alone, so an earlier one that failed is not in it. Runs
are told apart by the time between them in which nothing ended. Each gets a panel as wide as it
took long: weeks without a run are a gap between panels and not an empty chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xsar_batch.report import charts
from xsar_batch.report.charts import Chart
from xsar_batch.report.states import STATES

#: A pause longer than this, and than this share of what is left without it, parts two runs.
PAUSE = np.timedelta64(3, "h")
SHARE = 0.2

#: At most so many panels; beyond that the shortest pauses do not count.
PANELS = 6

#: Bars are this wide; the first width is taken that gives at most `BARS` of them, all runs
#: together.
WIDTHS = tuple(
    pd.Timedelta(minutes=m)
    for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 30 * 1440)
)
BARS = 72

#: Width of the panel of the shortest run.
NARROWEST = 76


@dataclass(frozen=True)
class Panel:
    """A run: when it began and ended, in whole bars, and counts of states for each bar."""

    begin: pd.Timestamp
    end: pd.Timestamp
    counts: pd.DataFrame


def chart(table: pd.DataFrame) -> Chart | None:
    """SAFEs that ended, by time; None where no time is known."""
    ended = table.loc[
        table["ended"].notna() & table["state"].isin(["done", "failed"]), ["ended", "state"]
    ]
    if ended.empty:
        return None
    width, panels = split(ended)
    shown = [state for state in STATES if (ended["state"] == state).any()]
    busiest = max(int(panel.counts.to_numpy().sum(axis=1).max()) for panel in panels)
    rooms = _rooms([len(panel.counts) for panel in panels])
    drawn = [
        _drawn(panel, width, shown, busiest, room, first=number == 0)
        for number, (panel, room) in enumerate(zip(panels, rooms, strict=True))
    ]
    text = said(width)
    per_hour = busiest / (width / pd.Timedelta(hours=1))
    runs = "one run" if len(panels) == 1 else f"{len(panels)} runs, the time between left out"
    return Chart(
        *("throughput", "When they were processed"),
        f"SAFEs whose last attempt ended in each {text}, UTC; {runs}. At best {busiest:,} in a "
        f"bar, or {per_hour:,.0f} an hour.",
        charts.svg({"hconcat": drawn}),
        ["from (UTC)", *shown],
        [
            [f"{at:%Y-%m-%d %H:%M}", *row]
            for panel in panels
            for at, *row in panel.counts[shown].itertuples()
            if sum(row)
        ],
    )


def split(ended: pd.DataFrame) -> tuple[pd.Timedelta, list[Panel]]:
    """The width of a bar, and the runs: of rows with the columns ``ended`` and ``state``."""
    ended = ended.sort_values("ended")
    times = ended["ended"].to_numpy("datetime64[ns]")
    cuts = np.sort(_pauses(times)) + 1
    parts = [
        ended.iloc[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(ended)], strict=True)
    ]
    for width in WIDTHS:
        panels = [_panel(part, width) for part in parts]
        if sum(len(panel.counts) for panel in panels) <= BARS:
            break
    return width, panels


def _pauses(times: np.ndarray) -> np.ndarray:
    """After which of the times a run has ended, the longest pause first."""
    pauses = np.diff(times)
    longest = np.argsort(-pauses.astype(np.int64), kind="stable")[: PANELS - 1]
    left = (times[-1] - times[0]) - np.cumsum(pauses[longest])
    parting = (pauses[longest] > PAUSE) & (pauses[longest] > left * SHARE)
    # A pause that is not left out counts for the shorter ones as well.
    return longest[np.logical_and.accumulate(parting)]


def _panel(part: pd.DataFrame, width: pd.Timedelta) -> Panel:
    # Whole bars of the clock: 10:00, 10:30.
    at = part["ended"].dt.floor(width)
    # More than can be shown are not counted out: the width will be another one.
    every = pd.date_range(at.min(), at.max(), freq=width)[: 10 * BARS]
    counts = pd.crosstab(at, part["state"]).reindex(index=every, columns=list(STATES), fill_value=0)
    return Panel(every[0], every[-1] + width, counts)


def _rooms(bars: Sequence[int]) -> list[float]:
    """Widths of panels: as wide as long, but for room for a date."""
    room = charts.PLOT - charts.SPACING * (len(bars) - 1)
    narrow = {place for place, count in enumerate(bars) if room * count / sum(bars) < NARROWEST}
    left = room - NARROWEST * len(narrow)
    wide = sum(count for place, count in enumerate(bars) if place not in narrow)
    return [
        NARROWEST if place in narrow else left * count / wide for place, count in enumerate(bars)
    ]


def _drawn(
    panel: Panel,
    width: pd.Timedelta,
    shown: Sequence[str],
    busiest: int,
    room: float,
    first: bool,
) -> dict:
    rows = [
        {**row, "end": str(pd.Timestamp(row["begin"]) + width)}
        for row in charts.stacked(panel.counts, "begin")
    ]
    begin, end = (str(at) for at in (panel.begin, panel.end))
    hours = (panel.end - panel.begin) < pd.Timedelta(days=2)
    y_axis = {**charts.whole(), "labels": first, "ticks": first, "domain": first}
    return {
        "width": room,
        "height": charts.HEIGHT,
        "data": charts.values(rows),
        "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 0.5, "clip": False},
        "encoding": {
            "x": {
                **{"field": "begin", "type": "temporal", "title": f"{panel.begin:%d %b %Y}"},
                "scale": {"domain": [begin, end], "type": "utc", "nice": False},
                "axis": {
                    # No more than bars: two in a minute would have the same label.
                    **{"tickCount": max(min(int(room / 80), len(panel.counts)), 1)},
                    **{"titleAnchor": "start"},
                    **{"format": "%H:%M" if hours else "%d %b", "grid": False},
                    **{"labelOverlap": True, "labelFlush": True},
                },
            },
            "x2": {"field": "end"},
            "y": {
                **{"field": "low", "type": "quantitative", "title": "SAFEs" if first else None},
                **{"scale": {"domain": [0, busiest]}, "axis": y_axis},
            },
            "y2": {"field": "high"},
            "color": charts.colour(shown),
        },
    }


def said(width: pd.Timedelta) -> str:
    """A width in words: 30 minutes."""
    minutes = int(width / pd.Timedelta(minutes=1))
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            count = minutes // size
            return word if count == 1 else f"{count} {word}s"
    raise AssertionError(width)
