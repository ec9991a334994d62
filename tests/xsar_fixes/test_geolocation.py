"""Land, heading, control points and footprints, by the positions that a product has."""

import geopandas
import numpy as np
import pyproj
import pytest
import sentinel1_demo_scenes as demo
import shapely
import xsar
from plain_xsar import CAN_GO, opened
from rasterio.transform import GCPTransformer

from xsar_batch import xsar_fixes
from xsar_batch.landmask import gshhg
from xsar_batch.sentinel1 import footprint
from xsar_batch.xsar_fixes.heading_of_positions import bearing

WIDE = {"mode": "EW", "product": "GRDM", "spacing": 400.0, "lines": 1000, "samples": 1000}
SCENES = {
    "Brittany": {"longitude": -4.6, "latitude": 48.4, "lines": 2000, "samples": 3000},
    "Svalbard": {"longitude": 18.0, "latitude": 79.5, **WIDE},
    "Ross Sea": {"longitude": 179.9, "latitude": -77.0, "orbit_pass": "Descending", **WIDE},
}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def coast(tmp_path_factory):
    """GSHHG at full resolution near the scenes."""
    world = gshhg.read("f", (1, 5))
    boxes = [shapely.box(-8, 46, 0, 51), shapely.box(-10, 74, 45, 84)]
    boxes += [shapely.box(160, -84, 180, -70), shapely.box(-180, -84, -160, -70)]
    is_near = shapely.intersects(shapely.envelope(world), shapely.union_all(boxes))
    near = shapely.make_valid(world[is_near])
    cut = [part for box in boxes for part in shapely.intersection(near, box) if not part.is_empty]
    path = tmp_path_factory.mktemp("land") / "land.fgb"
    geopandas.GeoDataFrame(geometry=cut, crs=4326).to_file(path)
    return path, np.array(cut)


@pytest.fixture(scope="module", params=SCENES)
def made(request, coast, tmp_path_factory):
    """A scene as plain xsar has it, and repaired."""
    folder = tmp_path_factory.mktemp("scene")
    path = demo.make_safe(folder, pixels="checkerboard", pols=("VV",), **SCENES[request.param])
    xsar.Sentinel1Meta.set_mask_feature("land", str(coast[0]))
    found = []
    for repairs in (False, True):
        xsar_fixes.apply(repairs)
        size = "1000m" if request.param == "Brittany" else "4000m"
        found.append(opened(path, size).load())
    return path, *found


def places(ds):
    return ds["longitude"].values, ds["latitude"].values


def test_land_is_where_the_centres_of_cells_are(made, coast):
    _, plain, ds = made
    longitude, latitude = places(ds)
    tree = shapely.STRtree(coast[1])
    centres = shapely.points(longitude.ravel(), latitude.ravel())
    land = np.zeros(longitude.size, bool)
    land[tree.query(centres, predicate="intersects")[0]] = True
    land = land.reshape(longitude.shape)
    assert 0.05 < land.mean() < 0.95
    np.testing.assert_array_equal(ds["land_mask"], land)
    assert (plain["land_mask"].values != land).mean() > 0.001, CAN_GO.format("land_at_cell_centres")


def apart(one, other):
    return np.abs((one - other + 180) % 360 - 180)


def test_heading_is_the_bearing_from_line_to_line(made):
    _, plain, ds = made
    longitude, latitude = places(ds)
    before, after = (longitude[:-2], latitude[:-2]), (longitude[2:], latitude[2:])
    ahead, back, _ = pyproj.Geod(ellps="WGS84").inv(*before, *after)
    halfway = ahead + ((back + 180 - ahead + 180) % 360 - 180) / 2
    assert apart(ds["ground_heading"].values[1:-1], halfway).max() < 0.01
    off = apart(plain["ground_heading"].values[1:-1], halfway).max()
    assert off > 0.1, CAN_GO.format("heading_of_positions")


@pytest.mark.parametrize("latitude", [-85.0, -40.0, 0.0, 60.0, 85.0])
def test_bearing_is_that_of_the_geodesic(latitude):
    towards = np.arange(0.0, 360.0, 15)
    start = np.full(24, 179.999), np.full(24, latitude)
    longitude, to, back = pyproj.Geod(ellps="WGS84").fwd(*start, towards, np.full(24, 2000.0))
    halfway = towards + ((back + 180 - towards + 180) % 360 - 180) / 2
    assert apart(bearing(*start, longitude, to), halfway).max() < 0.001


def metres_off(ds):
    """Where a thin plate spline through the control points has the centres of cells."""
    longitude, latitude = places(ds)
    points = ds.rio.get_gcps()
    rows, columns = np.indices(longitude.shape)
    with GCPTransformer(points, tps=True) as spline:
        x, y = map(np.array, spline.xy(rows.ravel(), columns.ravel(), offset="center"))
    _, _, off = pyproj.Geod(ellps="WGS84").inv(x, y, longitude.ravel(), latitude.ravel())
    return off


def test_control_points_are_those_of_the_cells(made):
    _, plain, ds = made
    if np.ptp(ds["longitude"].values) > 180:
        pytest.skip("a spline does not know that longitudes jump at 180 degrees")
    off = metres_off(ds)
    print(f"median {np.median(off):.1f} m, largest {off.max():.1f} m")
    cell = 1000 if ds.sizes["line"] == 20 else 4000
    assert np.median(off) < 0.02 * cell and off.max() < 0.15 * cell
    assert np.median(metres_off(plain)) > 0.6 * cell, CAN_GO.format("control_points_of_grid")


def test_footprint_across_180_degrees_is_in_two_parts(made):
    path, _, ds = made
    shape = shapely.from_wkt(footprint.of(path))
    crosses = np.ptp(ds["longitude"].values) > 180
    assert shape.is_valid and shape.geom_type == ("MultiPolygon" if crosses else "Polygon")
    west, _, east, _ = shape.bounds
    assert (west, east) == (-180, 180) if crosses else east - west < 60
    assert shape.area == pytest.approx(shapely.from_wkt(ds.attrs["footprint"].wkt).area, rel=0.1)
