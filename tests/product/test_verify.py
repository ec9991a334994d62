"""The check of a product: passes what is right, and finds and names every kind of damage."""

import re

import dask
import geopandas
import netCDF4
import numpy as np
import pytest
import sentinel1_demo_scenes as demo
import shapely
import xarray as xr
import xsar

from xsar_batch.failures import BadProduct
from xsar_batch.l1b import l1b
from xsar_batch.product import cf, netcdf, quality_flag, verify
from xsar_batch.product.variables import names
from xsar_batch.sentinel1 import safe

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def convert(tmp_path_factory):
    """Make a scene and convert it: the SAFE as checked, and the Dataset."""
    land = tmp_path_factory.mktemp("land") / "land.geojson"
    geopandas.GeoDataFrame(geometry=[shapely.box(-4.9, 48, -4, 49)], crs=4326).to_file(land)

    def converted(**parameters):
        xsar.Sentinel1Meta.set_mask_feature("land", str(land))
        folder = tmp_path_factory.mktemp("scene")
        path = demo.make_safe(folder, **{"lines": 1230, "samples": 1560} | parameters)
        with dask.config.set(scheduler="threads", num_workers=1):
            return safe.check(path), l1b(path, "1000m").load()

    return converted


@pytest.fixture(scope="module")
def brittany(convert):
    return convert()


@pytest.fixture
def checked(brittany):
    return brittany[0]


@pytest.fixture
def ds(brittany):
    return brittany[1].copy(deep=True)


def complaint(ds, checked, resolution="1000m"):
    with pytest.raises(BadProduct) as error:
        verify.check_dataset(ds, checked, resolution)
    return str(error.value)


def north(ds, metres):
    return ds.assign(latitude=ds["latitude"] + metres / verify.METRES_PER_DEGREE)


def east(ds, metres):
    degree = verify.METRES_PER_DEGREE * np.cos(np.radians(ds["latitude"]))
    return ds.assign(longitude=ds["longitude"] + metres / degree)


# -- our own function --------------------------------------------------------------------------


def test_a_real_result_passes(ds, checked):
    verify.check_dataset(ds, checked, "1000m", flagged=True)
    # What is asked for is all that there is, so that a variable that goes missing is noticed.
    assert set(ds.data_vars) - {"spatial_ref"} == {*names(), quality_flag.NAME}


@pytest.mark.parametrize("other", [{"mode": "EW", "product": "GRDM"}, {"pols": ("HH",)}])
def test_other_kinds_pass(convert, other):
    checked, ds = convert(**other)
    verify.check_dataset(ds, checked, "1000m")


@pytest.mark.parametrize("longitude", [179.95, -179.95, 180.0])
@pytest.mark.parametrize("orbit_pass", ["Ascending", "Descending"])
def test_scenes_across_180_degrees_pass(convert, longitude, orbit_pass):
    checked, ds = convert(longitude=longitude, latitude=10.0, orbit_pass=orbit_pass)
    grid = checked.annotations[0].grid
    assert grid.longitude.max() - grid.longitude.min() > 300, "this scene crosses nothing"
    verify.check_dataset(ds, checked, "1000m")
    verify.check_dataset(ds[["longitude", "latitude"]].drop_vars(["line", "sample"]), checked, None)
    # The same meridian by another name is the same place.
    verify.check_dataset(ds.assign(longitude=ds["longitude"] % 360), checked, "1000m")
    assert "m off the annotation's" in complaint(east(ds, 20), checked)


@pytest.mark.parametrize("move", [north, east])
@pytest.mark.parametrize("metres", [14, -14])
def test_within_tolerance(ds, checked, move, metres):
    verify.check_dataset(move(ds, metres), checked, "1000m")


def without(name, value=np.nan, **at):
    """A change that leaves no values in a variable, or in a part of it."""

    def change(ds):
        ds[name][at] = value
        return ds

    return change


OFF = r"positions are up to {} m off the annotation's \(line {}, sample {}\)$"
SOMEWHERE = r"\d+\.5"
NO_CENTRES = "{} is not the centre of cells of 100 pixels: "
OUT = r"incidence is \S+ to \S+ degrees, the swath's \d\d\.\d\d to \d\d\.\d\d$"
NOT_A_TIME = np.datetime64("NaT", "ns")

#: What is said, and changes of our own result of which it is said.
FAULTS = [
    (
        OFF.format(r"\d+", SOMEWHERE, SOMEWHERE),
        # This is what xsar gives with a later dask: all of these the same array.
        lambda ds: ds.assign(longitude=ds["altitude"]),
        lambda ds: ds.assign(longitude=ds["latitude"], latitude=ds["longitude"]),
    ),
    (OFF.format(16, SOMEWHERE, SOMEWHERE), lambda ds: north(ds, 16), lambda ds: east(ds, 16)),
    (OFF.format(20, SOMEWHERE, SOMEWHERE), lambda ds: north(ds, -20), lambda ds: east(ds, -20)),
    (
        OFF.format(111, r"1149\.5", r"1449\.5"),
        lambda ds: ds.assign(
            latitude=ds["latitude"] + 0.001 * ((ds["line"] == 1149.5) & (ds["sample"] == 1449.5))
        ),
    ),
    (
        NO_CENTRES.format("line"),
        lambda ds: ds.assign_coords(line=(np.arange(12) + 0.5) * 102.5 - 0.5),
        lambda ds: ds.assign_coords(line=np.arange(12) * 100.0),
        lambda ds: ds.isel(line=slice(None, -1)),
    ),
    (
        NO_CENTRES.format("sample"),
        lambda ds: ds.assign_coords(sample=(np.arange(15) + 0.5) * 104 - 0.5),
        lambda ds: ds.isel(sample=slice(None, -1)),
    ),
    ("longitude has cells without a value$", without("longitude", line=3, sample=4)),
    ("latitude has cells without a value$", without("latitude", line=3, sample=4)),
    *(
        (f"{name} {pol} is all NaN$", without(name, pol=number))
        for name in ("sigma0", "gamma0_raw", "nesz", "noise_lut_azi")
        for number, pol in enumerate(("VV", "VH"))
    ),
    *(
        (f"{name} is all NaN$", without(name))
        for name in ("incidence", "velocity", "ground_heading", "sampleSpacing")
    ),
    *((f"{name} is all NaN$", without(name, NOT_A_TIME)) for name in ("time", "azimuth_time")),
    ("digital_number VV is all zero$", without("digital_number", 0, pol=0)),
    ("digital_number VH is all zero$", without("digital_number", 0, pol=1)),
    (r"lineSpacing is 1000\.5 m; cells are 1000 m$", without("lineSpacing", 1000.5)),
    (r"sampleSpacing is 1000\.5 m; cells are 1000 m$", without("sampleSpacing", 1000.5)),
    (
        OUT,
        lambda ds: ds.assign(incidence=ds["incidence"] + 0.5),
        lambda ds: ds.assign(incidence=ds["incidence"] - 0.5),
        lambda ds: ds.assign(incidence=ds["elevation"]),
        without("incidence", line=0, sample=0),
    ),
    (r"polarisations are \['VV'\], the SAFE's \('VV', 'VH'\)$", lambda ds: ds.isel(pol=[0])),
    (
        r"polarisations are \['HH', 'HV'\], the SAFE's \('VV', 'VH'\)$",
        lambda ds: ds.assign_coords(pol=["HH", "HV"]),
    ),
    (
        r"sigma0 has dimensions \('line', 'sample'\)$",
        lambda ds: ds.assign(sigma0=ds["sigma0"].isel(pol=0, drop=True)),
    ),
    (
        r"latitude has dimensions \('line',\)$",
        lambda ds: ds.assign(latitude=ds["latitude"].isel(sample=0, drop=True)),
    ),
]


@pytest.mark.parametrize(("said", "changes"), [(said, changes) for said, *changes in FAULTS])
def test_faults_of_our_own_result(said, changes, brittany):
    for change in changes:
        text = complaint(change(brittany[1].copy(deep=True)), brittany[0])
        assert re.match(said, text), text


def test_another_resolution_than_asked_for(ds, checked):
    assert "cells of 50 pixels: 12 cells up to 1149.5, expected 24" in complaint(
        ds, checked, "500m"
    )


@pytest.mark.parametrize("name", names())
def test_a_missing_variable(ds, checked, name):
    assert complaint(ds.drop_vars(name), checked) == f"variables are missing: {name}"


def test_a_single_value_is_enough(ds, checked):
    # Cells without one are told by the flag.
    for name in ("sigma0", "gamma0"):
        ds[name].loc[{"pol": "VH"}] = np.nan
        ds[name][1, 5, 5] = 0.1
    unknown = ds["sigma0"].isnull() & (ds["quality_flag"] != quality_flag.NO_DATA)
    ds["quality_flag"] = ds["quality_flag"].where(~unknown, quality_flag.NOISE_UNKNOWN)
    verify.check_dataset(ds, checked, "1000m")


# -- a user's own function ---------------------------------------------------------------------


@pytest.mark.parametrize("resolution", ["1000m", None])
def test_nothing_at_all(checked, resolution):
    assert complaint(xr.Dataset(), checked, resolution) == "the result holds no variables"


def test_no_cells(ds, checked):
    assert complaint(ds.isel(line=[], sample=[])[["sigma0"]], checked, None) == (
        "the result is empty: dimensions {'pol': 2, 'line': 0, 'sample': 0}"
    )
    assert complaint(xr.Dataset({"wind": 5.0}), checked, None).startswith("the result is empty")


@pytest.mark.parametrize("dims", [("cell",), ("line", "sample")])
def test_no_positions(checked, dims):
    """There are values and no cell that they are of, also where lines and samples are labelled."""
    none = xr.DataArray(np.zeros((0, 2)[: len(dims)]), dims=dims)
    labels = {"line": np.zeros(0), "sample": np.zeros(2)} if "line" in dims else {}
    one = xr.Dataset({"wind": ("time", [7.0, 8.0]), "longitude": none, "latitude": none}, labels)
    complaint(one, checked, None)


def test_only_nan(ds, checked):
    text = complaint(ds[["sigma0", "sigma0_raw"]].where(False), checked, None)
    assert text == "all values of the result are NaN"


def test_whatever_a_user_returns_passes(checked):
    verify.check_dataset(xr.Dataset({"wind": ("x", [1.0, np.nan])}), checked, None)
    verify.check_dataset(xr.Dataset({"kind": ("x", ["a", "b"])}), checked, None)


def test_on_pixels_positions_are_checked_as_ours_are(ds, checked):
    few = ds[["sigma0", "longitude", "latitude", "incidence"]]
    verify.check_dataset(few, checked, None)
    # Any cells will do, in any order of dimensions.
    verify.check_dataset(few.isel(line=slice(2, 9, 3)).transpose("sample", ...), checked, None)
    assert "m off the annotation's" in complaint(north(few, 20), checked, None)
    shifted = few.assign(incidence=few["incidence"] + 1)
    assert complaint(shifted, checked, None).startswith("incidence is ")


def test_without_pixel_labels_the_footprint_counts(ds, checked):
    bare = ds[["sigma0", "longitude", "latitude"]].drop_vars(["line", "sample"])
    verify.check_dataset(bare, checked, None)
    verify.check_dataset(north(bare, 2000), checked, None)  # the rough place only
    assert "of 180 " in complaint(north(bare, 50_000), checked, None)
    text = complaint(east(bare, 100_000), checked, None)
    assert text.startswith("180 of 180 ") and text.endswith(" are outside the footprint")
    swapped = bare.assign(longitude=bare["latitude"], latitude=bare["longitude"])
    assert complaint(swapped, checked, None).endswith(" are outside the footprint")


@pytest.mark.parametrize("name", ["longitude", "latitude"])
@pytest.mark.parametrize("dim", ["line", "sample"])
def test_one_position_a_line(ds, checked, name, dim):
    # Not both are on pixels, so only the rough place can be told.
    other = {"line": "sample", "sample": "line"}[dim]
    few = ds[["sigma0", "longitude", "latitude"]]
    middle = few[name].isel({other: few.sizes[other] // 2}, drop=True)
    one = few.assign({name: middle})
    assert one[name].dims == (dim,)
    verify.check_dataset(one, checked, None)
    text = complaint(one.assign({name: one[name] + 5}), checked, None)
    size = one.sizes[dim]
    assert text == f"{size} of {size} {name}s are outside the footprint"
    # The other one of the two is looked at as well.
    both = {"longitude": "latitude", "latitude": "longitude"}[name]
    text = complaint(one.assign({both: one[both] + 5}), checked, None)
    assert text == f"180 of 180 {both}s are outside the footprint"
    one = one.assign({name: one[name].copy(deep=True)})
    one[name][0] = np.nan
    assert complaint(one, checked, None) == f"{name} has cells without a value"


def test_a_regular_grid(checked):
    # Longitude and latitude have a dimension each there, of different lengths.
    grid = xr.Dataset(
        {"wind": (("latitude", "longitude"), np.ones((3, 4)))},
        {"latitude": [48.36, 48.4, 48.42], "longitude": [-4.95, -4.9, -4.88, -4.87]},
    )
    verify.check_dataset(grid, checked, None)
    for moved in ({"latitude": [48.4, 50, 51]}, {"longitude": [-4.9, -4.8, 5, 6]}):
        text = complaint(grid.assign_coords(moved), checked, None)
        assert text.startswith("2 of ") and text.endswith(" are outside the footprint")


# -- the file ----------------------------------------------------------------------------------


@pytest.fixture
def conformed(ds):
    return cf.conform(ds)


@pytest.fixture
def file(conformed, tmp_path):
    path = tmp_path / "a.nc"
    netcdf.write(conformed, path, 4, lambda path: None)
    return path


def file_complaint(path, written):
    with pytest.raises(BadProduct) as error:
        verify.check_file(path, written)
    return str(error.value)


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.9, 0.999, None])
def test_truncated_or_missing_file(conformed, file, kept):
    whole = file.read_bytes()
    file.unlink()
    if kept is not None:
        file.write_bytes(whole[: int(len(whole) * kept)])
    assert file_complaint(file, conformed).startswith("the file cannot be read back: ")


def test_damage_in_the_middle_of_a_file(conformed, tmp_path):
    # Nearly all of this file is data: either zlib or a value says so.
    values = np.random.default_rng(0).normal(size=(300, 300))
    big = conformed[["sigma0"]].isel(pol=0, line=[0] * 300, sample=[0] * 300).copy(deep=True)
    big["sigma0"].values[:] = values
    path = tmp_path / "big.nc"
    netcdf.write(big, path, 4, lambda path: verify.check_file(path, big))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    file_complaint(path, big)


@pytest.mark.parametrize(
    "name", ["sigma0", "longitude", "digital_number", "land_mask", "line", "time", "spatial_ref"]
)
def test_a_changed_value(conformed, file, name):
    with netCDF4.Dataset(file, "a") as nc:
        nc.set_auto_mask(False)
        variable = nc[name]
        at = (-1,) * variable.ndim
        # The smallest change there is: the last value's last bit.
        old = variable[at]
        is_float = variable.dtype.kind == "f"
        variable[at] = np.nextafter(old, np.inf) if is_float and name != "time" else old + 1
    assert file_complaint(file, conformed) == f"{name} in the file differs from what was written"


def test_a_value_that_became_nan(conformed, file):
    with netCDF4.Dataset(file, "a") as nc:
        nc["sigma0"][0, 5, 5] = np.nan
    assert "sigma0 in the file differs" in file_complaint(file, conformed)


def test_nan_equals_nan(conformed, tmp_path):
    conformed["sigma0"][0, 0, 0] = np.nan
    conformed["azimuth_time"].values[0, 0] = np.datetime64("NaT")
    netcdf.write(conformed, tmp_path / "b.nc", 4, lambda path: verify.check_file(path, conformed))


@pytest.mark.parametrize("name", ["sigma0", "velocity", "lineSpacing", "pol"])
def test_a_variable_that_is_not_in_the_file(conformed, tmp_path, name):
    path = tmp_path / "c.nc"
    netcdf.write(conformed.drop_vars(name), path, 4, lambda path: None)
    assert file_complaint(path, conformed) in (
        f"{name} is not in the file",
        f"dimensions in the file: {dict(conformed.drop_vars(name).sizes)}",
    )


def test_other_dimensions(conformed, tmp_path):
    path = tmp_path / "d.nc"
    netcdf.write(conformed.isel(line=slice(5)), path, 4, lambda path: None)
    assert file_complaint(path, conformed).startswith("dimensions in the file: {")


@pytest.mark.parametrize("name", ["time", "azimuth_time"])
def test_times_are_exact_to_the_nanosecond(conformed, file, name):
    later = conformed.copy(deep=True)
    later[name].values.flat[-1] += np.timedelta64(1, "ns")
    assert file_complaint(file, later) == f"{name} in the file differs from what was written"


def test_a_bad_file_gets_no_name(conformed, tmp_path):
    wrong = conformed.copy(deep=True)
    wrong["longitude"].values[0, 0] += 1

    def check(path):
        verify.check_file(path, conformed)

    with pytest.raises(BadProduct, match="longitude in the file differs"):
        netcdf.write(wrong, tmp_path / "e.nc", 4, check)
    assert not list(tmp_path.iterdir())
