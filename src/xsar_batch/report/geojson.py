"""``status.geojson``: the footprints of all SAFEs with the state of each, for QGIS and others.

GeoJSON has no colours of its own. Features carry those of simplestyle-spec 1.1.0
(https://github.com/mapbox/simplestyle-spec), which web maps know; QGIS takes its style
from ``status.qml`` beside it.
"""

import json
from pathlib import Path
from typing import Any

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

    One without a footprint has no geometry. Those across ±180° come cut in two (RFC 7946, 3.1.9).
    """
    # Outer rings run against the clock.
    shapes = shapely.orient_polygons(footprints.shapes(rows["footprint"]))
    table = rows.reset_index(names="name")[list(PROPERTIES)].astype(object)
    table["ended"] = rows["ended"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy()
    table = table.where(table.notna(), None)
    features = [
        json.dumps(_feature(known, shape), ensure_ascii=False)
        for known, shape in zip(table.to_dict("records"), shapes, strict=True)
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    atomic_write.write_text(file, text.encode("utf-8", "replace").decode())
    atomic_write.write_text(file.with_suffix(".qml"), _STYLE.read_text(encoding="utf-8"))


def _feature(known: dict[str, Any], shape: Any) -> dict[str, Any]:
    geometry = None if shape is None else shapely.geometry.mapping(shape)
    colour = COLOURS[known["state"]]
    known |= {"fill": colour, "fill-opacity": 0.3, "stroke": colour}
    return {"type": "Feature", "properties": known, "geometry": geometry}
