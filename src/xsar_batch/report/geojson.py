"""``status.geojson``: the footprints of all SAFEs with the state of each, for QGIS and others.

GeoJSON has no colours of its own. Features carry those of simplestyle-spec 1.1.0
(https://github.com/mapbox/simplestyle-spec), which web maps know; QGIS takes its style
from ``status.qml`` beside it.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xsar_batch.report import footprints
from xsar_batch.report.states import COLOURS
from xsar_batch.system import atomic_write

#: Columns that become properties.
PROPERTIES = (
    *("name", "state", "class", "cause", "seconds", "cpu_seconds", "peak_memory_mb", "attempts"),
    *("ended", "host", "pbs_job", "safe"),
)

_STYLE = Path(__file__).parent / "assets" / "status.qml"


def write(file: Path, rows: pd.DataFrame) -> None:
    """Write a feature for each row of a prepared table, and the style beside it.

    One without a footprint has no geometry. One across ±180° is cut in two there (RFC 7946, 3.1.9).
    """
    found = footprints.read(rows["footprint"].tolist())
    parts: dict[int, list[Any]] = {}
    for ring, owner in zip(_cut(found.rings), found.owners.tolist(), strict=True):
        parts.setdefault(owner, []).extend(ring)
    table = rows.reset_index(names="name")[list(PROPERTIES)].astype(object)
    table["ended"] = rows["ended"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy()
    table = table.where(table.notna(), None)
    features = [
        json.dumps(_feature(known, parts.get(row)), ensure_ascii=False)
        for row, known in enumerate(table.to_dict("records"))
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    atomic_write.write_text(file, text.encode("utf-8", "replace").decode())
    atomic_write.write_text(file.with_suffix(".qml"), _STYLE.read_text(encoding="utf-8"))


def _cut(rings: np.ndarray) -> list[list[Any]]:
    """Polygons whose longitudes go on across ±180°, as polygons within it."""
    made = []
    for ring in rings:
        west, _, east, _ = ring.bounds
        pieces = []
        for turn in (-360, 0, 360):
            if west < 180 + turn and east > -180 + turn:
                inside = shapely.clip_by_rect(ring, -180 + turn, -90, 180 + turn, 90)
                moved = shapely.transform(inside, lambda at, turn=turn: at - np.array([turn, 0]))
                pieces += [part for part in shapely.get_parts(moved) if part.area > 0]
        made.append(pieces)
    return made


def _feature(known: dict[str, Any], pieces: list[Any] | None) -> dict[str, Any]:
    geometry = None
    if pieces:
        # Outer rings run against the clock.
        shapes = [shapely.orient_polygons(piece) for piece in pieces]
        shape = shapes[0] if len(shapes) == 1 else shapely.MultiPolygon(shapes)
        geometry = shapely.geometry.mapping(shape)
    colour = COLOURS[known["state"]]
    known |= {"fill": colour, "fill-opacity": 0.3, "stroke": colour}
    return {"type": "Feature", "properties": known, "geometry": geometry}
