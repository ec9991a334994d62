"""Quicklooks: what each pixel shows, which way is up, and that they never fail a product.

The products are real ones, of demo scenes; a picture is read back as anybody would read it.
"""

import json
import logging
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from processes import run
from repository import SCRIPTS, last_line
from safes import TIFF, copy_safe, only

from xsar_batch import quicklook
from xsar_batch.conversion import convert, job_table, user_function
from xsar_batch.conversion.job import Job
from xsar_batch.landmask import polygons
from xsar_batch.quicklook import drawing, frame, palette
from xsar_batch.quicklook.scene import NoQuicklook, Panel, Scene, View, means
from xsar_batch.system import atomic_write

pytestmark = pytest.mark.filterwarnings("ignore")

#: Land in the south-west alone: a picture that is mirrored or turned shows it elsewhere. The corner
#: of the land is the centre of the scenes.
CENTRE = (-4.9, 48.4)
SOUTH_WEST = [[-9.0, 45.0], [-4.9, 45.0], [-4.9, 48.4], [-9.0, 48.4], [-9.0, 45.0]]

#: Cells of 1000 m out of pixels of 100 m: size and shape of real scenes at a hundredth of the cost.
SIZE = {"lines": 600, "samples": 900, "spacing": 100.0}


@pytest.fixture(scope="module")
def land(tmp_path_factory) -> Path:
    source = tmp_path_factory.mktemp("south_west") / "land.geojson"
    source.write_text(json.dumps({"type": "Polygon", "coordinates": [SOUTH_WEST]}))
    polygons.build(source, source.with_suffix(".fgb"))
    return source.with_suffix(".fgb")


@pytest.fixture(scope="module")
def products(scene, land, tmp_path_factory):
    """``products(number, ...)``: product and quicklook of a demo scene, converted once."""
    folder, made = tmp_path_factory.mktemp("products"), {}

    def make(number: int = 0, **parameters) -> tuple[Path, Path]:
        key = (number, *sorted(parameters.items()))
        if key not in made:
            safe = scene(number, **SIZE, **parameters)
            product = folder / f"{safe.stem}.nc"
            png = folder / "quicklooks" / f"{safe.stem}.png"
            job = Job.by_hand(safe, product, land, "1000m", user_function.OURS, quicklook=png)
            convert.convert(job, lambda: None)
            made[key] = product, png
        return made[key]

    return make


@pytest.fixture
def ds(products):
    """The Dataset of an ascending pass; not to be changed in place."""
    with xr.open_dataset(products()[0]) as ds:
        return ds.load()


class Picture:
    """A PNG, and where its panels are."""

    def __init__(self, path: Path, cells: tuple[int, int], count: int = 2) -> None:
        self.image = Image.open(path)
        self.pixels = np.asarray(self.image)
        self.times = round(drawing.SIDE / max(cells))
        self.cells = cells
        self.boxes = frame.boxes(count, *(size * self.times for size in cells))

    def colours(self, number: int, row: int, column: int) -> set[int]:
        """Colours of the pixels of a cell, as indices of the palette."""
        box, times = self.boxes[number], self.times
        top, left = box.top + row * times, box.left + column * times
        return set(self.pixels[top : top + times, left : left + times].ravel().tolist())


def turned(values, orbit_pass):
    """An array (line, sample) as it must be shown: north up and east right."""
    return values[::-1] if orbit_pass == "Ascending" else values[:, ::-1]


BOTH = pytest.mark.parametrize("orbit_pass", ["Ascending", "Descending"])


# -- which way is up -------------------------------------------------------------------------


@BOTH
def test_each_cell_has_the_colour_of_its_value(products, orbit_pass):
    product, png = products(orbit_pass=orbit_pass)
    with xr.open_dataset(product) as ds:
        ds.load()
    picture = Picture(png, ds["land_mask"].shape)
    lines = {palette.LAND_SIDE, palette.SEA_SIDE}
    compared = 0
    for number, (pol, (lowest, highest)) in enumerate(
        [("VV", drawing.CO_POL), ("VH", drawing.CROSS_POL)]
    ):
        sigma0 = turned(ds["sigma0"].sel(pol=pol).values, orbit_pass)
        empty = turned(ds["digital_number"].sel(pol=pol).values, orbit_pass) == 0
        empty |= np.isnan(sigma0)
        share = (10 * np.log10(np.maximum(sigma0, 1e-9)) - lowest) / (highest - lowest)
        for row, column in np.ndindex(sigma0.shape):
            found = picture.colours(number, row, column) - lines
            if empty[row, column]:
                assert found <= {palette.NO_DATA, palette.NO_DATA_STRIPE}
            elif found:
                (index,) = found
                assert index == int(max(share[row, column], 0) * palette.COLOURS)
                compared += 1
    assert empty.any()
    assert compared > 0.85 * 2 * sigma0.size


@BOTH
def test_edge_of_land_is_where_land_ends(products, orbit_pass):
    """Land is what lies south-west of the centre: whichever way the satellite flew."""
    product, png = products(orbit_pass=orbit_pass)
    with xr.open_dataset(product) as ds:
        land = turned(ds["land_mask"].values == 1, orbit_pass)
    rows, columns = land.shape
    # In the picture itself.
    assert land[-5, 5] and not (land[5, 5] or land[5, -5] or land[-5, -5])
    picture = Picture(png, land.shape)
    padded = np.pad(land, 1, mode="edge")
    sides = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    at_edge = np.any([side != land for side in sides], axis=0)
    assert 0 < at_edge.sum() < 2 * (rows + columns)
    for number in (0, 1):
        for row, column in np.ndindex(land.shape):
            found = picture.colours(number, row, column)
            own, other = palette.SEA_SIDE, palette.LAND_SIDE
            if land[row, column]:
                own, other = other, own
            assert (own in found) == at_edge[row, column]
            assert other not in found


@BOTH
def test_arrow_points_north(products, orbit_pass):
    """By as much as the direction of flight, known to the annotation, is off the meridian."""
    product, png = products(orbit_pass=orbit_pass)
    with xr.open_dataset(product) as ds:
        scene = Scene.of(ds, product.stem)
        # Within -180 to 180; of a descending pass the first line, from north, is on top.
        up = ds.attrs["platform_heading"] + (180 if orbit_pass == "Descending" else 0)
    assert 5 < abs(scene.north) < 20
    assert (scene.north > 0) == (orbit_pass == "Ascending")
    # The heading is that of the satellite, which flies some degrees of longitude away.
    assert scene.north == pytest.approx(-up, abs=5)
    # Where the ink is: the N is in the direction that is meant, seen from the centre.
    drawn = 255 - np.asarray(frame.arrow(scene.north), float)
    rows, columns = np.indices(drawn.shape) - (drawn.shape[0] - 1) / 2
    letter = drawn * (np.hypot(rows, columns) > 0.62 * drawn.shape[0] / 2) * (rows < 0)
    at = np.degrees(
        np.arctan2((letter * columns).sum() / letter.sum(), -(letter * rows).sum() / letter.sum())
    )
    assert at == pytest.approx(scene.north, abs=3)
    # And it is in the picture.
    image = np.asarray(Image.open(png))
    where = image[8 : 8 + drawn.shape[0], -20 - drawn.shape[1] : -20]
    np.testing.assert_array_equal(where, palette.BLACK + ((255 - drawn).astype(int) >> 4))


@pytest.mark.parametrize("heading", [-12, -168, -80, -100, -40, 170, 0, 91])
@pytest.mark.parametrize(("longitude", "latitude"), [(10, 0), (179.99, 60), (-180, -75), (5, 85)])
def test_north_is_within_half_a_quarter_of_up(heading, longitude, latitude):
    """For any direction of flight, also across 180 degrees: cells placed by pyproj."""
    from pyproj import Geod

    geod, n = Geod(ellps="sphere"), 5
    positions = np.zeros((n, n, 2))
    for line, sample in np.ndindex(n, n):
        x, y = 1000.0 * (sample - n // 2), 1000.0 * (line - n // 2)
        azimuth = heading + np.degrees(np.arctan2(x, y))
        positions[line, sample] = geod.fwd(longitude, latitude, azimuth, np.hypot(x, y))[:2]
    view = View.of(positions[..., 0], positions[..., 1])
    assert abs(view.north) <= 45.1
    assert view.metres == pytest.approx(1000, rel=0.01)
    # A step to the north from the centre of the picture, as the picture shows it.
    shown = np.stack([view.turned(positions[..., k]) for k in (0, 1)], axis=-1)
    middle, above, right = shown[2, 2], shown[1, 2], shown[2, 3]
    up = geod.inv(*middle, *above)[0]
    assert (-up - view.north + 180) % 360 - 180 == pytest.approx(0, abs=1)
    # Not mirrored: right is a quarter turn clockwise of up.
    assert (geod.inv(*middle, *right)[0] - up) % 360 == pytest.approx(90, abs=1)


# -- colours ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pol", "scale"), [("VV", (-30, 0)), ("HH", (-30, 0)), ("VH", (-35, -10)), ("HV", (-35, -10))]
)
def test_scales_are_fixed(pol, scale):
    lowest, highest = scale
    assert drawing.scale_of(Panel(pol, np.zeros((2, 2)))) == scale
    db = np.array([-np.inf, lowest - 9, lowest, (lowest + highest) / 2, highest, 99, np.nan])
    last = palette.COLOURS - 1
    found = palette.of_decibels(db, scale).tolist()
    assert found == [0, 0, 0, palette.COLOURS // 2, last, last, palette.NO_DATA]


def lightness(rgb):
    """CIE 1976 lightness, 0 to 100, of sRGB colours (n, 3) in 0 to 255 (IEC 61966-2-1)."""
    share = np.asarray(rgb) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)


def test_lightness_rises_evenly_and_no_data_is_no_dark_sea():
    """What differs in lightness is told apart by any eye, and in black and white."""
    colours = palette.palette()
    steps = np.diff(lightness(colours[: palette.COLOURS])[::8])
    assert steps.min() > 0.7 * steps.mean()
    assert steps.max() < 1.3 * steps.mean()
    striped = lightness(colours[[palette.NO_DATA, palette.NO_DATA_STRIPE]])
    assert striped.min() - lightness(colours[: palette.COLOURS // 2]).max() > 20
    # Beside any colour, one of both lines at the edge of land stands out.
    edges = lightness(colours[[palette.LAND_SIDE, palette.SEA_SIDE]])
    assert np.ptp(edges) == pytest.approx(100)


def test_sea_darker_than_the_noise_is_data(ds):
    values = ds["sigma0"].copy()
    values[:, 30, 40] = -1e-4
    values[:, 30, 41] = np.nan
    # The co-polarised one is on the left, whatever comes first.
    scene = Scene.of(ds.assign(sigma0=values).isel(pol=[1, 0]).drop_vars("land_mask"), "x")
    assert scene.land is None
    assert [panel.pol for panel in scene.panels] == ["VV", "VH"]
    for panel in scene.panels:
        shown = palette.of_decibels(panel.db[::-1], drawing.scale_of(panel))
        assert (shown[30, 40], shown[30, 41]) == (0, palette.NO_DATA)
    # One polarisation by itself.
    (panel,) = Scene.of(ds.sel(pol="VH"), "a").panels
    assert panel.pol == "VH"


# -- sizes and kinds -------------------------------------------------------------------------


@pytest.mark.parametrize("pols", [("VV",), ("HH", "HV"), ("HH",)], ids="-".join)
def test_other_polarisations(products, pols):
    product, png = products(1, pols=pols)
    picture = Picture(png, (60, 90), len(pols))
    assert picture.image.width >= picture.boxes[-1].columns.stop
    two = Picture(products()[1], (60, 90))
    assert (picture.image.width < two.image.width) == (len(pols) == 1)
    with xr.open_dataset(product) as ds:
        scene = Scene.of(ds, product.stem)
    assert [panel.pol for panel in scene.panels] == list(pols)
    title, details = frame.texts(scene)
    assert title == f"S1A IW GRDH   2024-03-01 18:01:00 UTC   {' '.join(pols)}"
    assert details.startswith(f"{product.stem}      48.41° N  4.89° W")


def test_means_of_cells_leave_out_what_is_no_data():
    values = np.arange(5 * 7, dtype=float).reshape(5, 7)
    values[0, 0] = np.nan
    count = np.ones_like(values, "uint16")
    count[0, 1] = count[2:4, 4:6] = 0
    found = means(values, count, 2)
    assert found.shape == (2, 3)
    assert found[0, 0] == (7 + 8) / 2
    assert np.isnan(found[1, 2])
    assert found[0, 1] == (2 + 3 + 9 + 10) / 4
    np.testing.assert_array_equal(means(values, None, 1), values)


def test_picture_of_many_cells_is_no_larger():
    """As at 100 m: each cell of the picture is the mean of 2 x 2."""
    north, east = np.indices((1100, 1300), "float32") * np.float32(1e-3)
    sigma0 = np.random.default_rng(0).random((2, *north.shape)) * 0.1
    grid = ("line", "sample")
    many = {
        "sigma0": (("pol", *grid), sigma0),
        "longitude": (grid, east),
        "latitude": (grid, north),
    }
    scene = Scene.of(xr.Dataset(many, {"pol": ["VV", "VH"]}), "x")
    expected = sigma0.reshape(2, 550, 2, 650, 2).mean(axis=(2, 4))[:, ::-1]
    np.testing.assert_allclose([p.db for p in scene.panels], 10 * np.log10(expected))
    assert scene.land is None
    # At half a degree north, of a sphere.
    assert scene.metres == pytest.approx(2 * 111.195, rel=0.01)
    assert drawing.draw(scene).width == 2 * 650 + 64


def test_size_and_cpu_of_a_full_picture(ds, tmp_path):
    """Cells of a full scene: a report holds dozens of these, and no conversion must feel it."""
    full = ds.isel(line=np.arange(166) % 60, sample=np.arange(261) % 90)
    quicklook.warm_up()
    path, times = tmp_path / "full.png", []
    for _ in range(5):
        begin = time.process_time()
        quicklook.make(full, "x", path)
        times.append(time.process_time() - begin)
    # 17 ms where it was written.
    assert min(times) < 0.05
    assert path.stat().st_size < 150_000


# -- never a product's failure ---------------------------------------------------------------


def without(name):
    return lambda ds: ds.drop_vars(name)


UNFIT = {
    "no sigma0": (without("sigma0"), "the result holds no sigma0"),
    "no longitude": (without("longitude"), "the result holds no longitude"),
    "other dimensions": (
        lambda ds: ds.stack(cell=["line", "sample"]),
        "longitude has dimensions ('cell',), not line and sample",
    ),
    "one line": (lambda ds: ds.isel(line=[3]), "1 x 90 cells are too few"),
    "no polarisation": (
        lambda ds: ds.isel(pol=0).drop_vars("pol"),
        "the result does not say of which polarisation sigma0 is",
    ),
    "a polarisation nobody knows": (lambda ds: ds.assign_coords(pol=["VV", "X"]), "X is no polar"),
    "all cells in one place": (
        lambda ds: ds.assign_coords(longitude=ds["longitude"] * 0, latitude=ds["latitude"] * 0),
        "positions do not tell where north is",
    ),
}


@pytest.mark.parametrize(("change", "reason"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_drawn_is_said(change, reason, ds, tmp_path, caplog):
    caplog.set_level(logging.INFO, "xsar_batch")
    path = tmp_path / "quicklooks" / "a.png"
    with pytest.raises(NoQuicklook):
        quicklook.make(change(ds), "a", path)
    assert not quicklook.attempt(change(ds), "a", path)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"no quicklook: {reason}")
    assert not path.parent.exists()


def test_full_disk_is_one_line_in_the_log(ds, tmp_path, caplog):
    caplog.set_level(logging.INFO, "xsar_batch")
    path = tmp_path / "a.png"
    path.write_bytes(b"of the product that was there before")
    # Where the picture is written before it gets its name: not a byte has room there.
    with pytest.raises(InterruptedError), atomic_write.published(path) as temporary:
        raise InterruptedError
    temporary.symlink_to("/dev/full")
    assert not quicklook.attempt(ds, "a", path)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "no quicklook: OSError: [Errno 28] No space left on device"
    # The old one would show another product.
    assert list(tmp_path.iterdir()) == []


def test_lack_of_pillow_is_one_line_in_the_log(ds, tmp_path, caplog, monkeypatch):
    """As after an update of this project without one of its environment."""
    caplog.set_level(logging.INFO, "xsar_batch")
    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("drawing", "frame"):
        monkeypatch.delitem(sys.modules, f"xsar_batch.quicklook.{name}")
    quicklook.warm_up()
    assert not quicklook.attempt(ds, "a", tmp_path / "a.png")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("no quicklook: ModuleNotFoundError: ")


def by_hand(safe, folder, land, *more):
    """Convert in a process of its own; returns how it ended, product, log and quicklook."""
    product, png, log = folder / "a.nc", folder / "quicklooks" / "a.png", folder / "a.log"
    words = [safe, product, "--land-mask", land, "--quicklook", png, "--log", log]
    return run(sys.executable, SCRIPTS / "convert.py", *words, *more), product, log, png


def test_file_instead_of_the_folder_fails_no_product(scene, land, tmp_path):
    (tmp_path / "quicklooks").write_text("in the way")
    ran, product, log, _ = by_hand(scene(), tmp_path, land)
    assert (ran.code, ran.out) == (0, "")
    assert last_line(log).startswith("DONE ")
    assert "no quicklook: FileExistsError: " in log.read_text()
    assert product.is_file()
    assert (tmp_path / "quicklooks").read_text() == "in the way"


def test_picture_of_before_stays_while_its_product_does(scene, land, tmp_path):
    (tmp_path / "quicklooks").mkdir()
    (tmp_path / "quicklooks" / "a.png").write_bytes(b"old")
    # A conversion that fails gives the old product back, of which this is the picture.
    bad = copy_safe(scene(), tmp_path)
    only(bad, TIFF).write_bytes(b"")
    ran, _, _, png = by_hand(bad, tmp_path, land)
    assert ran.code == 65
    assert png.read_bytes() == b"old"
    # A result that cannot be drawn: there is another product now, and no picture of it.
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from xsar_batch.l1b import l1b\n"
        "def convert(safe, resolution): return l1b(safe, resolution)[['incidence']]\n"
    )
    ran, product, log, png = by_hand(scene(), tmp_path, land, "--function", f"{mine}:convert")
    assert (ran.code, product.is_file(), png.exists()) == (0, True, False)
    assert "no quicklook: the result holds no longitude" in log.read_text()


def test_job_of_a_run_draws_unless_told_otherwise(tmp_path):
    known = {"output_dir": str(tmp_path / "out"), "land_mask": "x", "recipe": {}}
    known |= {"function": user_function.OURS, "compression": 4}
    for wanted, expected in ((True, tmp_path / "out" / "quicklooks" / "a.png"), (False, None)):
        job_table.write(tmp_path / "run.sqlite", {**known, "quicklooks": wanted}, {"a": "/a.SAFE"})
        assert Job.of_run(tmp_path / "run.sqlite", "a", 1).quicklook == expected


# -- by hand ---------------------------------------------------------------------------------


def test_script_draws_a_product_that_is_there(products, tmp_path):
    product, png = products()
    ran = run(sys.executable, SCRIPTS / "quicklook.py", product, tmp_path / "new" / "a.png")
    assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "new" / "a.png").read_bytes() == png.read_bytes()


def test_product_that_was_renamed_still_has_its_name(products, tmp_path):
    product, png = products()
    other = tmp_path / "other.nc"
    other.symlink_to(product)
    quicklook.of_product(other, tmp_path / "other.png")
    assert (tmp_path / "other.png").read_bytes() == png.read_bytes()
    # One of a stranger has but the name of its file.
    assert quicklook.name_of(xr.Dataset(attrs={"source": "a model"}), other) == "other"
    assert frame.texts(Scene("other", [], None, 0, 1, (0, -1)))[0].startswith("other")
