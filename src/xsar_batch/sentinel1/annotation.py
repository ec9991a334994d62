"""Reading the annotation of a SAFE without xsar: for the checks before and after a conversion.

Element names and units: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section 6.3. Values
are not judged: the manifest's checksums vouch for them.
"""

from dataclasses import dataclass

import numpy as np
from lxml import etree

from xsar_batch.failures import BadSafe


@dataclass(frozen=True)
class GeolocationGrid:
    """Positions that the processor annotated on a coarse grid of pixels.

    ``line`` (n,) and ``sample`` (m,) are pixel indices from 0. All else is (n, m) and bilinear in
    between, which is how xsar reads it too: ``longitude``, ``latitude`` and ``incidence`` (degrees;
    WGS84).
    """

    line: np.ndarray
    sample: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    incidence: np.ndarray


@dataclass(frozen=True)
class Annotation:
    """What the checks need of the annotation of one polarisation. Spacings are in metres."""

    polarisation: str
    lines: int
    samples: int
    line_spacing: float
    sample_spacing: float
    grid: GeolocationGrid


def read(root: etree._Element, shown_as: str) -> Annotation:
    """Read what the checks need from the root of ``annotation/*.xml``.

    Raises
    ------
    BadSafe
        An element or a part of the grid is missing, or a number is none.
    """

    def image(tag: str) -> str:
        return root.findtext(f"imageAnnotation/imageInformation/{tag}", "")

    try:
        return Annotation(
            polarisation=root.findtext("adsHeader/polarisation", "").strip(),
            lines=int(image("numberOfLines")),
            samples=int(image("numberOfSamples")),
            line_spacing=float(image("azimuthPixelSpacing")),
            sample_spacing=float(image("rangePixelSpacing")),
            grid=_grid(root),
        )
    except ValueError as error:
        raise BadSafe(f"{shown_as}: {error}") from None


def _grid(root: etree._Element) -> GeolocationGrid:
    points = root.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    tags = ("line", "pixel", "longitude", "latitude", "incidenceAngle")
    table = np.array([[point.findtext(tag, "") for tag in tags] for point in points], dtype=float)
    if not table.size:
        raise ValueError("the geolocation grid is missing")
    line, sample = np.unique(table[:, 0]), np.unique(table[:, 1])
    if line.size * sample.size != len(points):
        raise ValueError(f"the geolocation grid of {len(points)} points has holes")
    return GeolocationGrid(line, sample, *table[:, 2:].T.reshape(3, line.size, sample.size))
