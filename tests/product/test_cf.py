"""The form of a product: what CF asks for, with all that xsar says kept."""

import json
import signal
import subprocess
import sys

import dask
import geopandas
import netCDF4
import numpy as np
import pytest
import rioxarray
import sentinel1_demo_scenes as demo
import shapely
import xarray as xr
import xsar
from safes import high_priority_issues
from shapely import wkt

from xsar_batch.l1b import l1b
from xsar_batch.product import cf, netcdf, verify
from xsar_batch.product.variables import names

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")

#: Attributes that may change, and how: everything else stays, to the last letter.
ALLOWED = {
    "footprint": lambda before, after: wkt.loads(after).equals(before),
    "comment": lambda before, after: before == f"denoised digital number, {after}",
    "multidataset": lambda before, after: after == int(before) and after.dtype == "int8",
    "units": lambda before, after: (before, after) in {("Degrees", "degree"), ("linear", "1")},
    "gcps": lambda before, after: points(before) == points(after),
    # Without the local path; of the cells, 61 by 103 of 200 m, not of the image.
    "name": lambda before, after: before.endswith(after.removeprefix("SENTINEL1_DS:")),
    "coverage": lambda before, after: after == "12km * 21km (line * sample )",
}

RECIPE = {"resolution": "1000m", "function": "xsar_batch.l1b:l1b", "land_mask": "GSHHG 2.3.6"}


def points(gcps):
    """Ground control points without their names."""
    found = json.loads(gcps)["features"]
    for point in found:
        del point["properties"]["id"]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cf")


@pytest.fixture(scope="module")
def converted(folder):
    """xsar's Dataset, loaded, of a scene with land; and a second conversion of the same."""
    land = folder / "land.geojson"
    geopandas.GeoDataFrame(geometry=[shapely.box(-4.9, 48, -4, 49)], crs=4326).to_file(land)
    xsar.Sentinel1Meta.set_mask_feature("land", str(land))
    # Cells enough for what is two-dimensional to be worth compressing.
    safe = demo.make_safe(folder, lines=1230, samples=2060)
    with dask.config.set(scheduler="threads", num_workers=1):
        return l1b(safe, "200m").load(), l1b(safe, "200m").load()


@pytest.fixture
def raw(converted):
    return converted[0].copy(deep=True)


@pytest.fixture(scope="module")
def conformed(converted):
    ds = cf.conform(converted[0].copy(deep=True))
    return netcdf.with_provenance(ds, "S1A_X", "003.71", RECIPE, "whole_pixels")


@pytest.fixture(scope="module")
def file(conformed, folder):
    path = folder / "product.nc"
    netcdf.write(conformed, path, 4, lambda path: verify.check_file(path, conformed))
    return path


def written(ds, path, compression=4):
    netcdf.write(ds, path, compression, lambda path: verify.check_file(path, ds))
    return path


# -- kept --------------------------------------------------------------------------------------


def assert_kept(before, after, where):
    for key, value in before.items():
        if key == "grid_mapping":
            continue  # cells lie on none; see test_no_grid_mapping
        assert key in after, f"{where}: {key} is gone"
        found = after[key]
        same = np.array_equal(found, value) and type(found) is type(value)
        assert same or (key in ALLOWED and ALLOWED[key](value, found)), f"{where}: {key}: {found!r}"


def test_variables_names_and_values_are_kept(raw, conformed):
    assert set(conformed.variables) == set(raw.variables)
    assert set(raw.data_vars) - set(conformed.data_vars) == {"longitude", "latitude"}
    for name, variable in raw.variables.items():
        assert conformed[name].dims == variable.dims, name
        assert conformed[name].dtype == variable.dtype, name
        assert conformed[name].values.tobytes() == variable.values.tobytes(), name


def test_attributes_are_kept(raw, conformed):
    assert {"footprint", "start_date", "coverage", "pols", "safe", "multidataset"} <= set(raw.attrs)
    assert_kept(raw.attrs, conformed.attrs, "global")
    for name, variable in raw.variables.items():
        assert_kept(variable.attrs, conformed[name].attrs, name)


def test_attributes_are_kept_in_the_file(conformed, file):
    with netCDF4.Dataset(file) as nc:
        for of, where in [(conformed, nc), *((conformed[n], nc[n]) for n in conformed.variables)]:
            for key, value in of.attrs.items():
                found = where.getncattr(key)
                assert np.array_equal(found, value), (where.name, key, found)


OPEN_TWICE = """
import sys, netCDF4
one, other = (netCDF4.Dataset(sys.argv[1]) for _ in range(2))
one["pol"][:], other["pol"][:]
other.close()
netCDF4.Dataset(sys.argv[1])["pol"][:]
"""


def test_texts_are_characters(file, tmp_path):
    """A file with strings that is open twice, and closed once, is the end of the process."""
    with netCDF4.Dataset(file) as nc:
        assert not [name for name, variable in nc.variables.items() if variable.dtype is str]
    assert subprocess.run([sys.executable, "-c", OPEN_TWICE, file]).returncode == 0
    with xr.open_dataset(file) as ds:
        assert ds["pol"].values.tolist() == ["VV", "VH"]
    xr.Dataset({"sigma0": ("pol", [1.0, 2.0])}, {"pol": ["VV", "VH"]}).to_netcdf(
        tmp_path / "strings.nc"
    )
    crash = subprocess.run([sys.executable, "-c", OPEN_TWICE, tmp_path / "strings.nc"])
    assert crash.returncode == -signal.SIGSEGV, "netCDF takes strings now: cf._is_text can go"


@pytest.mark.parametrize("texts", [["a", "bcd"], ["é", "中文"], ["", "a"], []])
def test_texts_of_users_come_back(texts, tmp_path):
    ds = cf.conform(xr.Dataset({"text": ("x", np.array(texts, dtype=object))}))
    with xr.open_dataset(written(ds, tmp_path / "a.nc")) as read:
        np.testing.assert_array_equal(
            read["text"].fillna("").values, ["" if t != t else t for t in texts]
        )


def test_nothing_is_changed_in_place(raw):
    before = raw.copy(deep=True)
    attributes = {name: dict(variable.attrs) for name, variable in raw.variables.items()}
    cf.encoded(cf.conform(raw))
    assert raw.identical(before)
    assert {name: dict(variable.attrs) for name, variable in raw.variables.items()} == attributes
    assert set(raw.coords) == set(before.coords)


def test_conforming_twice_changes_nothing(conformed):
    assert cf.conform(conformed).identical(conformed)


def test_provenance_overwrites_nothing(raw):
    raw.attrs |= {"title": "mine", "history": "earlier", "Conventions": "none"}
    ds = netcdf.with_provenance(raw, "S1A_X", "003.71", RECIPE, "whole_pixels")
    assert (ds.attrs["title"], ds.attrs["Conventions"]) == ("mine", "CF-1.8, ACDD-1.3")
    now, before = ds.attrs["history"].split("\n")
    assert before == "earlier" and "xsar_batch.l1b:l1b at 1000m" in now
    expected = {"source": "S1A_X.SAFE", "ipf_version": 3.71, "land_mask_source": "GSHHG 2.3.6"}
    assert expected.items() <= ds.attrs.items()
    assert ds.attrs["xsar_version"] == xsar.__version__
    assert ds.attrs["dask_version"] == dask.__version__


# -- CF ----------------------------------------------------------------------------------------


def test_compliance_checker_has_nothing_of_high_priority(file, folder):
    assert high_priority_issues(file, folder / "report.json") == (0, [])


def test_acdd_misses_only_names_that_cf_does_not_have(file, folder):
    """CF has no standard name for what is peculiar to radar, such as noise and look-up tables."""
    count, issues = high_priority_issues(file, folder / "report.json", "acdd:1.3")
    without = names(lambda variable: variable.is_computed and not variable.standard_name)
    with netCDF4.Dataset(file) as nc:
        assert {issue["name"] for issue in issues} == {
            f'variable "{n}" missing the following attributes:'
            for n in without
            if n in nc.variables
        }
    assert count == len(issues)


def test_what_xsar_says_wins():
    """But for what no reader can do with: a grid mapping, and units that udunits does not know."""
    ds = xr.Dataset({"sigma0": ("x", [1.0], {"long_name": "xsar's", "comment": "kept"})})
    ds["a"] = ("x", [1.0], {"units": "Degrees", "grid_mapping": "spatial_ref"})
    ds["b"] = ("x", [1.0], {"units": "dB"})
    ds["b"].encoding["grid_mapping"] = "spatial_ref"
    ds = cf.conform(ds)
    attributes = ds["sigma0"].attrs
    assert attributes["long_name"] == "xsar's"
    assert (attributes["comment"], attributes["units"]) == ("kept", "1")
    assert (ds["a"].attrs["units"], ds["b"].attrs["units"]) == ("degree", "dB")
    assert "grid_mapping" not in {**ds["a"].attrs, **ds["b"].attrs, **ds["b"].encoding}


def test_no_grid_mapping(conformed, file):
    with netCDF4.Dataset(file) as nc:
        assert not [name for name in nc.variables if "grid_mapping" in nc[name].ncattrs()]
        assert "spatial_ref" in nc.variables


def test_cells_point_to_their_coordinates(file):
    with netCDF4.Dataset(file) as nc:
        assert set(nc["sigma0"].coordinates.split()) >= {"longitude", "latitude"}
        for name in ("longitude", "latitude", "line", "sample"):
            assert "_FillValue" not in nc[name].ncattrs(), name
        assert np.isnan(nc["sigma0"]._FillValue)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, np.int8(1)),
        (np.bool_(False), np.int8(0)),
        (shapely.Point(1, 2), "POINT (1 2)"),
        (None, ""),
        ({"a": 1}, "{'a': 1}"),
        ([1, 2], [1, 2]),
        (["a", "b"], ["a", "b"]),
        ([True, None], "[True, None]"),
        ([[1], [2, 3]], "[[1], [2, 3]]"),
        (np.datetime64("2024-03-01"), "2024-03-01"),
        (1.5, 1.5),
        ("text", "text"),
    ],
)
def test_attribute_that_netcdf_can_hold(value, expected, tmp_path):
    found = cf.attribute(value)
    assert found == expected and type(found) is type(expected)
    written(xr.Dataset({"a": ("x", [1.0])}, attrs={"value": found}), tmp_path / "a.nc")


# -- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["time", "azimuth_time"])
def test_times_are_the_same_nanosecond_for_every_reader(conformed, file, name):
    expected = conformed[name].values.astype("datetime64[ns]")
    with xr.open_dataset(file) as ds:
        np.testing.assert_array_equal(ds[name].values, expected)
    with netCDF4.Dataset(file) as nc:
        variable = nc[name]
        variable.set_auto_mask(False)
        assert variable.dtype == "f8"
        since = np.datetime64(variable.units.removeprefix("seconds since "), "ns")
        nanoseconds = variable[:] * 1e9
    for reader in (np.trunc, np.rint):
        read = since + reader(nanoseconds).astype("timedelta64[ns]")
        np.testing.assert_array_equal(read, expected)


def test_all_nanoseconds_of_a_long_pass():
    # 2^-33 s is coarser than float64 is here, so every case of rounding must be met.
    rng = np.random.default_rng(0)
    start = np.datetime64("2024-12-31T23:59:59.999999999", "ns")
    steps = np.sort(rng.integers(0, 86_400 * 10**9, 100_000)).astype("timedelta64[ns]")
    times = np.concatenate([start + np.arange(2000).astype("timedelta64[ns]"), start + steps])
    variable = cf.seconds(xr.Variable("x", times))
    assert variable.attrs["units"] == "seconds since 2024-12-31T23:59:59"
    since = np.datetime64("2024-12-31T23:59:59", "ns")
    for reader in (np.trunc, np.rint):
        read = since + reader(variable.values * 1e9).astype("timedelta64[ns]")
        np.testing.assert_array_equal(read, times)
    decoded = xr.decode_cf(xr.Dataset({"time": variable}))["time"]
    np.testing.assert_array_equal(decoded.values, times)


def test_times_that_are_not_known():
    times = np.array(["NaT", "2024-03-01T00:00:01.5"], "datetime64[ns]")
    assert cf.seconds(xr.Variable("x", times)).values[1] == pytest.approx(0.5)
    for some in (times, times[:1], times[:0]):
        decoded = xr.decode_cf(xr.Dataset({"time": cf.seconds(xr.Variable("x", some))}))
        np.testing.assert_array_equal(decoded["time"].values, some)


# -- types and compression ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 65535], "uint16"), "int32"),
        (np.array([0, 2**32 - 1], "uint32"), "float64"),
        (np.array([-5, 2**31 - 1], "int64"), "int32"),
        (np.array([-(2**31), 0], "int64"), "int32"),
        (np.array([0, 2**31], "int64"), "float64"),
        (np.array([-(2**63), 0], "int64"), "float64"),  # its absolute value is negative, to numpy
        (np.array([0, 2**40], "uint64"), "float64"),
        (np.array([-128, 127], "int8"), "int8"),
        (np.array([0, 255], "uint8"), "uint8"),
        (np.array([1.5, np.nan], "float32"), "float32"),
    ],
)
def test_integers_are_widened_and_never_cut(values, expected, tmp_path):
    ds = xr.Dataset({"a": ("x", values)})
    path = written(ds, tmp_path / "a.nc")
    with netCDF4.Dataset(path) as nc:
        nc["a"].set_auto_mask(False)
        assert nc["a"].dtype == expected
        np.testing.assert_array_equal(nc["a"][:], values)


def test_types_in_a_product(file, raw):
    with netCDF4.Dataset(file) as nc:
        assert nc["digital_number"].dtype == "int32"
        assert nc["spatial_ref"].dtype == "int32"
        for name in ("sigma0", "noise_lut", "land_mask", "longitude"):
            assert nc[name].dtype == raw[name].dtype, name
    assert not {"u2", "u4", "u8", "i8"} & {v.dtype.str[1:] for v in _variables(file)}


def _variables(path):
    with netCDF4.Dataset(path) as nc:
        return [np.empty(0, v.dtype) for v in nc.variables.values() if v.dtype is not str]


@pytest.mark.parametrize("level", [0, 1, 4, 9])
def test_compression_is_as_asked_for(conformed, tmp_path, level):
    path = written(conformed, tmp_path / f"{level}.nc", level)
    with netCDF4.Dataset(path) as nc:
        for name in ("sigma0", "digital_number", "longitude", "land_mask", "azimuth_time"):
            filters = nc[name].filters()
            assert (filters["zlib"], filters["complevel"]) == (level > 0, level), name
        # The index of a compressed variable takes more than it saves on a few values.
        assert not nc["time"].filters()["zlib"]


# -- ground control points ---------------------------------------------------------------------


def test_gcps_survive_a_round_trip_through_rioxarray(raw, file, tmp_path):
    expected = raw.rio.get_gcps()
    assert len(expected) > 50
    with xr.open_dataset(file, decode_coords="all") as ds:
        assert ds.rio.crs == raw.rio.crs
        found = ds.rio.get_gcps()
        # And once more, as somebody who works on would write it.
        ds["sigma0"].rio.write_gcps(found, ds.rio.crs).to_netcdf(tmp_path / "again.nc")
    with rioxarray.open_rasterio(tmp_path / "again.nc", variable="sigma0") as again:
        assert again is not None
    with xr.open_dataset(tmp_path / "again.nc", decode_coords="all") as ds:
        twice = ds.rio.get_gcps()
    for one in (found, twice):
        place = [(p.row, p.col, p.x, p.y, p.z) for p in one]
        assert place == [(p.row, p.col, p.x, p.y, p.z) for p in expected]


def test_a_product_made_twice_is_the_same(converted, tmp_path):
    # xsar names the points by random UUIDs.
    one, other = (ds["spatial_ref"].attrs["gcps"] for ds in converted)
    assert one != other
    files = [written(cf.conform(ds), tmp_path / f"{k}.nc") for k, ds in enumerate(converted)]
    assert files[0].read_bytes() == files[1].read_bytes()
