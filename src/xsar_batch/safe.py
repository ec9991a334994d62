"""The check of a SAFE before xsar is imported: a bad one fails in a fraction of a second."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import annotation, safe_name
from .annotation import Annotation
from .failures import BadSafe, Unsupported

#: Files that a conversion needs, by their ``repID`` in the manifest.
#: The others (previews, schemas, RFI annotation) are not asked for.
NEEDED = {
    "s1Level1ProductSchema": "annotation",
    "s1Level1CalibrationSchema": "calibration",
    "s1Level1NoiseSchema": "noise",
    "s1Level1MeasurementSchema": "measurement",
}

#: Modes that are converted. Others exist (EN, N1 to N6: the antenna is calibrated with them).
MODES = ("IW", "EW", *safe_name.STRIPMAP)

#: Bytes of a detected (GRD) pixel: unsigned 16 bit.
PIXEL_BYTES = 2


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
        It is not there, or a needed file is missing, empty, cut short or unreadable.
    Unsupported
        It is no GRD product, or one that xsar cannot open.
    """
    path = Path(path)
    name = path.name.removesuffix(".SAFE")
    if not path.is_dir():
        raise BadSafe(f"{path} is not there" if not path.exists() else f"{path} is no folder")
    _check_kind(name, repairs)
    if {"[", "]"} & set(str(path)):
        raise Unsupported(f"xsar takes [ and ] for a pattern: move or link it from {path.parent}")
    files, ipf = _read_manifest(path)
    annotations = []
    for number, shown_as in enumerate(files["annotation"]):
        one = annotation.read_annotation(path / shown_as, shown_as)
        annotation.check_vectors(
            path / files["calibration"][number],
            files["calibration"][number],
            "calibration",
            ("calibrationVector",),
            one.polarisation,
        )
        annotation.check_vectors(
            path / files["noise"][number],
            files["noise"][number],
            "noise",
            # noiseVector until IPF 2.8, noiseRangeVector since.
            ("noiseRangeVector", "noiseVector"),
            one.polarisation,
        )
        _check_tiff(path, files["measurement"][number], one)
        annotations.append(one)
    sizes = {(one.lines, one.samples) for one in annotations}
    if len(sizes) > 1:
        raise BadSafe(f"the polarisations differ in size: {sorted(sizes)}")
    return Safe(path, name, ipf, tuple(annotations))


def _check_kind(name: str, repairs: bool) -> None:
    fields = safe_name.parse(name)
    if fields is None:
        raise Unsupported(f"{name} is no name of a Sentinel-1 product")
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
    if fields["mode"] in safe_name.STRIPMAP and not repairs:
        raise Unsupported(
            f"this is a stripmap product ({kind}), which plain xsar cannot open: it has no swath "
            "merging; set repairs: true"
        )


def _read_manifest(path: Path) -> tuple[dict[str, list[str]], str]:
    """Files by kind, each in the same order of polarisations; and the IPF version."""
    root = annotation.parse(path / "manifest.safe", "manifest.safe", "XFDU")
    software = root.find(".//{*}facility/{*}software")
    ipf = "unknown" if software is None else software.get("version", "unknown")
    polarisations = [
        (element.text or "").strip() for element in root.iter("{*}transmitterReceiverPolarisation")
    ]
    if not polarisations:
        raise BadSafe("manifest.safe names no polarisation")
    files: dict[str, list[str]] = {kind: [] for kind in NEEDED.values()}
    for item in root.findall("dataObjectSection/dataObject"):
        kind = NEEDED.get(item.get("repID"))
        location = item.find("byteStream/fileLocation")
        if kind and location is not None:
            files[kind].append(_inside(location.get("href", "")))
    for kind, names in files.items():
        if len(names) != len(polarisations):
            raise BadSafe(
                f"manifest.safe names {len(names)} {kind} files for {len(polarisations)} "
                f"polarisations ({' '.join(polarisations)})"
            )
        # Names end in -001.xml, -002.xml in the order of the polarisations.
        names.sort(key=lambda href: Path(href).stem.rsplit("-", 1)[-1])
        for href in names:
            _check_there(path, href)
    return files, ipf


def _inside(href: str) -> str:
    relative = os.path.normpath(href)
    if not href or relative.startswith("..") or Path(relative).is_absolute():
        raise BadSafe(f"manifest.safe names a file outside of the SAFE: {href!r}")
    return relative


def _check_there(path: Path, href: str) -> None:
    try:
        size = (path / href).stat().st_size
    except FileNotFoundError:
        raise BadSafe(f"{href} is missing") from None
    except OSError as error:
        raise BadSafe(f"{href} cannot be read: {error.strerror}") from None
    if size == 0:
        raise BadSafe(f"{href} is empty")


def _check_tiff(path: Path, href: str, expected: Annotation) -> None:
    """Check the TIFF's header against the annotation, and its size against the header.

    A compressed TIFF may have any size; damage inside shows when it is read.
    """
    import rasterio

    file = path / href
    try:
        with rasterio.open(file) as tiff:
            shape, dtype, compression = tiff.shape, tiff.dtypes[0], tiff.compression
    except rasterio.errors.RasterioError as error:
        raise BadSafe(f"{href} cannot be opened: {_without_path(error, file)}") from None
    if shape != (expected.lines, expected.samples):
        raise BadSafe(
            f"{href} is {shape[0]} x {shape[1]} pixels, its annotation says "
            f"{expected.lines} x {expected.samples}"
        )
    if dtype != "uint16":
        raise BadSafe(f"{href} holds {dtype} pixels, a GRD product holds uint16")
    least = expected.lines * expected.samples * PIXEL_BYTES
    size = file.stat().st_size
    if compression is None and size < least:
        raise BadSafe(f"{href} is cut short: {size} bytes of at least {least}")


def _without_path(error: Exception, path: Path) -> str:
    """A library's message in one line, with the file's path left out: it is said already."""
    text = " ".join(str(error).split())
    for shown in (f"'{path}'", str(path)):
        text = text.replace(f"{shown}: ", "").replace(f"{shown} ", "").replace(shown, path.name)
    return text
