"""Each workaround: needed still, and a cure. Where the first half fails, the workaround can go."""

from pathlib import Path

import dask
import geopandas
import numpy as np
import pytest
import safe_s1.reader
import shapely
import xarray as xr
import xsar
from pyproj import Geod
from safe_s1.reader import Sentinel1Reader
from safe_s1.xml_parser import XmlParser

from xsar_batch import demo, workarounds
from xsar_batch.failures import Unsupported
from xsar_batch.l1b import l1b
from xsar_batch.workarounds import positions_at_once, unique_dask_names

# No multiple of 100 pixels, as with most real scenes.
SIZE = {"lines": 1230, "samples": 1560}
CELLS = (12, 15)
LABELS = {"line": 100 * np.arange(CELLS[0]) + 49.5, "sample": 100 * np.arange(CELLS[1]) + 49.5}

#: What xsar fills through `map_blocks_coords`.
COORDS = (
    *("longitude", "latitude", "incidence", "elevation", "altitude", "offboresight"),
    *("slant_range_time", "azimuth_time"),
)

CAN_GO = "plain xsar is right now: the workaround {} can go, and this test with it"

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    return demo.make_safe(tmp_path_factory.mktemp("sea"), **SIZE)


@pytest.fixture(scope="module")
def checkerboard(tmp_path_factory):
    return demo.make_safe(tmp_path_factory.mktemp("checkerboard"), **SIZE, pixels="checkerboard")


@pytest.fixture(scope="module", autouse=True)
def land(tmp_path_factory):
    """Land in the eastern half of the scene."""
    path = tmp_path_factory.mktemp("land") / "land.geojson"
    geopandas.GeoDataFrame(geometry=[shapely.box(-4.9, 48, -4, 49)], crs=4326).to_file(path)
    xsar.Sentinel1Meta.set_mask_feature("land", str(path))


@pytest.fixture(autouse=True)
def threads():
    with dask.config.set(scheduler="threads", num_workers=1):
        yield


@pytest.fixture
def plain():
    """xsar as it comes."""
    workarounds.remove()
    yield
    workarounds.apply()


@pytest.fixture
def cured():
    workarounds.apply()


def opened(safe, resolution):
    return xsar.open_datatree(str(safe), resolution=resolution)["measurement"].to_dataset()


def one_by_one(safe):
    """The values of plain xsar where neither fault shows: whole pixels, a variable at a time."""
    ds = opened(safe, {"line": 100, "sample": 100})
    return {name: variable.load() for name, variable in ds.data_vars.items()}


def mixed_cells(ds):
    """Cells of the checkerboard that hold pixels of both kinds."""
    i, j = np.indices(CELLS)
    pure = np.array(demo.CHECKERBOARD_VALUES)[(i + j) % 2]
    return int((ds["digital_number"].transpose("pol", "line", "sample").values != pure).sum())


def metres_off(ds, lines, samples):
    """Largest distance of positions from where the scene has those pixels."""
    truth = demo.Product(**SIZE).geometry.locate(lines[:, None], samples[None, :])
    place = [ds[name].transpose("line", "sample").values for name in ("longitude", "latitude")]
    return Geod(ellps="WGS84").inv(*place, truth.longitude, truth.latitude)[2].max()


# -- P1: dask keys -----------------------------------------------------------------------------


def test_plain_xsar_mixes_up_variables(plain, safe):
    ds = opened(safe, {"line": 100, "sample": 100})
    one, other = dask.compute(ds["longitude"].data, ds["latitude"].data)
    assert np.array_equal(one, other), CAN_GO.format("unique_dask_names")


@pytest.mark.parametrize("resolution", ["1000m", {"line": 100, "sample": 100}])
def test_unique_names_give_each_variable_its_own_values(plain, safe, resolution):
    expected = one_by_one(safe)
    workarounds.apply(repairs=False)
    ds = opened(safe, resolution).load()
    assert set(ds.data_vars) == set(expected)
    assert {name for name in COORDS if name in expected} == set(COORDS)
    for name, variable in expected.items():
        # Spacings are scalars that depend on how the resolution was given.
        if variable.ndim and variable.dtype.kind in "fiuM":
            assert ds[name].dtype == variable.dtype, name
            assert ds[name].values.tobytes() == variable.values.tobytes(), name
    different = {ds[name].values.tobytes() for name in COORDS}
    assert len(different) == len(COORDS)
    assert set(np.unique(ds["land_mask"])) == {0, 1}


def test_unique_names_of_two_products_at_once(cured, safe, checkerboard):
    # In one graph they would collide as the variables of one do.
    first, second = (opened(one, "1000m") for one in (safe, checkerboard))
    expected = [first["sigma0"].load().values.copy(), second["sigma0"].load().values.copy()]
    pair = [opened(one, "1000m")["sigma0"].data for one in (safe, checkerboard)]
    for found, wanted in zip(dask.compute(*pair), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


# -- P2: labels --------------------------------------------------------------------------------


def test_plain_xsar_mislabels_cells(plain, checkerboard):
    ds = opened(checkerboard, "1000m")
    # It averages all 1230 lines into 12 cells ...
    lines, samples = (
        (np.arange(count) + 0.5) * length / count - 0.5
        for count, length in zip(CELLS, SIZE.values(), strict=True)
    )
    assert mixed_cells(ds) > 0, CAN_GO.format("whole_pixels")
    # ... and says that they are of 100.
    ds = ds[["longitude", "latitude"]]
    loaded = xr.Dataset({name: variable.load() for name, variable in ds.items()})
    assert metres_off(loaded, lines, samples) > 200, CAN_GO.format("whole_pixels")


@pytest.mark.parametrize("resolution", ["1000m", 1000, 1000.0])
def test_whole_pixels_are_labelled_right(cured, checkerboard, resolution):
    ds = opened(checkerboard, resolution).load()
    assert mixed_cells(ds) == 0
    for dim, labels in LABELS.items():
        np.testing.assert_array_equal(ds[dim], labels)
    assert metres_off(ds, LABELS["line"], LABELS["sample"]) < 15


@pytest.mark.parametrize("factor", [100.0, np.int64(100)])
def test_factors_of_another_type_are_labelled_right_too(cured, checkerboard, factor):
    # A user's function may compute them; safe_s1 looks for an int and nothing else.
    ds = opened(checkerboard, {"line": factor, "sample": factor})
    assert mixed_cells(ds) == 0


def test_scene_of_whole_cells(cured, tmp_path):
    safe = demo.make_safe(tmp_path, lines=1200, samples=1500, pixels="checkerboard")
    assert mixed_cells(opened(safe, "1000m")) == 0


@pytest.mark.parametrize("resolution", ["1005m", 1005.0, "3m", {"line": 100, "sample": 100.5}])
def test_no_whole_pixels_are_refused(cured, safe, resolution):
    with pytest.raises(Unsupported, match=r"is no whole number of (10 m )?pixels"):
        opened(safe, resolution)


def test_our_own_function_is_right(cured, checkerboard):
    ds = l1b(checkerboard, "1000m")
    assert ds["sigma0"].chunks is not None  # not computed yet
    ds = ds.load()
    assert mixed_cells(ds) == 0
    assert metres_off(ds, LABELS["line"], LABELS["sample"]) < 15


def test_the_notebooks_call_is_right(cured, checkerboard):
    ds = xsar.open_dataset(str(checkerboard), resolution="1000m").load()
    assert mixed_cells(ds) == 0
    assert metres_off(ds, LABELS["line"], LABELS["sample"]) < 15
    assert (ds["lineSpacing"], ds["sampleSpacing"]) == (1000, 1000)


def test_full_resolution_is_left_alone(cured, checkerboard):
    ds = opened(checkerboard, None)
    assert dict(ds["digital_number"].sizes) == {"pol": 2, "line": 1230, "sample": 1560}
    corner = ds["digital_number"].isel(line=slice(90, 110), sample=0).values
    assert sorted(set(corner.ravel())) == [100, 300]


# -- all of them -------------------------------------------------------------------------------


def held():
    """Everything that a workaround replaces."""
    functions = [module.map_blocks_coords for module in unique_dask_names.HOLDERS]
    properties = [vars(owner)[name] for owner, name in positions_at_once.REPLACED]
    return [
        *functions,
        *properties,
        Sentinel1Reader.load_digital_number,
        safe_s1.reader.rasterio,
        XmlParser.getroot,
    ]


def test_applying_twice_is_harmless(plain):
    untouched = held()
    workarounds.apply()
    once = held()
    assert all(now is not before for now, before in zip(once, untouched, strict=True))
    workarounds.apply()
    assert held() == once
    # One step back is all the way back: nothing was wrapped twice.
    workarounds.remove()
    workarounds.remove()
    assert held() == untouched


def test_every_workaround_is_applied_and_has_its_test():
    modules = {path.stem for path in Path(workarounds.__file__).parent.glob("[a-z]*.py")}
    assert modules == set(workarounds.apply())
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_30_*.py"))
    for module in modules:
        assert f'CAN_GO.format("{module}")' in tests
