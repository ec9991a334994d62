"""Reading the annotation of a SAFE without xsar: for the checks before and after a conversion.

Element names and units: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section 6.3. What is
read here is what ends up in a product; numbers are read as strictly as their schema has them.
"""

import re
from dataclasses import dataclass

import numpy as np
from lxml import etree

from xsar_batch.failures import BadSafe

#: Of a header that all files of a polarisation share, what must be the same in them.
_HEADER = (
    *("missionId", "mode", "polarisation", "startTime", "stopTime"),
    *("absoluteOrbitNumber", "missionDataTakeId"),
)

#: Values of the geolocation grid that are possible at all: degrees, metres, seconds.
_PLAUSIBLE = {
    "longitude": (-180, 180),
    "latitude": (-90, 90),
    "height": (-1000, 10_000),
    "incidenceAngle": (5, 70),
    "elevationAngle": (5, 70),
    "slantRangeTime": (3e-3, 1e-2),
}

_INTEGERS = re.compile(r"[\s0-9-]*")
_FLOATS = re.compile(r"[\s0-9eE.+-]*")
_TIME = re.compile(r"\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}\s*")


@dataclass(frozen=True)
class GeolocationGrid:
    """Positions that the processor annotated on a coarse grid of pixels.

    ``line`` (n,) and ``sample`` (m,) are pixel indices from 0. All else is (n, m) and bilinear in
    between, which is how xsar reads it too: ``longitude``, ``latitude``, ``incidence`` (degrees;
    WGS84) and ``time`` (s since 1970).
    """

    line: np.ndarray
    sample: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    incidence: np.ndarray
    time: np.ndarray


@dataclass(frozen=True)
class Annotation:
    """Of the annotation of one polarisation: what a product takes from it.

    Spacings are in metres. ``header`` names the acquisition.
    """

    polarisation: str
    lines: int
    samples: int
    line_spacing: float
    sample_spacing: float
    denoised: bool
    header: tuple[str, ...]
    grid: GeolocationGrid


def read(root: etree._Element, shown_as: str) -> Annotation:
    """Read what the checks need from the root of ``annotation/*.xml``.

    Raises
    ------
    BadSafe
        An element or a part of the grid is missing, a number is none, or they do not fit together.
    """
    image = "imageAnnotation/imageInformation/"
    try:
        lines = integer(text_of(root, image + "numberOfLines"))
        samples = integer(text_of(root, image + "numberOfSamples"))
        line_spacing = real(text_of(root, image + "azimuthPixelSpacing"))
        sample_spacing = real(text_of(root, image + "rangePixelSpacing"))
        if not (lines > 0 and samples > 0 and line_spacing > 0 and sample_spacing > 0):
            raise ValueError(
                f"an image of {lines} x {samples} pixels of {line_spacing} x {sample_spacing} m "
                "makes no sense"
            )
        known = Annotation(
            *(text_of(root, "adsHeader/polarisation"), lines, samples),
            *(line_spacing, sample_spacing),
            denoised=_flag(
                text_of(
                    root, "imageAnnotation/processingInformation/thermalNoiseCorrectionPerformed"
                )
            ),
            header=header(root),
            grid=_grid(root),
        )
        grid = known.grid
        if abs(grid.line[-1] - lines + 1) > 1 or abs(grid.sample[-1] - samples + 1) > 1:
            # The grid's last row and column lie on the last line and sample of the image.
            raise ValueError(
                f"the geolocation grid ends at line {grid.line[-1]:.0f}, sample "
                f"{grid.sample[-1]:.0f} of {lines} x {samples}"
            )
    except (ValueError, LookupError) as error:
        raise BadSafe(f"{shown_as}: {error}") from None
    return known


def header(root: etree._Element) -> tuple[str, ...]:
    """What the header of an annotation, calibration or noise file says of the acquisition."""
    return tuple(text_of(root, f"adsHeader/{name}") for name in _HEADER)


def text_of(root: etree._Element, path: str) -> str:
    """Text of the first element at ``path``; LookupError where there is none."""
    text = root.findtext(path)
    if text is None or not text.strip():
        raise LookupError(f"<{path.rsplit('/', 1)[-1]}> is missing")
    return text.strip()


def integer(text: str) -> int:
    """An integer; ValueError where it is none."""
    if not re.fullmatch(r"-?\d{1,15}", text):
        raise ValueError(f"{text[:40]!r} is no integer")
    return int(text)


def real(text: str) -> float:
    """A finite number; ValueError where it is none."""
    if not _FLOATS.fullmatch(text) or not np.isfinite(float(text)):
        raise ValueError(f"{text[:40]!r} is no number")
    return float(text)


def numbers(text: str, dtype: type = float) -> np.ndarray:
    """Finite numbers between blanks, (n,); ValueError where one is none."""
    if not (_INTEGERS if dtype is int else _FLOATS).fullmatch(text):
        raise ValueError("values that are no numbers")
    words = text.split()
    if dtype is int and len(max(words, key=len, default="")) > 10:
        raise ValueError("values that are too large")
    found: np.ndarray = np.array(words, dtype=dtype)
    if not np.isfinite(found).all():
        raise ValueError("values that are no numbers")
    return found


def seconds(text: str) -> float:
    """A time (UTC) as seconds since 1970; ValueError where it is none."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no time")
    return np.datetime64(text.strip(), "us").astype(float) / 1e6


def fields(element: etree._Element, *tags: str) -> list[str]:
    """Texts of the children that are called so; each must be there, and once.

    xsar lists all of a kind in a file, so that one too many would shift the rest.
    """
    found = dict.fromkeys(tags, "")
    for child in element.iterchildren(*tags):
        if found[child.tag]:
            raise ValueError(f"a {element.tag} has more than one {child.tag}")
        found[child.tag] = (child.text or "").strip()
    for tag, text in found.items():
        if not text:
            raise LookupError(f"<{tag}> is missing")
    return list(found.values())


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text[:40]!r} is neither true nor false")
    return text == "true"


def _grid(root: etree._Element) -> GeolocationGrid:
    points = root.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    if not points:
        raise LookupError("the geolocation grid is missing")
    tags = tuple(_PLAUSIBLE)
    try:
        rows = [fields(point, "azimuthTime", "line", "pixel", *tags) for point in points]
        places = np.array([[integer(text) for text in row[1:3]] for row in rows])
        table = np.array([[real(text) for text in row[3:]] for row in rows])
        time = np.array([seconds(row[0]) for row in rows])
    except ValueError as error:
        raise ValueError(
            f"the geolocation grid holds values that are no numbers: {error}"
        ) from None
    line, sample = np.unique(places[:, 0]), np.unique(places[:, 1])
    complete = [line.repeat(sample.size), np.tile(sample, line.size)]
    if line.size < 2 or sample.size < 2 or line.size * sample.size != len(points):
        raise ValueError(f"the geolocation grid of {len(points)} points has holes")
    if not np.array_equal(places.T, complete):
        # xsar takes the values in the order in which they come.
        raise ValueError("the geolocation grid has holes, or is in disorder")
    shape = (line.size, sample.size)
    if places[0].tolist() != [0, 0]:
        raise ValueError("the geolocation grid does not begin at line 0, sample 0")
    for tag, column in zip(tags, table.T, strict=True):
        lowest, highest = _PLAUSIBLE[tag]
        if column.min() < lowest or column.max() > highest:
            raise ValueError(
                f"{tag} of the geolocation grid is {column.min():g} to {column.max():g}"
            )
    longitude, latitude, incidence = (
        table[:, tags.index(tag)].reshape(shape)
        for tag in ("longitude", "latitude", "incidenceAngle")
    )
    return GeolocationGrid(
        line.astype(float),
        sample.astype(float),
        longitude,
        latitude,
        incidence,
        time.reshape(shape),
    )
