"""What real products have and a check must not take for a fault, on made-up scenes like them."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
import sentinel1_demo_scenes as demo
from lxml import etree
from safes import NOISE, as_cog, copy_safe, edit, only, other_tiff, seal
from sentinel1_demo_scenes.annotation import annotation as annotation_of

from xsar_batch.failures import BadSafe, Unsupported
from xsar_batch.sentinel1 import annotation, files, geometry, safe
from xsar_batch.sentinel1.annotation import Annotation, Orbit

LIGHT = geometry.SPEED_OF_LIGHT


def annotated(**parameters) -> Annotation:
    """The annotation of a whole scene, without its pixels."""
    product = demo.Product(pols=("HH",), **parameters)
    text = annotation_of(product, "HH").encode()
    return annotation.read(files.parse(text, "annotation", "product"), "annotation")


def wide(**parameters) -> Annotation:
    return annotated(mode="EW", product="GRDM", lines=10_000, samples=10_400, **parameters)


# -- geometry --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image() -> Annotation:
    return annotated(lines=16_700, samples=26_000)


def with_vectors(one: Annotation, first: float, last: float) -> Annotation:
    """With state vectors each second from ``first`` to ``last``."""
    time = np.arange(first, last + 0.5, 1)
    return dataclasses.replace(one, orbit=Orbit(time, *geometry.at_times(one.orbit, time)))


def test_orbit_may_end_with_the_image(image):
    """IPF 2.36 gives the vectors of the image alone, rounded to some milliseconds."""
    first, last = image.grid.time.min(), image.grid.time.max()

    geometry.check(with_vectors(image, first + 0.01, last - 0.01))
    with pytest.raises(ValueError, match="the orbit does not cover the image"):
        geometry.check(with_vectors(image, first + 1.1, last))
    with pytest.raises(ValueError, match="the orbit does not cover the image"):
        geometry.check(with_vectors(image, first, last - 2.1))


def on_plateau(one: Annotation, height: float) -> Annotation:
    """The same image of ground at ``height`` metres, where samples are equally spaced."""
    satellite, velocity = geometry.at_times(one.orbit, one.grid.time)
    radius = np.linalg.norm(satellite, axis=-1)
    shape = one.grid.time.shape
    earth = np.linalg.norm(
        geometry.earth_fixed(one.grid.longitude, one.grid.latitude, np.full(shape, height)), axis=-1
    )
    slant = one.grid.slant_range_time[:, :1] * LIGHT / 2
    first = earth * np.arccos((radius**2 + earth**2 - slant**2) / (2 * radius * earth))
    ground = first[:, :1] + one.grid.sample * one.sample_spacing
    slant = np.sqrt(radius**2 + earth**2 - 2 * radius * earth * np.cos(ground / earth))
    # Zero Doppler: at a right angle to the flight, on the side where the image is.
    ahead = velocity / np.linalg.norm(velocity, axis=-1, keepdims=True)
    down = -satellite + (satellite * ahead).sum(-1, keepdims=True) * ahead
    down /= np.linalg.norm(down, axis=-1, keepdims=True)
    aside = np.cross(ahead, down)
    near = geometry.earth_fixed(one.grid.longitude, one.grid.latitude, one.grid.height) - satellite
    aside *= np.sign((near * aside).sum(-1, keepdims=True))
    low, high = np.radians(10), np.radians(60)
    low, high = np.full(shape, low), np.full(shape, high)
    for _ in range(50):
        look = (low + high) / 2
        sight = np.cos(look)[..., None] * down + np.sin(look)[..., None] * aside
        longitude, latitude, above = _geodetic(satellite + slant[..., None] * sight)
        low, high = np.where(above < height, look, low), np.where(above < height, high, look)
    up = geometry.vertical(longitude, latitude)
    grid = dataclasses.replace(
        one.grid,
        longitude=longitude,
        latitude=latitude,
        height=np.full(shape, height),
        slant_range_time=2 * slant / LIGHT,
        incidence=np.degrees(np.arccos(-(sight * up).sum(-1))),
        elevation=np.degrees(np.arccos(-(sight * satellite).sum(-1) / radius)),
    )
    return dataclasses.replace(one, grid=grid)


def _geodetic(place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from pyproj import Transformer

    return Transformer.from_crs(4978, 4979, always_xy=True).transform(*np.moveaxis(place, -1, 0))


@pytest.mark.parametrize("height", [0.0, 3000.0, 5000.0])
def test_ground_may_be_a_plateau(height):
    """Greenland and Antarctica in EW: on the ellipsoid samples would be 1.6 km off."""
    geometry.check(on_plateau(wide(latitude=72.0, longitude=-40.0), height))


def test_samples_that_do_not_fit_are_told_on_a_plateau_too():
    one = on_plateau(wide(latitude=72.0, longitude=-40.0), 3000.0)
    bent = one.grid.sample + 0.2 * np.arange(one.grid.sample.size) ** 2 * 10
    grid = dataclasses.replace(one.grid, sample=bent * one.grid.sample[-1] / bent[-1])

    with pytest.raises(ValueError, match=r"pixel is up to \d+ m off"):
        geometry.check(dataclasses.replace(one, grid=grid))


@pytest.mark.parametrize("orbit_pass", ["Ascending", "Descending"])
def test_pass_may_change_within_an_image(orbit_pass):
    """Near 82 degrees of latitude the satellite turns, and the annotation says one of both."""
    time = np.arange(-32.0, 33.0, 1)
    angle, tilt = 2 * np.pi * time / 5925, np.radians(98.18)
    # From the northernmost point.
    ahead = np.array([0, -1.0, 0])
    top = np.array([-np.cos(tilt), 0, np.sin(tilt)])
    radius, speed = 7.07e6, 7.5e3
    place = radius * (np.cos(angle)[:, None] * top + np.sin(angle)[:, None] * ahead)
    velocity = speed * (np.cos(angle)[:, None] * ahead - np.sin(angle)[:, None] * top)

    class Said:
        heading = -90.0

    Said.orbit_pass = orbit_pass
    geometry._check_heading(Said, place, velocity)
    for wrong, what in ((-60.0, "platformHeading"), (90.0, "platformHeading")):
        Said.heading = wrong
        with pytest.raises(ValueError, match=what):
            geometry._check_heading(Said, place, velocity)
    Said.heading, Said.orbit_pass = -105.0, "Ascending"
    with pytest.raises(ValueError, match="the pass is Ascending, the orbit's Descending"):
        geometry._check_heading(Said, place[40:], velocity[40:])


# -- noise -----------------------------------------------------------------------------------


def test_noise_vectors_may_have_pixels_of_their_own(scene, tmp_path):
    """EW has five swaths, at whose moving edges a vector may have one or two more each."""
    path = copy_safe(scene(), tmp_path)
    noise = only(path, NOISE)
    tree = etree.parse(noise)
    vector = tree.findall(".//noiseRangeVector")[-1]
    for tag in ("pixel", "noiseRangeLut"):
        one = vector.find(tag)
        words = one.text.split()
        is_place = tag == "pixel"
        extra = [int(words[-2]) + 1 + k if is_place else words[-2] for k in range(20)]
        words[-1:-1] = map(str, extra)
        one.text = " ".join(words)
        one.set("count", str(len(words)))
    tree.write(noise)
    seal(path)

    assert safe.check(path)


# -- COG -------------------------------------------------------------------------------------


def test_cog_passes_with_the_version_of_its_processor(scene, tmp_path):
    path = as_cog(scene(), tmp_path)
    checked = safe.check(path)

    assert checked.name == f"{scene().stem}_COG"
    assert (checked.ipf, checked.polarisations) == ("003.71", ("VV", "VH"))
    with pytest.raises(
        Unsupported, match=r"\(COG\), which plain xsar cannot open: .*repairs: true"
    ):
        safe.check(path, repairs=False)


def test_cog_is_checked_as_any(scene, tmp_path):
    path = as_cog(scene(), tmp_path)
    other_tiff(nodata=200)(path)
    with pytest.raises(BadSafe, match=r"declares 200\.0 to be no data"):
        safe.check(path)
    edit(path / "manifest.safe", r'IPF" version="003.71"', 'IPF" version="new"', count=0)
    with pytest.raises(BadSafe, match="names no version of the processor: 'new'"):
        safe.check(path)


@pytest.mark.parametrize("mission", ["S1A", "S1B", "S1C", "S1D"])
def test_cog_of_every_mission(mission, scene, tmp_path):
    start = dt.datetime(2021 if mission == "S1B" else 2026, 6, 1)
    safe.check(as_cog(scene(mission=mission, start=start, pols=("HH",)), tmp_path))
