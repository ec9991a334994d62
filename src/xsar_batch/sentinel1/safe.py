"""The check of a SAFE before xsar is imported: a bad one fails in a fraction of a second."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from xsar_batch.failures import BadSafe, Unsupported
from xsar_batch.sentinel1 import annotation, files, manifest, measurement, product_name
from xsar_batch.sentinel1.annotation import Annotation
from xsar_batch.sentinel1.files import Entry

#: Modes that are converted. Others exist (EN, N1 to N6: the antenna is calibrated with them).
MODES = ("IW", "EW", *product_name.STRIPMAP)

#: Root element of each kind of XML file.
_METADATA = {"annotation": "product", "calibration": "calibration", "noise": "noise"}


@dataclass(frozen=True)
class Safe:
    """A SAFE that passed the check.

    ``annotations`` has one entry a polarisation, in the manifest's order.
    """

    path: Path
    name: str
    ipf: str
    annotations: tuple[Annotation, ...]

    @property
    def polarisations(self) -> tuple[str, ...]:
        return tuple(a.polarisation for a in self.annotations)


def check(path: str | os.PathLike, repairs: bool = True) -> Safe:
    """Check that a SAFE is whole and of a kind that can be converted.

    ``repairs`` is the setting: without, xsar is as it comes and cannot open all that it can.

    Raises
    ------
    BadSafe
        It is not there, or a needed file is missing, damaged, of another product, or a way out of
        the SAFE.
    Unsupported
        It is no GRD product, or one that xsar cannot open.
    """
    path = Path(path)
    name = path.name.removesuffix(".SAFE")
    if not path.is_dir():
        raise BadSafe(f"{path} is not there" if not path.exists() else f"{path} is no folder")
    check_kind(name, repairs)
    is_cog = product_name.is_cog(name)
    if {"[", "]"} & set(str(path)):
        raise Unsupported(f"xsar takes [ and ] for a pattern: move or link it from {path.parent}")
    fields = product_name.parse(name)
    assert fields is not None, "check_kind refuses other names"
    listed = manifest.read(path, fields)
    annotations: list[Annotation] = []
    for polarisation, *entries in zip(listed.polarisations, *listed.files.values(), strict=True):
        one = _check_polarisation(path, dict(zip(listed.files, entries, strict=True)))
        if one.polarisation != polarisation:
            raise BadSafe(f"{entries[0].href} is of {one.polarisation}, not {polarisation}")
        href = listed.files["measurement"][len(annotations)].href
        _check_tiff(path, href, one, listed.ipf, is_cog)
        annotations.append(one)
    return Safe(path, name, listed.ipf, tuple(annotations))


def check_kind(name: str, repairs: bool) -> None:
    """Check, by its name alone, that a SAFE is of a kind that can be converted.

    Raises
    ------
    Unsupported
        It is not.
    """
    fields = product_name.parse(name)
    if fields is None:
        raise Unsupported(f"its name, {name}, is no name of a Sentinel-1 product")
    kind = f"{fields['mode']} {fields['product_type'].rstrip('_')}"
    if not fields["product_type"].startswith("GRD"):
        raise Unsupported(f"this is a product of type {kind}; only GRD products can be converted")
    if fields["product_class"] == "A":
        raise Unsupported(f"this is an annotation product ({kind}, class A): it has no pixels")
    if fields["mode"] not in MODES:
        raise Unsupported(
            f"this is a product of type {kind}; of GRD products only those of IW, EW and stripmap "
            "(S1 to S6) can be converted"
        )
    if fields["mode"] in product_name.STRIPMAP and not repairs:
        raise Unsupported(
            f"this is a stripmap product ({kind}), which plain xsar cannot open: it has no swath "
            "merging; set repairs: true"
        )
    if product_name.is_cog(name) and not repairs:
        raise Unsupported(
            "this SAFE was packed by the Copernicus Data Space (COG), which plain xsar cannot "
            "open: set repairs: true"
        )


def _check_polarisation(path: Path, entries: dict[str, Entry]) -> Annotation:
    """Check the metadata of one polarisation."""
    roots = {}
    for kind, tag in _METADATA.items():
        entry = entries[kind]
        roots[kind], data = files.read_xml(path, entry.href, tag)
        if entry.md5.lower() != hashlib.md5(data, usedforsecurity=False).hexdigest():
            raise BadSafe(f"{entry.href} differs from its checksum in the manifest")
    return annotation.read(roots["annotation"], entries["annotation"].href)


def _check_tiff(path: Path, href: str, expected: Annotation, ipf: str, is_cog: bool) -> None:
    """Check the TIFF's header against the annotation, and that GDAL opens it.

    A compressed TIFF may have any size; damage inside shows when it is read.
    """
    import rasterio

    measurement.check(path / href, href, expected.lines, expected.samples)
    try:
        with measurement.open_image(path / href) as image:
            shape, dtypes, nodata = image.shape, image.dtypes, image.nodata
            written_by = image.tags().get("TIFFTAG_SOFTWARE", "")
    except rasterio.errors.RasterioError as error:
        raise BadSafe(f"{href} cannot be opened: {_without_path(error, path / href)}") from None
    if (shape, dtypes) != ((expected.lines, expected.samples), ("uint16",)):
        raise BadSafe(f"{href} holds {shape} pixels of {dtypes}")
    # Packers of COG call zeros no data. They are read as the zeros that they were.
    if nodata is not None and not (is_cog and nodata == 0):
        raise BadSafe(f"{href} declares {nodata} to be no data, which no GRD product does")
    version = re.search(r"IPF (\d+\.\d+)", written_by)
    if version and version[1] != ipf:
        raise BadSafe(f"{href} was written by IPF {version[1]}, the manifest says {ipf}")


def _without_path(error: Exception, path: Path) -> str:
    """A library's message in one line, with the file's path left out: it is said already."""
    text = " ".join(str(error).split())
    for shown in (f"'{path}'", str(path)):
        text = text.replace(f"{shown}: ", "").replace(f"{shown} ", "").replace(shown, path.name)
    return text
