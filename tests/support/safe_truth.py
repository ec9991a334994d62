"""What the product of a broken SAFE must hold, if there is one: see ``independent``.

Everything is compared that a product holds, but for the ground heading and the land mask, which
must be those of the whole SAFE.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from independent import Grd
from lxml import etree
from scipy.interpolate import RegularGridInterpolator

from xsar_batch.product.quality_flag import NO_DATA

CELL = 1000.0


class Odd(Grd):
    """One whose XML may be in any encoding that lxml knows, which Python's own parser may not."""

    def _root(self, pattern: str) -> etree._Element:
        (path,) = self.safe.glob(pattern.format(self.pol.lower()))
        return parsed(path)


def parsed(path: Path) -> etree._Element:
    parser = etree.XMLParser(remove_comments=True, remove_pis=True)
    return etree.fromstring(path.read_bytes(), parser)


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
        expected = truth(safe, made)
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


def polarisations(safe: Path) -> list[str]:
    """In the manifest's order."""
    tag = "transmitterReceiverPolarisation"
    root = parsed(safe / "manifest.safe")
    return [one.text.strip() for one in root.iter() if one.tag.endswith("}" + tag)]


def truth(safe: Path, made: xr.Dataset) -> dict[str, tuple[np.ndarray, np.ndarray | float]]:
    """Values and tolerances of variables, on (pol, line, sample) or (line, sample)."""
    images = [Odd(safe, pol) for pol in polarisations(safe)]
    place = line, sample = images[0].centres(CELL)
    found = {"line": (line, 0.0), "sample": (sample, 0.0)}
    found |= _positions(images[0].annotation, line, sample, made)
    square = np.stack([image.mean_square(CELL) for image in images])
    noise = np.stack([image.mean_noise(CELL) for image in images])
    performed = "imageAnnotation/processingInformation/thermalNoiseCorrectionPerformed"
    denoised = all(image.annotation.findtext(performed) == "true" for image in images)
    for name, tag, floor in (("sigma0", "sigmaNought", "nesz"), ("gamma0", "gamma", "negz")):
        gain = np.stack([image.sigma_nought(*place, tag) for image in images])
        raw, equivalent = square / gain**2, noise / gain**2
        found[f"{name}_lut"] = gain, 1e-4 * gain
        found[f"{name}_raw"] = raw, 1e-3 * raw
        found[floor] = equivalent, 1e-3 * equivalent
        found[name] = raw - (0 if denoised else equivalent), 1e-3 * (raw + equivalent)
    found["noise_lut"] = noise, 1e-3 * noise
    # What the product splits it into, by the mean of each: together they are it.
    across = noise / made["noise_lut_azi"].values
    found["noise_lut_range"] = across, 2e-2 * across
    # The integer nearest to the mean of squares.
    found["digital_number"] = np.sqrt(square), 0.51
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
