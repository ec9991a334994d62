"""What a product must hold, worked out from XML and pixels without xsar and without our check.

Only what is bilinear, or a look-up, needs to be known: the geolocation grid, the tables of
calibration and noise, the mean of squares of pixels. Everything is compared that a product holds,
but for the ground heading and the land mask, which must be those of the whole SAFE.
"""

import re
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from lxml import etree
from scipy.interpolate import RegularGridInterpolator

from xsar_batch.product.quality_flag import NO_DATA

CELL = 1000.0


class Metadata:
    """The XML of a SAFE, by polarisation in the manifest's order."""

    def __init__(self, safe: Path) -> None:
        manifest = parsed(safe / "manifest.safe")
        self.pols = [
            one.text.strip()
            for one in manifest.iter()
            if one.tag.endswith("}transmitterReceiverPolarisation")
        ]
        hrefs = [one.get("href") for one in manifest.iter("fileLocation")]

        def root(pol: str, prefix: str) -> etree._Element:
            pattern = rf"\./annotation/(calibration/)?{prefix}s1.-.*-{pol.lower()}-.*\.xml"
            (href,) = (href for href in hrefs if re.fullmatch(pattern, href))
            return parsed(safe / href)

        self.annotation = {pol: root(pol, "") for pol in self.pols}
        self.calibration = {pol: root(pol, "calibration-") for pol in self.pols}
        self.noise = {pol: root(pol, "noise-") for pol in self.pols}
        self.tiffs = {
            pol: safe / next(href for href in hrefs if re.search(rf"-{pol.lower()}-.*tiff", href))
            for pol in self.pols
        }


def parsed(path: Path) -> etree._Element:
    parser = etree.XMLParser(remove_comments=True, remove_pis=True)
    return etree.fromstring(path.read_bytes(), parser)


def floats(text: str) -> np.ndarray:
    return np.array([float(value) for value in text.split()])


def stamp(text: str) -> float:
    """Seconds since 1970."""
    return float(np.datetime64(text.strip(), "us").astype(np.int64)) / 1e6


def differences(product: Path, safe: Path, whole: Path, fate: str) -> list[str]:
    """What is wrong with the product of a broken SAFE; nothing if it is right.

    ``whole`` is the product of the whole SAFE; ``fate`` as in ``safe_kinds``.
    """
    with xr.open_dataset(product) as made, xr.open_dataset(whole) as before:
        if fate == "right":
            return [
                name
                for name in before.variables
                if name not in made.variables or not _same(made[name], before[name])
            ]
        wrong = []
        expected = truth(Metadata(safe), made)
        # The digital numbers of the whole SAFE, unless the pixels themselves are others.
        if fate != "pixels" and not made["digital_number"].equals(before["digital_number"]):
            wrong.append("digital_number is not that of the whole SAFE")
        for name, (values, tolerance) in expected.items():
            found = made[name].values.astype(float)
            if name == "digital_number":
                # It is 0 where there are no data; elsewhere that would be wrong.
                found[made["quality_flag"].values == NO_DATA] = np.nan
            off = np.abs(found - values)
            # A cell without a value says so.
            bad = np.isfinite(found) & ~(off <= tolerance)
            if bad.any() or found.shape != np.broadcast(found, values).shape:
                worst = np.nanmax(np.where(bad, off, 0))
                wrong.append(f"{name}: {bad.sum()} of {bad.size} cells are up to {worst:g} off")
        return wrong + _of_another(made, before)


def _same(one: xr.DataArray, other: xr.DataArray) -> bool:
    return one.equals(other) or (one.dtype.kind == "f" and np.allclose(one, other, equal_nan=True))


def _of_another(made: xr.Dataset, before: xr.Dataset) -> list[str]:
    """Attributes that name another acquisition than the SAFE's name does."""
    return [
        f"the attribute {name} is {made.attrs[name]!r}, not {before.attrs[name]!r}"
        for name in ("platform", "pols", "swath", "product", "ipf_version")
        if made.attrs[name] != before.attrs[name]
    ]


def truth(metadata: Metadata, made: xr.Dataset) -> dict[str, tuple[np.ndarray, np.ndarray | float]]:
    """Values and tolerances of variables, on (pol, line, sample) or (line, sample)."""
    annotation = metadata.annotation[metadata.pols[0]]
    image = annotation.find("imageAnnotation/imageInformation")
    cell = [
        round(CELL / float(image.findtext(tag)))
        for tag in ("azimuthPixelSpacing", "rangePixelSpacing")
    ]
    size = [int(image.findtext(tag)) for tag in ("numberOfLines", "numberOfSamples")]
    line, sample = (np.arange(n // c) * c + (c - 1) / 2 for n, c in zip(size, cell, strict=True))
    found = {"line": (line, 0.0), "sample": (sample, 0.0)}
    found |= _positions(annotation, line, sample, made)
    each: dict[str, list[np.ndarray]] = {}
    for pol in metadata.pols:
        for name, values in _radiometry(metadata, pol, line, sample, cell).items():
            each.setdefault(name, []).append(values)
    known = {name: np.stack(values) for name, values in each.items()}
    # The exact mean of squares over the pixels inside of the swath; which those are, some say.
    square = known["digital_number"] ** 2
    half = 2 * known["digital_number"] * known["pixels_half"] + known["pixels_half"] ** 2
    sigma_raw = square / known["sigma0_lut"] ** 2
    gamma_raw = square / known["gamma0_lut"] ** 2
    sigma_off = 1e-3 * sigma_raw + half / known["sigma0_lut"] ** 2
    gamma_off = 1e-3 * gamma_raw + half / known["gamma0_lut"] ** 2
    noise = known["noise_lut_range"] * known["noise_lut_azi"]
    # xsar takes the pixels of the first vector for those of all.
    off = 3e-2 * noise + known["noise_half"] * known["noise_lut_azi"]
    gains = [known[name] ** 2 for name in ("sigma0_lut", "gamma0_lut")]
    nesz, negz = (noise / gain for gain in gains)
    denoised = all(
        metadata.annotation[pol].findtext(
            "imageAnnotation/processingInformation/thermalNoiseCorrectionPerformed"
        )
        == "true"
        for pol in metadata.pols
    )
    for name in ("sigma0_lut", "gamma0_lut"):
        found[name] = known[name], 1e-4 * known[name]
    found["noise_lut_range"] = known["noise_lut_range"], off
    found["noise_lut_azi"] = known["noise_lut_azi"], 2e-2 * known["noise_lut_azi"]
    found["noise_lut"] = noise, off
    found["nesz"], found["negz"] = (nesz, off / gains[0]), (negz, off / gains[1])
    found["sigma0_raw"] = sigma_raw, sigma_off
    found["gamma0_raw"] = gamma_raw, gamma_off
    minus = 0.0 if denoised else 1.0
    found["sigma0"] = sigma_raw - minus * nesz, sigma_off + off / gains[0]
    found["gamma0"] = gamma_raw - minus * negz, gamma_off + off / gains[1]
    # The integer nearest to the mean of squares.
    found["digital_number"] = known["digital_number"], 0.51 + known["pixels_half"]
    return found


def _positions(annotation: etree._Element, line: np.ndarray, sample: np.ndarray, made: xr.Dataset):
    points = annotation.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    places = [(int(one.findtext("line")), int(one.findtext("pixel"))) for one in points]
    order = sorted(range(len(points)), key=places.__getitem__)
    points = [points[at] for at in order]
    axes = [np.unique([place[axis] for place in places]) for axis in (0, 1)]
    shape = tuple(axis.size for axis in axes)
    where = np.stack(np.meshgrid(line, sample, indexing="ij"), axis=-1)

    def at(values) -> np.ndarray:
        values = np.array(values).reshape(shape)
        return RegularGridInterpolator(axes, values, bounds_error=False, fill_value=None)(where)

    def of(tag: str) -> np.ndarray:
        return np.array([float(one.findtext(tag)) for one in points])

    first = of("longitude")[0]
    longitude = at((of("longitude") - first + 180) % 360 - 180) + first
    turns = np.round((made["longitude"].values - longitude) / 360) * 360
    latitude, elevation = of("latitude"), of("elevationAngle")
    # Roll steering of Sentinel-1, as xsar has it.
    roll = np.polyval(
        [
            *(-9.315371305e-13, 4.968415428e-12, 3.0191435e-08, -0.0943533e-07),
            *(-0.00031181534, 0.0082998714, 30.1833947),
        ],
        latitude,
    )
    seconds = at([stamp(one.findtext("azimuthTime")) for one in points])
    since = np.array(made["azimuth_time"].values, "datetime64[us]").astype(np.int64) / 1e6
    return {
        "longitude": (longitude + turns, 1e-4),
        "latitude": (at(latitude), 1e-4),
        "altitude": (at(of("height")), 0.05),
        "incidence": (at(of("incidenceAngle")), 1e-3),
        "elevation": (at(elevation), 1e-3),
        "offboresight": (at(elevation - roll + 29.45), 1e-2),
        "slant_range_time": (at(of("slantRangeTime")), 1e-9),
        # Of the product's own place: the difference is what is compared.
        "azimuth_time": (made["azimuth_time"].values.astype(float) + (seconds - since) * 1e9, 1e4),
    }


def _cells(values: np.ndarray, pixels: int) -> np.ndarray:
    """Means of so many pixels each, along the last axis."""
    return values.reshape(*values.shape[:-1], -1, pixels).mean(axis=-1)


def _radiometry(
    metadata: Metadata, pol: str, line: np.ndarray, sample: np.ndarray, cell: list[int]
):
    vectors = metadata.calibration[pol].findall("calibrationVectorList/calibrationVector")
    lines = np.array([float(one.findtext("line")) for one in vectors])
    pixels = floats(vectors[0].findtext("pixel"))
    where = np.stack(np.meshgrid(line, sample, indexing="ij"), axis=-1)
    found = {}
    for name, tag in (("sigma0_lut", "sigmaNought"), ("gamma0_lut", "gamma")):
        table = np.array([floats(one.findtext(tag)) for one in vectors])
        found[name] = RegularGridInterpolator((lines, pixels), table)(where)
    noise = metadata.noise[pol]
    vectors = noise.findall("noiseRangeVectorList/noiseRangeVector")
    lines = np.array([float(one.findtext("line")) for one in vectors])
    rows = np.array(
        [
            _cells(
                np.interp(
                    np.arange(sample.size * cell[1]),
                    floats(one.findtext("pixel")),
                    floats(one.findtext("noiseRangeLut")),
                ),
                cell[1],
            )
            for one in vectors
        ]
    )
    # Between the vectors before and after: of the nearest, as plain xsar takes it, or interpolated.
    after = np.clip(np.searchsorted(lines, line), 1, lines.size - 1)
    found["noise_lut_range"] = (rows[after] + rows[after - 1]) / 2
    found["noise_half"] = np.abs(rows[after] - rows[after - 1]) / 2
    factor = np.full((line.size, sample.size), np.nan)
    for one in noise.findall("noiseAzimuthVectorList/noiseAzimuthVector"):
        first, last, near, far = (
            int(one.findtext(tag))
            for tag in (
                "firstAzimuthLine",
                "lastAzimuthLine",
                "firstRangeSample",
                "lastRangeSample",
            )
        )
        column = np.interp(
            line, floats(one.findtext("line")), floats(one.findtext("noiseAzimuthLut"))
        )
        inside = np.ix_(
            (line >= first - 0.5) & (line <= last + 0.5),
            (sample >= near - 0.5) & (sample <= far + 0.5),
        )
        factor[inside] = np.broadcast_to(column[:, np.newaxis], factor.shape)[inside]
    found["noise_lut_azi"] = factor
    with rasterio.open(metadata.tiffs[pol], driver="GTiff") as tiff:
        pixels = tiff.read(1).astype(float)
    height, width = line.size * cell[0], sample.size * cell[1]
    blocks = pixels[:height, :width].reshape(line.size, cell[0], sample.size, cell[1])
    squares = (blocks**2).sum(axis=(1, 3))
    # With or without the zeros of the border.
    least, most = (
        np.sqrt(squares / np.maximum(count, 1))
        for count in (cell[0] * cell[1], (blocks > 0).sum(axis=(1, 3)))
    )
    found["digital_number"] = (least + most) / 2
    found["pixels_half"] = (most - least) / 2
    return found
