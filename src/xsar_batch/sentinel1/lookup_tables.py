"""The look-up tables of a SAFE, calibration and noise: whole, and of this acquisition.

Element names: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), sections 6.4 and 6.5. Values
are not compared with each other: the manifest's checksums vouch for them.
"""

import numpy as np
from lxml import etree

from xsar_batch.failures import BadSafe
from xsar_batch.sentinel1.annotation import Annotation, fields, header, integer, numbers


def check_calibration(root: etree._Element, shown_as: str, annotation: Annotation) -> None:
    """Check the root of a calibration file.

    Raises
    ------
    BadSafe
        It holds no vectors, an odd number, or does not belong to the annotation.
    """
    try:
        _check_header(root, annotation)
        lines, first = [], None
        for vector in _vectors(root, "calibrationVectorList", "calibrationVector"):
            line, pixels = _place(vector)
            for name in ("sigmaNought", "gamma"):
                if _lut(vector, name, pixels.size).min() <= 0:
                    raise ValueError(f"a {name} that is not above 0")
            first = pixels if first is None else first
            if not np.array_equal(pixels, first):
                raise ValueError("vectors of different pixels, which xsar takes for the same")
            lines.append(line)
        if first is None:
            raise ValueError("no vectors")
        _check_reach("line", np.array(lines), annotation.lines)
        _check_reach("pixel", first, annotation.samples)
    except (ValueError, LookupError) as error:
        raise BadSafe(f"{shown_as}: {error}") from None


def check_noise(root: etree._Element, shown_as: str, annotation: Annotation) -> None:
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
    """Check the blocks of noise along azimuth: inside the image, with values for all lines."""
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
        if values.min() <= 0:
            raise ValueError(f"a noiseAzimuthLut of {values.min():g} makes no sense")
