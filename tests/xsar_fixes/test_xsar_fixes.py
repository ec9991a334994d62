"""Each workaround: needed still, and a cure. Where the first half fails, the workaround can go."""

import re
from inspect import getattr_static
from pathlib import Path

import dask
import geopandas
import numpy as np
import pytest
import sentinel1_demo_scenes as demo
import shapely
import xarray as xr
import xsar
from independent import Grd
from plain_xsar import CAN_GO, opened
from pyproj import Geod
from safes import as_cog

from xsar_batch import xsar_fixes
from xsar_batch.failures import Unsupported
from xsar_batch.l1b import l1b
from xsar_batch.product import verify
from xsar_batch.product.netcdf import with_provenance
from xsar_batch.sentinel1 import safe as safe_check
from xsar_batch.xsar_fixes import ALWAYS, REPAIRS

# No multiple of 100 pixels, as with most real scenes.
SIZE = {"lines": 1230, "samples": 1560}
CELLS = (12, 15)
#: Lines of a product of IPF 2.36.
LINES_APART = {**SIZE, "line_spacing": 10.00479, "ipf": "002.36", "pols": ("VV",)}
RECIPE = {"resolution": "1000m", "function": "f", "land_mask": "GSHHG"}
LABELS = {"line": 100 * np.arange(CELLS[0]) + 49.5, "sample": 100 * np.arange(CELLS[1]) + 49.5}

#: What xsar fills through `map_blocks_coords`.
COORDS = (
    *("longitude", "latitude", "incidence", "elevation", "altitude", "offboresight"),
    *("slant_range_time", "azimuth_time"),
)

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    return demo.make_safe(tmp_path_factory.mktemp("sea"), **SIZE)


@pytest.fixture(scope="module")
def lines_apart(tmp_path_factory):
    return demo.make_safe(tmp_path_factory.mktemp("lines_apart"), **LINES_APART)


@pytest.fixture(scope="module")
def checkerboard(tmp_path_factory):
    return demo.make_safe(tmp_path_factory.mktemp("checkerboard"), **SIZE, pixels="checkerboard")


@pytest.fixture(scope="module", autouse=True)
def land(tmp_path_factory):
    """Land in the eastern half of the scene."""
    path = tmp_path_factory.mktemp("land") / "land.geojson"
    geopandas.GeoDataFrame(geometry=[shapely.box(-4.9, 48, -4, 49)], crs=4326).to_file(path)
    xsar.Sentinel1Meta.set_mask_feature("land", str(path))


@pytest.fixture
def plain():
    """xsar as it comes."""
    xsar_fixes.remove()
    yield
    xsar_fixes.apply()


@pytest.fixture
def cured():
    xsar_fixes.apply()


def one_by_one(safe, cell=100):
    """The values of plain xsar where neither fault shows: whole pixels, a variable at a time."""
    ds = opened(safe, {"line": cell, "sample": cell})
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


# -- dask keys ---------------------------------------------------------------------------------


def test_plain_xsar_mixes_up_variables(plain, safe):
    ds = opened(safe, {"line": 100, "sample": 100})
    one, other = dask.compute(ds["longitude"].data, ds["latitude"].data)
    assert np.array_equal(one, other), CAN_GO.format("unique_dask_names")


@pytest.mark.parametrize("resolution", ["1000m", {"line": 100, "sample": 100}])
def test_unique_names_give_each_variable_its_own_values(plain, safe, resolution):
    expected = one_by_one(safe)
    xsar_fixes.apply(repairs=False)
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


# -- labels ------------------------------------------------------------------------------------


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


#: Ways to open a SAFE. A user's function may compute factors; safe_s1 looks for an int, and nothing
#: else.
WAYS = {
    "a text": lambda safe: opened(safe, "1000m"),
    "an integer": lambda safe: opened(safe, 1000),
    "a float": lambda safe: opened(safe, 1000.0),
    "factors as floats": lambda safe: opened(safe, {"line": 100.0, "sample": 100.0}),
    "factors of numpy": lambda safe: opened(safe, dict.fromkeys(LABELS, np.int64(100))),
    "our own function": lambda safe: l1b(safe, "1000m"),
    "the notebook's call": lambda safe: xsar.open_dataset(str(safe), resolution="1000m"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whole_pixels_are_labelled_right(cured, checkerboard, way):
    ds = WAYS[way](checkerboard)
    assert ds["sigma0"].chunks is not None  # not computed yet
    ds = ds.load()
    assert mixed_cells(ds) == 0
    for dim, labels in LABELS.items():
        np.testing.assert_array_equal(ds[dim], labels)
    assert metres_off(ds, LABELS["line"], LABELS["sample"]) < 15
    assert (ds["lineSpacing"], ds["sampleSpacing"]) == (1000, 1000)


@pytest.mark.parametrize("resolution", ["504m", 504.0, "3m", {"line": 100, "sample": 100.5}])
def test_no_whole_pixels_are_refused(cured, safe, resolution):
    with pytest.raises(Unsupported, match=r"is no whole number of (10 m )?pixels"):
        opened(safe, resolution)


@pytest.mark.parametrize("resolution", ["1000m", 1000, {"line": 100, "sample": 100}])
def test_spacing_is_the_true_size_of_a_cell(cured, lines_apart, resolution):
    ds = opened(lines_apart, resolution)
    assert float(ds["lineSpacing"]) == pytest.approx(1000.479, abs=1e-9)
    assert float(ds["sampleSpacing"]) == 1000


def test_plain_xsar_repeats_the_resolution_as_spacing(plain, lines_apart):
    ds = opened(lines_apart, "1000m")
    assert float(ds["lineSpacing"]) == 1000, CAN_GO.format("whole_pixels")


def test_lines_that_are_not_exactly_ten_metres_apart(cured, lines_apart):
    """As before IPF 2.50: the nearest whole number of pixels, each position right."""
    ds = l1b(lines_apart, "1000m").load()
    checked = safe_check.check(lines_apart)
    verify.check_dataset(ds, checked, "1000m", flagged=True)
    attributes = with_provenance(ds, lines_apart.stem, checked.ipf, RECIPE, "").attrs
    assert attributes["cell_size_line"] == pytest.approx(1000.479, abs=1e-9)
    assert attributes["cell_size_sample"] == 1000
    truth = demo.Product(**LINES_APART).geometry.locate(
        LABELS["line"][:, None], LABELS["sample"][None]
    )
    place = [ds[name].transpose("line", "sample").values for name in ("longitude", "latitude")]
    off = Geod(ellps="WGS84").inv(*place, truth.longitude, truth.latitude)[2]
    assert off.max() < 15


def test_full_resolution_is_left_alone(cured, checkerboard):
    ds = opened(checkerboard, None)
    assert dict(ds["digital_number"].sizes) == {"pol": 2, "line": 1230, "sample": 1560}
    corner = ds["digital_number"].isel(line=slice(90, 110), sample=0).values
    assert sorted(set(corner.ravel())) == [100, 300]


# -- stripmap ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stripmap(tmp_path_factory):
    parameters = {"mode": "S4", "pols": ("HH",)}
    return demo.make_safe(tmp_path_factory.mktemp("stripmap"), **SIZE, **parameters)


def test_plain_xsar_cannot_open_stripmap(plain, stripmap):
    try:
        opened(stripmap, "1000m")
    except ValueError as error:
        assert "cannot call `vectorize` on size 0 inputs" in str(error)
    else:
        pytest.fail(CAN_GO.format("stripmap_without_merging"))


def test_stripmap_opens_as_a_whole_and_has_no_swaths(cured, stripmap):
    tree = xsar.open_datatree(str(stripmap), resolution="1000m")
    assert tree["swath_merging"].sizes == {"dim_azimuthTime": 0}
    assert (tree["recalibration"]["swath_number_flag"] == 0).all()
    measured = tree["measurement"].to_dataset().load()
    assert np.isfinite(measured["sigma0"].where(measured["quality_flag"] < 2, 0)).all()


# -- noise vectors -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """EW: its noise vectors differ in pixels, the first of them is one of the longer ones."""
    parameters = {"mode": "EW", "product": "GRDM", "pols": ("HV",)}
    return demo.make_safe(tmp_path_factory.mktemp("wide"), **SIZE, **parameters)


def noise_error(ds, safe, cell):
    image = Grd(safe, "HV")
    assert ds["noise_lut"].sizes == {"pol": 1, "line": 1230 // cell, "sample": 1560 // cell}
    return ds["noise_lut"].sel(pol="HV").values / image.mean_noise(40 * cell) - 1


def test_plain_xsar_takes_the_pixels_of_the_first_noise_vector_for_all(plain, wide):
    error = noise_error(one_by_one(wide, 25), wide, 25)
    assert np.isnan(error[:, -1]).all(), CAN_GO.format("noise_as_annotated")
    assert np.nanmax(abs(error)) > 0.2, CAN_GO.format("noise_as_annotated")


def test_noise_is_the_mean_of_what_is_annotated_for_the_pixels(cured, wide):
    whole = opened(wide, "1000m").load()
    assert abs(noise_error(whole, wide, 25)).max() < 1e-6
    # Computed in one piece, or chunk by chunk at full resolution.
    pixels = xsar.open_dataset(str(wide), chunks={"line": 500, "sample": 600})["noise_lut"]
    assert pixels.chunks is not None
    at = np.arange(3, 1230, 61)
    part = pixels.sel(pol="HV").transpose("line", "sample").isel(line=at)
    np.testing.assert_allclose(part, Grd(wide, "HV").noise(at), rtol=1e-6)


@pytest.fixture(scope="module")
def staggered(tmp_path_factory):
    """Sub-swaths begin and end one after the other."""
    parameters = {"pols": ("HV",), "edges": "staggered", "mode": "EW", "product": "GRDM"}
    return demo.make_safe(tmp_path_factory.mktemp("staggered"), **SIZE, **parameters)


def test_plain_xsar_blends_noise_with_zeros_of_other_lines(plain, staggered):
    image = Grd(staggered, "HV")
    inside = np.isfinite(image.mean_square(1000))
    error = noise_error(one_by_one(staggered, 25), staggered, 25)[inside]
    assert np.nanmin(error) < -0.5, CAN_GO.format("noise_as_annotated")


def test_noise_where_sub_swaths_begin_and_end(cured, staggered):
    ds = opened(staggered, "1000m").load().sel(pol="HV").transpose("line", "sample")
    valid = ds["quality_flag"].values == 0
    assert 0.5 < valid.mean() < 0.95
    image = Grd(staggered, "HV")
    noise = image.mean_noise(1000)
    np.testing.assert_allclose(ds["noise_lut"].values[valid], noise[valid], rtol=1e-6)
    sigma0 = image.sigma0(1000)
    np.testing.assert_allclose(ds["sigma0"].values[valid], sigma0[valid], rtol=1e-4)


def azimuth(ds, pol):
    return ds["noise_lut_azi"].sel(pol=pol).values


def test_plain_xsar_takes_the_azimuth_noise_of_the_last_polarisation_for_all(plain, safe):
    ds = one_by_one(safe)
    assert np.array_equal(azimuth(ds, "VV"), azimuth(ds, "VH")), CAN_GO.format("noise_as_annotated")


# -- all of them -------------------------------------------------------------------------------


def held():
    """Everything that a workaround replaces."""
    patches = [patch for module in (*ALWAYS, *REPAIRS) for patch in module.PATCHES]
    return [
        patch.owner[patch.name]
        if isinstance(patch.owner, dict)
        else getattr_static(patch.owner, patch.name)
        for patch in patches
    ]


def test_applying_twice_is_harmless(plain):
    untouched = held()
    xsar_fixes.apply()
    once = held()
    assert all(now is not before for now, before in zip(once, untouched, strict=True))
    xsar_fixes.apply()
    assert held() == once
    # One step back is all the way back: nothing was wrapped twice.
    xsar_fixes.remove()
    xsar_fixes.remove()
    assert held() == untouched


def test_every_workaround_is_applied_and_has_its_test():
    modules = {path.stem for path in Path(xsar_fixes.__file__).parent.glob("[a-z]*.py")} - {
        *("block_rms", "noise_means", "patch")
    }
    assert modules == set(xsar_fixes.apply())
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for module in modules:
        assert re.search(rf'(CAN_GO\.format\(\s*|^        \()"{module}"', tests, re.MULTILINE), (
            module
        )


# -- packed as COG -----------------------------------------------------------------------------


def test_plain_xsar_cannot_open_a_cog(plain, safe, tmp_path):
    with pytest.raises(IndexError):
        opened(as_cog(safe, tmp_path), "1000m")
        pytest.fail(CAN_GO.format("packed_as_cog"))


def test_a_cog_gives_the_values_of_the_safe_it_was_made_of(cured, safe, tmp_path):
    expected, found = opened(safe, "1000m"), opened(as_cog(safe, tmp_path), "1000m")
    assert set(found.variables) == set(expected.variables)
    for name, variable in expected.variables.items():
        np.testing.assert_array_equal(found[name].values, variable.values, err_msg=name)
    assert found.attrs["ipf_version"] == expected.attrs["ipf_version"] == 3.71
    assert found.attrs["aux_cal"] == expected.attrs["aux_cal"]
