"""Edges of the world, of the swath and of the noise: xsar put right, against the SAFE itself.

What is right is worked out here from the XML and the pixels, without xsar. Where the first half of
a pair of tests fails, plain xsar is right and the workaround can go.
"""

import functools
import re

import geopandas
import mapraster
import numpy as np
import pytest
import rasterio
import rioxarray
import sentinel1_demo_scenes as demo
import shapely
import xarray as xr
import xsar
from lxml import etree
from plain_xsar import CAN_GO, opened, put_on
from safes import copy_safe, edit, only
from scipy.interpolate import RegularGridInterpolator

from xsar_batch import xsar_fixes
from xsar_batch.failures import BadProduct
from xsar_batch.landmask import gshhg
from xsar_batch.product import netcdf, quality_flag, verify
from xsar_batch.sentinel1 import safe
from xsar_batch.xsar_fixes import (
    across_date_line,
    block_rms,
    exact_mean_of_squares,
    noise_as_annotated,
    noise_means,
)

#: Those of here. Others may be repairs as well, and change other things.
OURS = (across_date_line, exact_mean_of_squares, noise_as_annotated)

VALID, BORDER, NO_DATA, NOISE_UNKNOWN = range(4)

assert rioxarray  # the accessor `rio`

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def coast(tmp_path_factory):
    """GSHHG's polygons round 180 degrees, as a file and unwrapped as one shape."""
    world = gshhg.read("h", (1, 5))
    middle = np.abs(shapely.bounds(world)[:, [0, 2]]).max(axis=1) > 170
    near = shapely.make_valid(world[middle], method="structure", keep_collapsed=False)
    path = tmp_path_factory.mktemp("land") / "land.fgb"
    geopandas.GeoDataFrame(geometry=near, crs=4326).to_file(path)
    moved = shapely.transform(near, lambda points: points + np.array([360, 0]))
    return path, np.concatenate([near, moved])


@pytest.fixture(autouse=True)
def xsar_as_it_comes(coast):
    xsar.Sentinel1Meta.set_mask_feature("land", str(coast[0]))
    xsar_fixes.apply(repairs=False)
    yield
    xsar_fixes.apply()


@functools.cache
def plain_of(path, resolution="1000m"):
    return opened(path, resolution).load()


@functools.cache
def repaired_of(path, resolution="1000m"):
    return repaired(path, resolution)


def repaired(path, resolution="1000m", modules=OURS, **others):
    put_on(*modules)
    try:
        return opened(path, resolution, **others).load()
    finally:
        xsar_fixes.remove(*modules)


def grid_of(path):
    """Functions of lines and samples for longitude (0 to 360) and latitude, from the XML."""
    root = etree.parse(sorted((path / "annotation").glob("*.xml"))[0]).getroot()
    tags = ("line", "pixel", "longitude", "latitude")
    table = np.array(
        [[float(p.findtext(t)) for t in tags] for p in root.iter("geolocationGridPoint")]
    )
    lines, pixels = np.unique(table[:, 0]), np.unique(table[:, 1])
    table = table[np.lexsort((table[:, 1], table[:, 0]))].reshape(lines.size, pixels.size, 4)

    def interpolated(values):
        f = RegularGridInterpolator((lines, pixels), values, bounds_error=False, fill_value=None)
        return lambda y, x: f(np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1))

    return interpolated(table[..., 2] % 360), interpolated(table[..., 3])


# -- across 180 degrees ------------------------------------------------------------------------

#: Taveuni lies on it; the Antarctic scene is 400 km wide, with a coast that is no land to level 1.
ACROSS = {
    "Fiji": {"longitude": 179.98, "latitude": -16.85, "lines": 4000, "samples": 5000},
    "Ross Sea": {
        **{"longitude": 179.9, "latitude": -77.0, "lines": 1000, "samples": 1000},
        **{"mode": "EW", "product": "GRDM", "spacing": 400.0, "orbit_pass": "Descending"},
    },
}


@pytest.fixture(scope="module", params=ACROSS)
def across(request, tmp_path_factory):
    """A SAFE, and the resolution that gives cells enough."""
    folder = tmp_path_factory.mktemp("across")
    made = demo.make_safe(folder, pixels="checkerboard", pols=("VV",), **ACROSS[request.param])
    return made, "1000m" if request.param == "Fiji" else "4000m"


def test_plain_xsar_goes_the_long_way_round(across):
    ds = plain_of(*across)
    assert np.ptp(np.array(ds.attrs["footprint"].bounds)[[0, 2]]) > 350, CAN_GO.format(
        "across_date_line"
    )


def test_footprint_is_cut_at_180_degrees(across):
    ds = repaired_of(*across)
    shape = ds.attrs["footprint"]
    assert shape.geom_type == "MultiPolygon" and shape.is_valid
    west, _, east, _ = np.array([part.bounds for part in shape.geoms]).T
    assert sorted(zip(west.round(9) == -180, east.round(9) == 180, strict=True)) == [
        (False, True),
        (True, False),
    ]
    assert all(shapely.is_ccw(part.exterior) for part in shape.geoms)
    assert shapely.contains_xy(shape, ds["longitude"].values, ds["latitude"].values).all()
    # No larger than what the corners of the image enclose, but for how its sides bend.
    longitude, latitude = grid_of(across[0])
    image = safe.check(across[0]).annotations[0]
    corners = [(0, 0), (0, image.samples - 1)]
    corners += [(image.lines - 1, image.samples - 1), (image.lines - 1, 0)]
    plain = shapely.Polygon(
        [(float(longitude(*c)[0, 0]), float(latitude(*c)[0, 0])) for c in corners]
    )
    assert shape.area == pytest.approx(plain.area, rel=0.08)


def test_positions_are_as_before_and_right(across):
    ds, plain = repaired_of(*across), plain_of(*across)
    for name in ("longitude", "latitude"):
        assert ds[name].values.tobytes() == plain[name].load().values.tobytes()
    assert -180 <= ds["longitude"].min() < -179 < 179 < ds["longitude"].max() <= 180
    longitude, latitude = (f(ds["line"].values, ds["sample"].values) for f in grid_of(across[0]))
    off = verify.position_error(ds["longitude"].values, ds["latitude"].values, longitude, latitude)
    assert off.max() < 1
    verify.check_dataset(ds, safe.check(across[0]), across[1], flagged=True)
    assert ds.attrs["coverage"] == plain.attrs["coverage"]


def test_shapes_go_on_within_xsar(across):
    """What users of xsar call: whole polygons, and the same longitudes however often."""
    put_on(across_date_line)
    dataset = xsar.Sentinel1Dataset(str(across[0]), resolution=across[1])
    meta = dataset.sar_meta
    assert meta.cross_antimeridian and meta.footprint.geom_type == "Polygon"
    first = dataset.coords2ll(10, 10)
    line, sample = meta.ll2coords(*first)
    assert (line, sample) == pytest.approx((10, 10), abs=0.05)
    assert dataset.coords2ll(10, 10) == first and meta.cross_antimeridian
    # mapraster takes longitudes modulo 360, and asks for an exterior.
    x, y = np.arange(160.0, 200.0, 0.1), np.arange(-85.0, 0, 0.1)
    field = xr.DataArray(np.tile(x, (y.size, 1)), [("y", y), ("x", x)], name="east")
    field = field.rio.write_crs(4326)
    ds = dataset.dataset
    mapped = mapraster.map_raster(field, ds, footprint=meta.footprint, cross_antimeridian=True)
    np.testing.assert_allclose(mapped.values, ds["longitude"].values % 360, atol=1e-6)
    assert dataset.footprint.geom_type == "MultiPolygon"
    assert dataset.footprint.area == pytest.approx(ds.attrs["footprint"].area, rel=0.05)


# -- the border of the swath -------------------------------------------------------------------

SIZE = {"lines": 1500, "samples": 2000}


@pytest.fixture(scope="module", params=["straight", "stepped"])
def sea(request, tmp_path_factory):
    return demo.make_safe(tmp_path_factory.mktemp("sea"), **SIZE, edges=request.param)


def pixels_of(path, pol):
    with rasterio.open(only(path, f"measurement/*-{pol.lower()}-*.tiff")) as tiff:
        return tiff.read(1)


def inside_of(pixels):
    """Pixels between the first and the last of each line that are not zero."""
    seen = pixels > 0
    return (
        np.maximum.accumulate(seen, axis=1) & np.maximum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    )


def cells(values):
    """Pixels as (15, 20, 10000), by cell."""
    return values.reshape(15, 100, 20, 100).swapaxes(1, 2).reshape(15, 20, -1)


def test_plain_xsar_averages_zeros(sea):
    ds = plain_of(sea)
    none = cells(pixels_of(sea, "VV")).max(axis=-1) == 0
    if none.any():
        assert (ds["sigma0"].sel(pol="VV").values[none] < 0).all(), CAN_GO.format(
            "exact_mean_of_squares"
        )
    share = cells(inside_of(pixels_of(sea, "VV"))).mean(axis=-1)
    some = (share > 0.1) & (share < 0.9)
    assert (in_db(sea, ds, "VV")[some] < -0.4).all(), CAN_GO.format("exact_mean_of_squares")


def in_db(path, ds, pol):
    """How far sigma0 is from the truth, the mean of it over the pixels inside of each cell."""
    line, sample = np.indices(SIZE.values())
    truth = cells(demo.true_sigma0(pol, line, sample, **SIZE))
    inside = cells(inside_of(pixels_of(path, pol)))
    mean = (truth * inside).sum(axis=-1) / inside.sum(axis=-1)
    return 10 * np.log10(np.maximum(ds["sigma0"].sel(pol=pol).values, 1e-9) / mean)


@pytest.mark.parametrize("pol", ["VV", "VH"])
def test_every_cell_with_a_value_is_right(sea, pol):
    ds = repaired_of(sea).sel(pol=[pol])
    off, flag = in_db(sea, ds, pol), ds["quality_flag"].sel(pol=pol).values
    for kind in (VALID, BORDER):
        ratio = 10 ** (off[flag == kind] / 10)
        bias = 10 * np.log10(ratio.mean())
        print(f"{pol} {quality_flag.MEANINGS[kind]}: {ratio.size} cells, bias {bias:+.3f} dB")
        assert ratio.size > 10
        assert abs(bias) < 0.1
    # A cell alone: what is left is speckle.
    assert np.abs(off[flag <= BORDER]).max() < (0.25 if pol == "VV" else 0.5)


def test_digital_numbers_and_flag_are_those_of_the_pixels(sea):
    ds = repaired_of(sea)
    for pol in ("VV", "VH"):
        pixels = pixels_of(sea, pol).astype(float)
        inside = cells(inside_of(pixels)).sum(axis=-1)
        rms = np.sqrt(cells(pixels**2).sum(axis=-1) / np.maximum(inside, 1))
        expected = np.select([inside < 5000, inside < 10_000], [NO_DATA, BORDER], VALID)
        assert len(np.unique(expected)) == 3
        layer = ds.sel(pol=pol)
        np.testing.assert_array_equal(layer["quality_flag"], expected)
        known = expected != NO_DATA
        assert np.abs(layer["digital_number"].values - rms)[known].max() <= 0.51
        assert not layer["digital_number"].values[~known].any()
        for name in quality_flag.MASKED:
            np.testing.assert_array_equal(np.isnan(layer[name].values), ~known, name)


def test_nothing_differs_away_from_the_edges(sea):
    plain, ds = plain_of(sea), repaired_of(sea)
    assert set(ds.data_vars) - set(plain.data_vars) == {"quality_flag"}
    valid = ds["quality_flag"] == VALID
    assert 0.5 < valid.mean() < 0.95
    noise = [name for name in plain.data_vars if name.startswith(("noise", "nesz", "negz"))]
    for name, variable in plain.data_vars.items():
        one, other = variable.load(), ds[name]
        assert one.dtype == other.dtype and one.dims == other.dims
        if name in (*noise, "sigma0", "gamma0"):
            continue  # see "noise"
        if name.endswith("_raw"):
            # Plain xsar's are of rounded digital numbers.
            number = plain["digital_number"].astype(float)
            off = abs(other / one - 1).where(valid, 0)
            assert (off * number**2 <= number + 0.51).all() and off.max() > 1e-4
            continue
        if name == "digital_number":
            one, other = one.where(valid), other.where(valid)
        if one.dtype.kind in "fiuM":
            assert np.array_equal(one.values, other.values, equal_nan=one.dtype.kind == "f"), name
    assert {k: str(v) for k, v in ds.attrs.items()} == {k: str(v) for k, v in plain.attrs.items()}


def test_dark_pixels_are_no_border(sea, tmp_path):
    """Zeros between other pixels count: shadow, calm sea. What is outside may differ by
    polarisation."""
    path = copy_safe(sea, tmp_path)
    before = repaired(path)
    with rasterio.open(only(path, "measurement/*-vh-*.tiff"), "r+") as tiff:
        pixels = tiff.read(1)
        pixels[500:600, 500:600:2] = 0
        pixels[700:800, :900] = 0
        tiff.write(pixels, 1)
    ds = repaired(path)
    flag = ds["quality_flag"].sel(pol="VH").values
    assert flag[5, 5] == VALID
    ratio = (ds["sigma0_raw"] / before["sigma0_raw"]).sel(pol="VH").values
    assert ratio[5, 5] == pytest.approx(0.5, abs=0.06)
    assert (flag[7, :9] == NO_DATA).all() and flag[7, 9] == VALID
    xr.testing.assert_equal(ds.sel(pol="VV"), before.sel(pol="VV"))


def test_other_resampling_is_left_alone(sea):
    nearest = {"resampling": rasterio.enums.Resampling.nearest}
    ds = repaired(sea, **nearest)
    assert "quality_flag" not in ds
    xr.testing.assert_equal(ds["digital_number"], opened(sea, **nearest)["digital_number"].load())


def test_pixels_inside_are_counted_to_the_ends_of_lines(tmp_path):
    pixels = np.ones((5, 11), "uint16")
    pixels[0] = 0  # a whole line
    pixels[1, :3] = pixels[1, -3:] = 0  # both ends; the last two fill no cell
    pixels[2, 4:6] = 0  # inside
    pixels[3, 1:] = 0  # all but the first
    path = tmp_path / "image.tiff"
    shape = {"driver": "GTiff", "height": 5, "width": 11, "count": 1, "dtype": "uint16"}
    with rasterio.open(path, "w", **shape) as tiff:
        tiff.write(pixels, 1)
    for threads in (1, 2):
        blocks = block_rms.blocks(path, 2, 3, threads=threads)
        assert blocks.inside.tolist() == [[0, 3, 2], [4, 3, 3]]
        assert blocks.size == 6


# -- noise -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def blocks_too_short(tmp_path_factory):
    """The same scene with blocks as they are, and with blocks that miss the image's edges."""
    folder = tmp_path_factory.mktemp("noise")
    whole = demo.make_safe(folder, **SIZE)
    short = copy_safe(whole, tmp_path_factory.mktemp("short"))
    for path in short.glob("annotation/calibration/noise-*.xml"):
        for tag, old, new in (
            *(("firstAzimuthLine", 0, 60), ("lastAzimuthLine", 1499, 1445)),
            *(("firstRangeSample", 0, 55), ("lastRangeSample", 1999, 1940)),
        ):
            edit(path, f"<{tag}>{old}<", f"<{tag}>{new}<", count=0)
    return whole, short


def test_plain_xsar_has_no_noise_beyond_the_blocks(blocks_too_short):
    noise = opened(blocks_too_short[1])["noise_lut_azi"].load().values
    for edge in (noise[:, 0], noise[:, -1], noise[:, :, 0], noise[:, :, -1]):
        assert np.isnan(edge).all(), CAN_GO.format("noise_as_annotated")


def test_noise_reaches_the_edges(blocks_too_short):
    whole, short = (repaired(path) for path in blocks_too_short)
    np.testing.assert_array_equal(short["noise_lut_azi"], whole["noise_lut_azi"])
    # Sums of other parts differ in the last bits.
    xr.testing.assert_allclose(short["sigma0"], whole["sigma0"], rtol=1e-12)
    xr.testing.assert_equal(short["quality_flag"], whole["quality_flag"])


def test_where_noise_is_not_known_the_flag_says_so(blocks_too_short, tmp_path):
    path = copy_safe(blocks_too_short[0], tmp_path)
    for file in path.glob("annotation/calibration/noise-*.xml"):
        text = file.read_text()
        text = text.replace("<lastAzimuthLine>1499<", "<lastAzimuthLine>1200<")
        # The lists end there too: 121 values of 151.
        text = re.sub(r'<line count="151">(.*?) 1210 .*?<', r'<line count="121">\1<', text)
        cut = r'<noiseAzimuthLut count="151">((?:\S+ ){120}\S+) .*?<'
        file.write_text(re.sub(cut, r'<noiseAzimuthLut count="121">\1<', text))
    ds = repaired(path)
    flag = ds["quality_flag"]
    unknown = (flag == NOISE_UNKNOWN).values
    assert unknown[:, 12:, 1:-1].all() and not unknown[:, :12].any()
    assert np.isnan(ds["sigma0"].values[unknown]).all()
    assert np.isfinite(ds["sigma0_raw"].values[unknown]).all()
    # The manifest of the other one tells the truth of its files.
    verify.check_dataset(ds, safe.check(blocks_too_short[0]), "1000m", flagged=True)
    recipe = {"resolution": "1000m", "function": "f", "land_mask": "GSHHG"}
    attributes = netcdf.with_provenance(ds, "S1A_X", "003.71", recipe, "").attrs
    assert attributes["noise_unknown_cells_percent"] == pytest.approx(100 * 2 * 3 * 18 / 600)
    assert attributes["border_cells_percent"] == pytest.approx(100 * (18 + 18) / 600)
    assert attributes["no_data_cells_percent"] == pytest.approx(100 * 2 * 30 / 600)
    shares = [attributes[f"{meaning}_cells_percent"] for meaning in quality_flag.MEANINGS.values()]
    assert sum(shares) == pytest.approx(100)


@pytest.mark.parametrize(
    ("edges", "lines", "expected"),
    [
        # One that fills the image stays.
        ([(0, 99, 0, 49)], [(0, 50, 99)], [(0, 99, 0, 49)]),
        # A line and some samples are missing: the list has the line, a step more is allowed.
        ([(0, 98, 3, 45)], [(0, 49, 98)], [(0, 99, 0, 49)]),
        # Too far along track, but for the list.
        ([(0, 60, 0, 49)], [(0, 10, 20)], [(0, 60, 0, 49)]),
        ([(0, 60, 0, 49)], [(0, 40, 80)], [(0, 99, 0, 49)]),
        # Half way to the next across track, and not into it.
        ([(0, 99, 0, 20), (0, 99, 25, 49)], [(0, 99)] * 2, [(0, 99, 0, 22), (0, 99, 23, 49)]),
        # Along track too, where their lists go on.
        ([(0, 40, 0, 49), (51, 99, 0, 49)], [(0, 50), (40, 99)], [(0, 45, 0, 49), (46, 99, 0, 49)]),
        # A single value says nothing of other lines.
        ([(0, 60, 0, 49)], [(30,)], [(0, 60, 0, 49)]),
    ],
)
def test_blocks_reach_as_far_as_is_known(edges, lines, expected):
    blocks = [
        noise_means.Block("IW1", np.array(at), *edge, np.ones(len(at)))
        for edge, at in zip(edges, lines, strict=True)
    ]
    found = noise_means.reaching(blocks, (100, 50))
    assert [tuple(block[2:6]) for block in found] == expected


# -- the check ---------------------------------------------------------------------------------


def test_the_flag_is_checked(sea):
    ds, checked = repaired_of(sea), safe.check(sea)
    verify.check_dataset(ds, checked, "1000m", flagged=True)
    without = ds.copy(deep=True)
    without["sigma0"][0, 5, 5] = np.nan
    unknown = ds.copy(deep=True)
    unknown["quality_flag"][0, 5, 5] = 7
    for changed, said in (
        (ds.drop_vars("quality_flag"), "^variables are missing: quality_flag$"),
        (without, "^sigma0 does not agree with quality_flag in 1 cells$"),
        (unknown, "quality_flag"),
    ):
        with pytest.raises(BadProduct, match=said):
            verify.check_dataset(changed, checked, "1000m", flagged=True)
