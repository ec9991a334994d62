"""Reading the XML of a SAFE without xsar: for the checks before and after a conversion.

Element names and units: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), sections 6.3
(product annotation), 6.4 (calibration) and 6.5 (noise).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lxml import etree

from .failures import BadSafe


@dataclass(frozen=True)
class GeolocationGrid:
    """Positions that the processor annotated on a coarse grid of pixels.

    ``line`` (n,) and ``sample`` (m,) are pixel indices from 0; ``longitude``, ``latitude``
    (degrees, WGS84) and ``incidence`` (degrees) are (n, m) and bilinear in between, which is how
    xsar reads them too.
    """

    line: np.ndarray
    sample: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    incidence: np.ndarray


@dataclass(frozen=True)
class Annotation:
    """Of the annotation of one polarisation: size in pixels, pixel spacing in metres, grid."""

    polarisation: str
    lines: int
    samples: int
    line_spacing: float
    sample_spacing: float
    grid: GeolocationGrid


def parse(path: Path, shown_as: str, root_tag: str) -> etree._Element:
    """Root of an XML file whose root element must be ``root_tag``.

    Entities are not resolved and nothing is fetched: an archive's XML is data, not a programme.

    Raises
    ------
    BadSafe
        It cannot be read, is no XML, or has another root element.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.parse(str(path), parser).getroot()
    except OSError as error:
        if not path.exists():
            raise BadSafe(f"{shown_as} is missing") from None
        raise BadSafe(f"{shown_as} cannot be read: {error.strerror or error}") from None
    except etree.XMLSyntaxError as error:
        raise BadSafe(f"{shown_as} is no XML: {error.msg}") from None
    found = etree.QName(root).localname
    if found != root_tag:
        raise BadSafe(f"{shown_as} is no {root_tag}: its root element is <{found}>")
    return root


def read_annotation(path: Path, shown_as: str) -> Annotation:
    """Read what the checks need from ``annotation/*.xml``.

    Raises
    ------
    BadSafe
        The file, an element or a part of the grid is missing, or a number is none.
    """
    root = parse(path, shown_as, "product")
    image = "imageAnnotation/imageInformation/"
    try:
        lines = int(_text(root, image + "numberOfLines"))
        samples = int(_text(root, image + "numberOfSamples"))
        line_spacing = float(_text(root, image + "azimuthPixelSpacing"))
        sample_spacing = float(_text(root, image + "rangePixelSpacing"))
        polarisation = _text(root, "adsHeader/polarisation")
        grid = _grid(root)
    except (ValueError, LookupError) as error:
        raise BadSafe(f"{shown_as}: {error}") from None
    if not (lines > 0 and samples > 0 and line_spacing > 0 and sample_spacing > 0):
        raise BadSafe(
            f"{shown_as}: an image of {lines} x {samples} pixels of {line_spacing} x "
            f"{sample_spacing} m makes no sense"
        )
    if grid.line[-1] < lines - 2 or grid.sample[-1] < samples - 2:
        # The grid's last row and column lie on the last line and sample of the image.
        raise BadSafe(
            f"{shown_as}: the geolocation grid ends at line {grid.line[-1]:.0f}, sample "
            f"{grid.sample[-1]:.0f} of {lines} x {samples}"
        )
    return Annotation(polarisation, lines, samples, line_spacing, sample_spacing, grid)


def check_vectors(
    path: Path, shown_as: str, root_tag: str, vector_tags: tuple[str, ...], polarisation: str
) -> None:
    """Check that a calibration or noise file holds at least one of its vectors, and no odd number.

    It must be of the same ``polarisation`` as the annotation it is used with.

    Raises
    ------
    BadSafe
        As it says.
    """
    root = parse(path, shown_as, root_tag)
    found = root.findtext("adsHeader/polarisation", "").strip()
    if found != polarisation:
        raise BadSafe(f"{shown_as} is of polarisation {found or 'unknown'}, not {polarisation}")
    vectors = [vector for tag in vector_tags for vector in root.iter(tag)]
    if not vectors:
        raise BadSafe(f"{shown_as} holds no {vector_tags[0]}")
    for vector in vectors:
        pixels = (vector.findtext("pixel") or "").split()
        for lut in vector.iterchildren(tag=etree.Element):
            if lut.get("count") is not None:
                _check_lut(lut, len(pixels), shown_as)


def _check_lut(lut: etree._Element, pixels: int, shown_as: str) -> None:
    values = (lut.text or "").split()
    if str(len(values)) != lut.get("count"):
        raise BadSafe(f"{shown_as}: a {lut.tag} of {lut.get('count')} values holds {len(values)}")
    if lut.tag in ("sigmaNought", "gamma") and len(values) != pixels:
        raise BadSafe(f"{shown_as}: {len(values)} {lut.tag} for {pixels} pixels")
    try:
        finite = np.isfinite(np.array(values, dtype=float)).all()
    except ValueError:
        finite = False
    if not finite:
        raise BadSafe(f"{shown_as}: a {lut.tag} holds values that are no numbers")


def _text(root: etree._Element, path: str) -> str:
    text = root.findtext(path)
    if text is None or not text.strip():
        raise LookupError(f"<{path.rsplit('/', 1)[-1]}> is missing")
    return text.strip()


def _grid(root: etree._Element) -> GeolocationGrid:
    points = root.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    if not points:
        raise LookupError("the geolocation grid is missing")
    tags = ("line", "pixel", "longitude", "latitude", "incidenceAngle")
    table = np.array([[float(_text(point, tag)) for tag in tags] for point in points])
    if not np.isfinite(table).all():
        raise ValueError("the geolocation grid holds values that are no numbers")
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    line, sample = np.unique(table[:, 0]), np.unique(table[:, 1])
    complete = [line.repeat(sample.size), np.tile(sample, line.size)]
    if line.size < 2 or sample.size < 2 or not np.array_equal(table[:, :2].T, complete):
        raise ValueError(f"the geolocation grid of {len(points)} points has holes")
    longitude, latitude, incidence = table[:, 2:].T.reshape(3, line.size, sample.size)
    return GeolocationGrid(line, sample, longitude, latitude, incidence)
