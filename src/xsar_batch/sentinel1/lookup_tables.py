"""The look-up tables of a SAFE, calibration and noise: whole, plausible, and of this acquisition.

Element names: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), sections 6.4 and 6.5. The
tables of calibration are one number seen at the angle of incidence ("Radiometric Calibration of S-1
Level-1 Products", ESA-EOPG-CSCOP-TN-0002): sigma0 = beta0 sin, gamma0 = beta0 tan of it. So a wrong
value in one of the three shows. In real products (IPF 2.36 to 3.90) it holds within 3.3e-6.
"""

import numpy as np
from lxml import etree

from xsar_batch.failures import BadSafe
from xsar_batch.sentinel1.annotation import Annotation, fields, header, integer, numbers

#: Of sin^2 + cos^2 = 1, for incidence out of the tables.
_LUT_TOLERANCE = 1e-4

#: Degrees between incidence of the tables (on the ellipsoid) and of the annotation (on mountains).
#: Real ones: up to 0.4.
_INCIDENCE_TOLERANCE = 3.0

#: Noise of sigma0 that no product has, linear. Real ones: up to 0.024, EW (-16 dB).
_MOST_NOISE = 1.0

#: Factor of noise along azimuth that no product has. Real ones: 0.9993 to 1.29.
_MOST_SCALLOPING = 10.0


def check_calibration(root: etree._Element, shown_as: str, annotation: Annotation) -> float:
    """Check the root of a calibration file; returns the least sigmaNought, which amplifies most.

    Raises
    ------
    BadSafe
        It holds no vectors, an odd number, or does not belong to the annotation.
    """
    try:
        _check_header(root, annotation)
        lines, first, least = [], None, np.inf
        for vector in _vectors(root, "calibrationVectorList", "calibrationVector"):
            line, pixels = _place(vector)
            beta, sigma, gamma = (
                _lut(vector, name, pixels.size) for name in ("betaNought", "sigmaNought", "gamma")
            )
            first = pixels if first is None else first
            if not np.array_equal(pixels, first):
                raise ValueError("vectors of different pixels, which xsar takes for the same")
            _check_angles(annotation, line, pixels, beta, sigma, gamma)
            lines.append(line)
            least = min(least, sigma.min())
        _check_reach("line", np.array(lines), annotation.lines)
        _check_reach("pixel", first, annotation.samples)
    except (ValueError, LookupError) as error:
        raise BadSafe(f"{shown_as}: {error}") from None
    return least


def check_noise(
    root: etree._Element, shown_as: str, annotation: Annotation, least_sigma: float
) -> None:
    """Check the root of a noise file, of the form until IPF 2.8 or of that since.

    Raises
    ------
    BadSafe
        As :func:`check_calibration`.
    """
    try:
        _check_header(root, annotation)
        is_old = root.find("noiseVectorList") is not None
        tag, lut = ("noiseVector", "noiseLut") if is_old else ("noiseRangeVector", "noiseRangeLut")
        lines, most = [], 0.0
        for vector in _vectors(root, f"{tag}List", tag):
            line, pixels = _place(vector)
            values = _lut(vector, lut, pixels.size)
            _check_reach("pixel", pixels, annotation.samples)
            if values.min() < 0:
                raise ValueError(f"a {lut} of {values.min():g} makes no sense")
            most = max(most, values.max())
            lines.append(line)
        _check_reach("line", np.array(lines), annotation.lines)
        if most > _MOST_NOISE * least_sigma**2:
            raise ValueError(f"a {lut} of {most:g} makes no sense")
        # Where the form is that of before IPF 2.90 it may be: see `noise.remark`.
        if most == 0 and not annotation.denoised and not is_old:
            raise ValueError(f"its {lut} is zero everywhere")
        if not is_old and annotation.header[1] in ("IW", "EW"):
            _check_azimuth(root, annotation)
    except (ValueError, LookupError) as error:
        raise BadSafe(f"{shown_as}: {error}") from None


def _check_header(root: etree._Element, annotation: Annotation) -> None:
    found = (root.findtext("adsHeader/polarisation") or "").strip()
    if found != annotation.polarisation:
        raise ValueError(
            f"it is of polarisation {found or 'unknown'}, not {annotation.polarisation}"
        )
    if header(root) != annotation.header:
        raise ValueError("it is of another acquisition than the annotation")


def _vectors(root: etree._Element, list_tag: str, tag: str) -> list[etree._Element]:
    vectors = root.findall(f"{list_tag}/{tag}")
    if not vectors:
        raise LookupError(f"it holds no {tag}")
    counts = [found.get("count") for found in root.findall(list_tag)]
    if counts != [str(len(vectors))]:
        raise ValueError(f"a {list_tag} of {' and '.join(map(str, counts))} holds {len(vectors)}")
    return vectors


def _place(vector: etree._Element) -> tuple[int, np.ndarray]:
    """Line and pixels of a vector."""
    line, _ = fields(vector, "line", "pixel")
    pixels = _values(vector, "pixel", int)
    if pixels.size < 2 or not (np.diff(pixels) > 0).all():
        raise ValueError("the pixels of a vector are not in order")
    return integer(line), pixels


def _lut(vector: etree._Element, tag: str, pixels: int) -> np.ndarray:
    values = _values(vector, tag, float)
    if values.size != pixels:
        raise ValueError(f"{values.size} {tag} for {pixels} pixels")
    return values


def _values(vector: etree._Element, tag: str, dtype: type) -> np.ndarray:
    (text,) = fields(vector, tag)
    count = vector.find(tag).get("count")
    try:
        values = numbers(text, dtype)
    except ValueError:
        raise ValueError(f"a {tag} holds values that are no numbers") from None
    if str(values.size) != count:
        raise ValueError(f"a {tag} of {count} values holds {values.size}")
    return values


def _check_angles(
    annotation: Annotation,
    line: int,
    pixels: np.ndarray,
    beta: np.ndarray,
    sigma: np.ndarray,
    gamma: np.ndarray,
) -> None:
    """Check that the three tables are of one angle, and this the annotation's."""
    if min(beta.min(), sigma.min(), gamma.min()) <= 0:
        raise ValueError("a betaNought, sigmaNought or gamma that is not above 0")
    with np.errstate(over="ignore", invalid="ignore"):
        sine, tangent = (beta / sigma) ** 2, (beta / gamma) ** 2
        agree = np.abs(sine**2 + (sine / tangent) ** 2 - 1) < _LUT_TOLERANCE
    if not agree.all():
        raise ValueError(
            f"betaNought, sigmaNought and gamma of line {line} do not belong together "
            f"({(~agree).sum()} of {agree.size})"
        )
    grid = annotation.grid
    expected = grid.at(grid.incidence, line, pixels)
    off = np.abs(np.degrees(np.arctan(tangent)) - expected).max()
    if off > _INCIDENCE_TOLERANCE:
        raise ValueError(f"sigmaNought is of an incidence {off:.1f} degrees off the annotation's")


def _check_reach(dim: str, at: np.ndarray, size: int) -> None:
    """Check that vectors are in order, and leave no more of the image out than a step of theirs."""
    if at.size < 2 or not (np.diff(at) > 0).all():
        raise ValueError(f"its {dim}s are not in order")
    step = np.diff(at).max()
    # Lines go beyond the image, by a step of calibration's; pixels never do in real products.
    too_far = dim == "pixel" and at[-1] > 2 * size
    if at[0] > step or at[-1] < size - 1 - step or too_far:
        raise ValueError(f"it reaches from {dim} {at[0]} to {at[-1]} of {size}")


def _check_azimuth(root: etree._Element, annotation: Annotation) -> None:
    """Check the blocks of noise along azimuth: inside the image, apart from each other."""
    blocks = []
    for vector in _vectors(root, "noiseAzimuthVectorList", "noiseAzimuthVector"):
        tags = ("firstAzimuthLine", "lastAzimuthLine", "firstRangeSample", "lastRangeSample")
        swath, *bounds = fields(vector, "swath", *tags)
        first, last, near, far = (integer(text) for text in bounds)
        inside = 0 <= first <= last < annotation.lines and 0 <= near <= far < annotation.samples
        if not inside:
            raise ValueError(
                f"noise of {swath} for lines {first} to {last}, samples {near} to {far}"
            )
        lines = _values(vector, "line", int)
        values = _lut(vector, "noiseAzimuthLut", lines.size)
        if not (np.diff(lines) > 0).all():
            raise ValueError(f"lines of noise of {swath} are not in order")
        step = np.diff(lines).max(initial=0) or last - first + 1
        if lines[0] > first + step or lines[-1] < last - step:
            raise ValueError(f"noise of {swath} reaches from line {lines[0]} to {lines[-1]}")
        if values.min() <= 0 or values.max() > _MOST_SCALLOPING:
            raise ValueError(f"a noiseAzimuthLut of {values.min():g} to {values.max():g}")
        blocks.append((first, last, near, far))
    bounds = np.array(blocks)
    for number, (first, last, near, far) in enumerate(blocks[:-1], 1):
        others = bounds[number:]
        deep = np.minimum(last, others[:, 1]) - np.maximum(first, others[:, 0])
        wide = np.minimum(far, others[:, 3]) - np.maximum(near, others[:, 2])
        # Neighbours may share a line or a sample.
        if ((deep > 0) & (wide > 0)).any():
            raise ValueError("blocks of noise along azimuth overlap")
    area = ((bounds[:, 1] - bounds[:, 0] + 1) * (bounds[:, 3] - bounds[:, 2] + 1)).sum()
    if area < annotation.lines * annotation.samples / 2:
        raise ValueError("noise along azimuth is missing for most of the image")
