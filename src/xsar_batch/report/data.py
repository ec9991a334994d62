"""The data of the page: all that it draws, as one JSON.

The page holds it, so it can be sent as one file; while a run is at work the same JSON stands beside
it too, for the page to load again (:mod:`xsar_batch.report.live`).
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xsar_batch import failures
from xsar_batch.batch import resources
from xsar_batch.conversion.layout import Layout
from xsar_batch.report import excerpts, footprint_map, quicklooks
from xsar_batch.report.footprint_map import Map
from xsar_batch.report.states import ADVICE, STATES

#: Columns of a prepared table that go into the page, by kind.
WORDS = (
    *("state", "class", "cause", "host", "pbs_job"),
    *("mission", "mode", "product_type", "polarisation"),
)
NUMBERS = (
    *("seconds", "cpu_seconds", "peak_memory_mb", "attempts", "product_bytes"),
    *("threads", "asked_mb", "asked_minutes"),
)
TIMES = ("started", "ended", "acquired")


def of(
    rows: pd.DataFrame,
    layout: Layout,
    links: Mapping[str, str],
    told: Mapping[str, Mapping[str, str]],
    live: Mapping[str, Any] | None = None,
    view: Map | None = None,
) -> tuple[dict[str, Any], Map]:
    """The data, and the map in them, to be handed in as ``view`` the next time.

    ``rows`` are a table :func:`.prepared` for it, ``links`` addresses
    of folders beside the page, ``told`` settings and versions, as they are shown. ``live`` says of
    a run that is at work when it ``began`` (s since 1970), how many SAFEs it has (``count``), and
    after how many seconds there will be new data (``pause``).
    """
    asked_for = rows["selected"] != "no"
    others, rows = int((~asked_for).sum()), rows[asked_for]
    drawn = footprint_map.draw(rows, view)
    there = quicklooks.there(layout)
    return {
        "made": round(pd.Timestamp.now("UTC").timestamp(), 3),
        "live": live,
        "output_dir": str(layout.output_dir),
        "others": others,
        "links": links,
        "states": {
            state: {"sign": sign, "meaning": text} for state, (sign, text) in STATES.items()
        },
        "classes": {
            name: {"exit_code": failures.EXIT_CODES.get(name), "advice": text}
            for name, text in ADVICE.items()
        },
        "columns": _columns(rows, drawn, there),
        "map": {
            "window": repr(drawn.window),
            **{"width": drawn.width, "height": drawn.height, "linear": drawn.linear},
            **{"land": drawn.land, "opacity": drawn.opacity, "trouble": drawn.trouble},
            "lines": [[line.path, line.label, line.left, line.top] for line in drawn.lines],
        },
        "excerpts": excerpts.of(rows, layout),
        "advice": _advice(rows),
        "quicklooks": [
            {"name": one.name, "data": one.data, "words": one.words}
            for one in quicklooks.newest(rows, layout, there)
        ],
        "told": told,
    }, drawn


def as_json(data: Mapping[str, Any]) -> str:
    """One line that may stand in a page: no text in it ends a script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A name on disk that is not UTF-8 comes as surrogates, which no file can hold.
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text).replace("<", "\\u003c")


def _columns(rows: pd.DataFrame, drawn: Map, there: set[str]) -> dict[str, Any]:
    names = rows.index.tolist()
    made: dict[str, Any] = {"name": names, "path": drawn.paths}
    made |= {column: _words(rows[column].tolist()) for column in WORDS}
    made |= {column: _numbers(rows[column]) for column in NUMBERS}
    made |= {column: _numbers(_since_1970(rows[column])) for column in TIMES}
    # Most are <folder>/<name>.SAFE: the folder is told once.
    safes = zip(rows["safe"], names, strict=True)
    made["safe"] = _words([safe.replace(name, "*") for safe, name in safes])
    made["quicklook"] = [int(name in there) for name in names]
    return made


def _words(texts: Sequence[str]) -> dict[str, Any]:
    """Each text once, and for every row its place among them."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return {"of": list(places), "at": [places[text] for text in texts]}


def _numbers(values: pd.Series) -> list[float | None]:
    """Whole ones without a point: half the size."""
    given = values.to_numpy(float)
    return [
        None if not math.isfinite(value) else int(value) if value == int(value) else value
        for value in np.round(given, 2).tolist()
    ]


def _since_1970(times: pd.Series) -> pd.Series:
    """Seconds, NaN where no time is known."""
    return (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)


def _advice(rows: pd.DataFrame) -> list[str]:
    """Lines for a profile; none where nothing was measured."""
    measured = rows.loc[rows["state"] == "done", ["state", "seconds", "peak_memory_mb"]].dropna()
    return list(resources.lines(measured.to_dict("records"))) if len(measured) else []
