"""``status.geojson``: what GDAL, and so QGIS, reads in it."""

import geopandas
import pandas as pd
import pytest
import shapely

from xsar_batch.report import geojson, status_table
from xsar_batch.sentinel1 import footprint

BRITTANY = "POLYGON ((-6 47, -3 47.4, -3.4 49, -6.4 48.6, -6 47))"
CORNERS = [(178.5, -18), (-179, -17.6), (-179.4, -16), (178.1, -16.4)]


def test_gdal_reads_states_and_footprints(tmp_path):
    names = ["a", "b", "c"]
    rows = pd.DataFrame(
        {
            "state": ["done", "failed", "pending"],
            "footprint": [BRITTANY, footprint.wkt(CORNERS), ""],
            "seconds": [1.5, None, None],
            "ended": ["2026-11-25T10:00:00+00:00", "", ""],
        },
        index=pd.Index(names, name="name"),
    )
    file = tmp_path / "status.geojson"
    geojson.write(file, status_table.prepared(rows))
    read = geopandas.read_file(file).set_index("name")
    assert read["state"].tolist() == ["done", "failed", "pending"]
    assert read.loc["a", "seconds"] == 1.5 and pd.isna(read.loc["b", "seconds"])
    assert read.loc["a"].geometry.area == pytest.approx(shapely.from_wkt(BRITTANY).area)
    assert read.loc["c"].geometry is None
    halves = read.loc["b"].geometry
    # In two at 180 degrees, as RFC 7946 has it, and together as large as before.
    assert halves.geom_type == "MultiPolygon" and len(halves.geoms) == 2
    assert sorted(part.bounds[0] > 0 for part in halves.geoms) == [False, True]
    assert halves.bounds[0] == -180 and halves.bounds[2] == 180
    whole = shapely.Polygon([(x % 360, y) for x, y in CORNERS])
    assert halves.area == pytest.approx(whole.area, rel=1e-4)
    # QGIS colours by these.
    style = (tmp_path / "status.qml").read_text()
    assert all(f'value="{state}"' in style for state in ("done", "failed", "running", "pending"))
