"""Demo scenes: whole, and honest about themselves."""

import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import sentinel1_demo_scenes as demo
from pyproj import Geod
from sentinel1_demo_scenes.geometry import SPEED_OF_LIGHT, earth_fixed


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.make_safe(tmp_path_factory.mktemp("demo"))


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def annotation(safe: Path, pol: str = "vv") -> ET.Element:
    (path,) = (safe / "annotation").glob(f"*-{pol}-*.xml")
    return ET.parse(path).getroot()


def column(root: ET.Element, name: str) -> np.ndarray:
    """A value of all points of the geolocation grid, as 10 lines x 21 pixels"""
    points = root.iter("geolocationGridPoint")
    return np.array([float(point.findtext(name)) for point in points]).reshape(10, 21)


def image(safe: Path, pol: str = "vv") -> np.ndarray:
    (path,) = (safe / "measurement").glob(f"*-{pol}-*.tiff")
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def test_manifest_lists_every_file_with_true_size_and_checksum(safe: Path) -> None:
    root = ET.parse(safe / "manifest.safe").getroot()
    listed = {}
    for stream in root.iter("byteStream"):
        path = safe / stream.find("fileLocation").get("href")
        assert path.stat().st_size == int(stream.get("size"))
        assert hashlib.md5(path.read_bytes()).hexdigest() == stream.findtext("checksum")
        listed[str(path.relative_to(safe))] = stream
    assert set(contents(safe)) - {"manifest.safe"} == set(listed)
    assert len(listed) == 8
    kinds = [data.get("repID") for data in root.iter("dataObject")]
    assert sorted(set(kinds)) == [
        f"s1Level1{kind}Schema" for kind in ("Calibration", "Measurement", "Noise", "Product")
    ]


def test_name_times_and_manifest_agree(safe: Path) -> None:
    mission, mode, product, kind, start, stop, orbit, take, unique = safe.stem.split("_")
    assert (mission, mode, product, kind) == ("S1A", "IW", "GRDH", "1SDV")
    assert (start, stop) == ("20240301T180000", "20240301T180002")
    assert len(orbit) == len(take) == 6
    assert len(unique) == 4
    root = annotation(safe)
    first, last = (
        datetime.fromisoformat(root.findtext(f"imageAnnotation/imageInformation/product{end}"))
        for end in ("FirstLineUtcTime", "LastLineUtcTime")
    )
    interval = float(root.findtext("imageAnnotation/imageInformation/azimuthTimeInterval"))
    assert (last - first).total_seconds() == pytest.approx(1499 * interval, abs=2e-6)
    assert f"{last:%Y%m%dT%H%M%S}" == stop
    manifest = (safe / "manifest.safe").read_text()
    for text in (
        'name="Sentinel-1 IPF" version="003.71"',
        'stop="2024-03-01T20:00:00.000000">\n            <safe:facility country="France"',
        f'<safe:orbitNumber type="start">{int(orbit)}</safe:orbitNumber>',
        f"<s1sarl1:missionDataTakeID>{int(take, 16)}</s1sarl1:missionDataTakeID>",
        "<s1:pass>ASCENDING</s1:pass>",
        f"<safe:stopTime>{last:%Y-%m-%dT%H:%M:%S.%f}</safe:stopTime>",
    ):
        assert text in manifest


def test_same_parameters_same_bytes(safe: Path, tmp_path: Path) -> None:
    again = demo.make_safe(tmp_path)
    assert again.name == safe.name
    assert contents(again) == contents(safe)
    assert not list(tmp_path.glob(".*"))


def test_other_seed_other_speckle_and_name(safe: Path, tmp_path: Path) -> None:
    other = demo.make_safe(tmp_path, seed=1)
    assert other.name != safe.name
    # Where all have data; two draws of one dark pixel are often the same whole number.
    inner = np.s_[100:, 100:-100]
    assert (image(other)[inner] != image(safe)[inner]).mean() > 0.9
    assert (image(safe, "vv")[inner] != image(safe, "vh")[inner]).mean() > 0.9


def test_reprocessed_twin_differs_in_id_and_processing_time_only(tmp_path: Path) -> None:
    size = {"lines": 600, "samples": 700}
    first = demo.make_safe(tmp_path, **size, unique_id="AAAA")
    later = demo.make_safe(
        tmp_path, **size, unique_id="BBBB", processed=datetime(2024, 3, 2), ipf="003.80"
    )
    assert first.name.removesuffix("AAAA.SAFE") == later.name.removesuffix("BBBB.SAFE")
    assert 'stop="2024-03-02T00:00:00.000000"' in (later / "manifest.safe").read_text()
    assert (image(first) == image(later)).all()
    with pytest.raises(FileExistsError):
        demo.make_safe(tmp_path, **size, unique_id="AAAA")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"lines": 16700, "samples": 26000},
        {"lines": 16700, "samples": 26000, "orbit_pass": "Descending"},
        {"mode": "EW", "product": "GRDM", "lines": 10000, "samples": 10400, "latitude": 75.0},
        {"longitude": 179.95, "latitude": -20.0},
    ],
    ids=["small", "full", "descending", "EW", "antimeridian"],
)
def test_pixels_are_where_spacing_and_pass_say(parameters: dict) -> None:
    product = demo.Product(**parameters)
    lines, pixels = product.grid
    assert (lines[0], lines[-1]) == (0, product.lines - 1)
    assert (pixels[0], pixels[-1]) == (0, product.samples - 1)
    points = product.geometry.locate(lines[:, None], pixels[None, :])
    assert np.abs(points.longitude).max() <= 180
    geod = Geod(ellps="WGS84")

    def steps(first: tuple, second: tuple) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = points.longitude, points.latitude
        azimuth, _, metres = geod.inv(lon[first], lat[first], lon[second], lat[second])
        return azimuth, metres

    everything, but_last, but_first = slice(None), slice(None, -1), slice(1, None)
    along, metres = steps((but_last, everything), (but_first, everything))
    np.testing.assert_allclose(metres / np.diff(lines)[:, None], product.spacing, rtol=0.01)
    across, metres = steps((everything, but_last), (everything, but_first))
    np.testing.assert_allclose(metres / np.diff(pixels)[None, :], product.spacing, rtol=0.01)
    # Right-looking: samples increase to the right of the flight.
    turn = (across[:-1] - along[:, :-1]) % 360
    np.testing.assert_allclose(turn, 90, atol=1.5)
    north = np.cos(np.radians(along))
    assert (north > 0.5).all() if product.orbit_pass == "Ascending" else (north < -0.5).all()


def test_angles_and_ranges_of_a_full_scene() -> None:
    geometry = demo.Product(lines=16700, samples=26000).geometry
    points = geometry.locate(0, [0, 25999])
    np.testing.assert_allclose(points.incidence, [30.5, 46.0], atol=0.2)
    assert (points.elevation < points.incidence).all()
    # The state vectors, the positions and the slant ranges are three views of one thing.
    position, velocity = geometry.orbit(np.array([-16699 / 2 * 10 / 6670]))
    ground = earth_fixed(points.longitude, points.latitude, points.height)
    sight = ground - position
    metres = np.linalg.norm(sight, axis=-1)
    np.testing.assert_allclose(points.slant_range_time * SPEED_OF_LIGHT / 2, metres, atol=0.01)
    squint = np.degrees(np.arcsin(sight @ velocity[0] / metres / np.linalg.norm(velocity)))
    np.testing.assert_allclose(squint, 0, atol=0.05)


def test_annotated_grid_is_that_of_the_geometry_and_of_the_tiff(safe: Path) -> None:
    root = annotation(safe)
    points = demo.Product().geometry.locate(column(root, "line"), column(root, "pixel"))
    for name in ("longitude", "latitude", "height"):
        np.testing.assert_allclose(column(root, name), getattr(points, name), rtol=1e-12)
    (path,) = (safe / "measurement").glob("*-vv-*.tiff")
    with rasterio.open(path) as dataset:
        control, system = dataset.gcps
        assert dataset.dtypes == ("uint16",)
        assert dataset.block_shapes == [(1, 2000)]
        assert dataset.compression is None
    assert system.to_epsg() == 4326
    found = np.array([(point.row, point.col, point.x, point.y, point.z) for point in control])
    names = ("line", "pixel", "longitude", "latitude", "height")
    np.testing.assert_allclose(found.T, [column(root, name).ravel() for name in names], atol=1e-9)


@pytest.mark.parametrize("size", [(600, 700), (1500, 2000), (16700, 26000)])
def test_truth_is_within_its_bounds(size: tuple[int, int]) -> None:
    lines, samples = size
    line, sample = np.linspace(0, lines - 1, 97)[:, None], np.linspace(0, samples - 1, 101)[None]
    for pol, low, high in (("VV", -16, -6), ("HH", -16, -6), ("VH", -26, -18), ("HV", -26, -18)):
        db = 10 * np.log10(demo.true_sigma0(pol, line, sample, lines=lines, samples=samples))
        assert db.shape == (97, 101)
        assert low <= db.min() < low + 1.5
        assert high - 1.5 < db.max() <= high


def test_border_is_zero_and_nothing_else_is(safe: Path) -> None:
    top, near, far = demo.border(1500, 2000)
    assert (top, near, far) == (demo.BORDER_TOP, demo.BORDER_NEAR, demo.BORDER_FAR)
    pixels = image(safe)
    assert pixels[top:, near:-far].min() >= 1
    pixels[top:, near:-far] = 0
    assert not pixels.any()


def test_stepped_edges_are_where_it_says(tmp_path: Path) -> None:
    pixels = image(demo.make_safe(tmp_path, edges="stepped", pols=["VV"]))
    first, last = demo.ends(demo.Product(edges="stepped", pols=["VV"]))
    sample = np.arange(2000)
    inside = (sample >= first[:, None]) & (sample <= last[:, None])
    np.testing.assert_array_equal(pixels > 0, inside)
    # Sub-swaths begin and end one after the other; far range moves along track.
    swaths = demo.Product(edges="stepped").swaths
    assert last[0] == swaths[0].last and last[demo.BORDER_TOP] == swaths[1].last
    assert first[-1] == swaths[2].first
    assert np.ptp(last[100:-100]) > demo.BORDER_FAR


@pytest.mark.parametrize(("mode", "product"), [("IW", "GRDH"), ("EW", "GRDM")])
def test_staggered_edges_are_those_of_the_annotation(
    mode: str, product: str, tmp_path: Path
) -> None:
    size = {"lines": 960, "samples": 700}
    safe = demo.make_safe(
        tmp_path, edges="staggered", pols=["VV"], mode=mode, product=product, **size
    )
    vectors = list(noise(safe).iter("noiseAzimuthVector"))
    inside = covered(vectors, tuple(size.values()))
    assert inside.max() == 1 and 0.6 < inside.mean() < 0.95
    _, near, far = demo.border(*size.values())
    inside[:, :near] = inside[:, -far:] = 0
    np.testing.assert_array_equal(image(safe) > 0, inside)
    # Noise in range is 0 where a sub-swath has not begun or has ended.
    for vector in noise(safe).iter("noiseRangeVector"):
        pixels, values = (
            np.array(vector.findtext(name).split(), float) for name in ("pixel", "noiseRangeLut")
        )
        there = covered(vectors, tuple(size.values()))[int(vector.findtext("line"))]
        np.testing.assert_array_equal(values > 0, there[pixels.astype(int)])


def test_checkerboard(tmp_path: Path) -> None:
    safe = demo.make_safe(tmp_path, lines=650, samples=730, pixels="checkerboard", pols=["VV"])
    line, sample = np.indices((650, 730)) // demo.CHECKERBOARD_CELL
    np.testing.assert_array_equal(image(safe), np.where((line + sample) % 2, 300, 100))


def noise(safe: Path) -> ET.Element:
    (path,) = (safe / "annotation/calibration").glob("noise-*-001.xml")
    return ET.parse(path).getroot()


def covered(blocks: Iterable[ET.Element], shape: tuple[int, int]) -> np.ndarray:
    """How many of the blocks each pixel is in"""
    count = np.zeros(shape, int)
    for block in blocks:
        edges = {item.tag: int(item.text) for item in block if item.tag.startswith(("fir", "las"))}
        count[
            edges["firstAzimuthLine"] : edges["lastAzimuthLine"] + 1,
            edges["firstRangeSample"] : edges["lastRangeSample"] + 1,
        ] += 1
    return count


@pytest.mark.parametrize(
    ("parameters", "swaths", "blocks"),
    [({}, 3, 1), ({"ipf": "002.72"}, 3, 2), ({"mode": "EW", "product": "GRDM"}, 5, 2)],
    ids=["IW", "old", "EW"],
)
def test_blocks_cover_the_image_without_gap_or_overlap(
    parameters: dict, swaths: int, blocks: int, tmp_path: Path
) -> None:
    made = demo.make_safe(tmp_path, lines=600, samples=700, pols=("VH",), **parameters)
    bounds = list(annotation(made, "vh").iter("swathBounds"))
    assert len(bounds) == swaths * blocks
    assert (covered(bounds, (600, 700)) == 1).all()
    merges = [merge.findtext("swath") for merge in annotation(made, "vh").iter("swathMerge")]
    assert merges == [f"{made.name[4:6]}{k + 1}" for k in range(swaths)]
    vectors = list(noise(made).iter("noiseAzimuthVector"))
    assert len(vectors) == (0 if "ipf" in parameters else len(bounds))
    assert not vectors or (covered(vectors, (600, 700)) == 1).all()
    for vector in vectors:
        lines = [int(line) for line in vector.findtext("line").split()]
        edges = [int(vector.findtext(f"{end}AzimuthLine")) for end in ("first", "last")]
        assert [lines[0], lines[-1]] == edges


def test_noise_and_polynomials_have_the_form_of_their_ipf(tmp_path: Path) -> None:
    size = {"lines": 700, "samples": 700, "pols": ("VV",)}
    new, old, oldest = (
        demo.make_safe(tmp_path, **size, ipf=ipf) for ipf in ("003.71", "002.72", "002.36")
    )
    lists = [[part.tag for part in noise(safe)[1:]] for safe in (new, old, oldest)]
    assert lists[0] == ["noiseRangeVectorList", "noiseAzimuthVectorList"]
    assert lists[1] == lists[2] == ["noiseVectorList"]
    pixels = [{vector.text for vector in noise(safe).iter("pixel")} for safe in (new, old)]
    assert [len(kinds) for kinds in pixels] == [1, 3]
    values = [
        [float(value) for value in noise(safe).find(".//noiseLut").text.split()]
        for safe in (old, oldest)
    ]
    np.testing.assert_allclose(values[1], np.array(values[0]) / 1e12, rtol=1e-5)
    rates = [annotation(safe).find(".//azimuthFmRate") for safe in (new, old, oldest)]
    assert [rate.find("c2") is None for rate in rates] == [True, True, False]
    assert [rate.find("azimuthFmRatePolynomial") is None for rate in rates] == [False, False, True]
    numbers = [rates[2].findtext(name) for name in ("c0", "c1", "c2")]
    np.testing.assert_allclose(
        [float(number) for number in numbers],
        [float(number) for number in rates[1].findtext("azimuthFmRatePolynomial").split()],
    )
    patterns = [
        annotation(safe).find(".//antennaPatternList/antennaPattern") for safe in (old, oldest)
    ]
    assert [pattern.find("roll") is None for pattern in patterns] == [False, True]


def test_stripmap_has_no_merged_swaths(tmp_path: Path) -> None:
    safe = demo.make_safe(tmp_path, mode="S4", pols=("HH", "HV"), lines=600, samples=700)
    assert safe.name.startswith("S1A_S4_GRDH_1SDH_")
    merged = annotation(safe, "hh").find("swathMerging/swathMergeList")
    assert merged.get("count") == "0"
    assert len(merged) == 0
    assert "<s1sarl1:mode>SM</s1sarl1:mode>" in (safe / "manifest.safe").read_text()


@pytest.mark.parametrize(
    "parameters",
    [
        {"pols": ("VV", "HH")},
        {"mode": "WV"},
        {"lines": 99},
        {"ipf": "2.72"},
        {"product": "GRDF"},
        {"latitude": 89.0},
        {"unique_id": "XYZ!"},
        {"edges": "torn"},
        {"start": datetime(2010, 1, 1)},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_refuses_what_no_product_has(parameters: dict, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        demo.make_safe(tmp_path, **parameters)
    assert not list(tmp_path.iterdir())


def test_command_line_makes_scenes_and_can_be_repeated(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sentinel1_demo_scenes", str(tmp_path / "in")]
    options = ["--count", "4", "--lines", "600", "--samples", "700"]
    runs = [
        subprocess.run(command + options, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    printed = [Path(line) for line in runs[0].stdout.splitlines()]
    assert len(set(printed)) == 4
    assert all((safe / "manifest.safe").is_file() for safe in printed)
    assert sorted(printed) == sorted((tmp_path / "in").iterdir())
    assert runs[1].stdout == runs[0].stdout
    assert len({safe.name.split("_")[6] for safe in printed}) == 1  # one pass, one orbit
    assert runs[0].stderr == ""
    centres = [annotation(safe) for safe in printed]
    assert len({column(root, "latitude").mean().round(2) for root in centres}) == 4


def test_command_line_makes_other_kinds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sentinel1_demo_scenes", str(tmp_path), "--count", "1"]
    command += ["--lines", "200", "--samples", "300", "--mode", "EW", "--polarisation", "DH"]
    command += ["--mission", "S1D", "--ipf", "004.00"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    made = Path(run.stdout.strip())
    assert re.match("S1D_EW_GRDM_1SDH_20260301T180000_", made.name)
    assert 'version="004.00"' in (made / "manifest.safe").read_text()
    assert image(made, "hv").shape == (200, 300)


def test_command_line_makes_scenes_at_a_place(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sentinel1_demo_scenes", tmp_path, "--at", "-180", "-17"]
    command += ["--count", "2", "--lines", "600", "--samples", "700", "--edges", "stepped"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for safe in map(Path, printed.split()):
        longitude = column(annotation(safe), "longitude")
        assert longitude.min() < -179.9 and longitude.max() > 179.9
        assert column(annotation(safe), "latitude").mean() == pytest.approx(-17, abs=0.01)
    assert len(printed.split()) == 2


def test_command_line_refuses_bad_sizes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sentinel1_demo_scenes", str(tmp_path), "--lines", "5"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert "100 to 65535 lines" in run.stderr
    assert "Traceback" not in run.stderr
