"""The manifest of a SAFE: which files there are, and what they must be like.

The last four digits of a SAFE's name are the CRC-16 of its manifest, and the manifest holds the
size and the MD5 of each file: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section 3.4.1.
So the name vouches for the manifest, as long as nobody renames the SAFE, and the manifest for the
metadata.
"""

import binascii
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from xsar_batch.failures import BadSafe
from xsar_batch.sentinel1 import product_name
from xsar_batch.sentinel1.files import Entry, inside, read_xml, size_of

logger = logging.getLogger("xsar_batch")

#: Files that a conversion needs, by their ``repID`` in the manifest.
#: The others (previews, RFI annotation) are not asked for.
NEEDED = {
    "s1Level1ProductSchema": "annotation",
    "s1Level1CalibrationSchema": "calibration",
    "s1Level1NoiseSchema": "noise",
    "s1Level1MeasurementSchema": "measurement",
}

#: What comes before the part of a file's name that all files of a polarisation share.
_PREFIX = {"calibration": "calibration-", "noise": "noise-"}

#: Name of the processor in manifests.
_PROCESSOR = "Sentinel-1 IPF"


@dataclass(frozen=True)
class Manifest:
    """``files`` holds, by kind, one entry a polarisation, in the order of ``polarisations``."""

    ipf: str
    polarisations: tuple[str, ...]
    files: Mapping[str, tuple[Entry, ...]]


def checksum(data: bytes) -> str:
    """CRC-16-CCITT of a manifest, as the SAFE's name ends with it."""
    return f"{binascii.crc_hqx(data, 0xFFFF):04X}"


def compact(time: str) -> str:
    """A time as names have it: whole seconds, and no punctuation."""
    return re.sub("[-:]", "", time).split(".")[0]


def read(safe: Path, name: Mapping[str, str]) -> Manifest:
    """Read the manifest; ``name`` holds the fields of the SAFE's name.

    Raises
    ------
    BadSafe
        It is missing or no manifest, of another acquisition than the name, or names other files
        than a conversion needs, or files outside.
    """
    root, data = read_xml(safe, "manifest.safe", "XFDU")
    ipf = _ipf(root)
    polarisations = [
        (element.text or "").strip() for element in root.iter("{*}transmitterReceiverPolarisation")
    ]
    if not polarisations:
        raise BadSafe("manifest.safe names no polarisation")
    files = _files(root, polarisations)
    for kind, entries in files.items():
        for entry in entries:
            size = size_of(safe, entry.href)
            # Pixels may have been packed since.
            if kind != "measurement" and entry.size != str(size):
                said = entry.size or "nothing"
                raise BadSafe(f"{entry.href} has {size} bytes, the manifest says {said}")
    if checksum(data) != name["unique_id"]:
        # People do rename SAFEs. What a product takes from the manifest is checked below.
        logger.warning(
            "manifest.safe is not the one that the name belongs to, whose last digits would be %s: "
            "the SAFE was renamed, or its manifest changed",
            checksum(data),
        )
    expected = product_name.polarisations(name["polarisation"])
    if sorted(polarisations) != sorted(expected):
        raise BadSafe(
            f"manifest.safe is of {' '.join(polarisations)}, the name of {' '.join(expected)}"
        )
    _check_acquisition(root, name)
    _check_schema(safe, root)
    return Manifest(ipf, tuple(polarisations), files)


def _ipf(root: etree._Element) -> str:
    """Version of the processor: who packed the pixels since (COG) is named before it."""
    software = root.findall(".//{*}facility/{*}software")
    # xsar asks for the first of all, as a number.
    first = software[0].get("version", "") if software else ""
    ours = next((one for one in software if one.get("name") == _PROCESSOR), None)
    ipf = first if ours is None else ours.get("version", "")
    for version in (first, ipf):
        if not re.fullmatch(r"\d{1,3}\.\d{1,3}", version):
            raise BadSafe(f"manifest.safe names no version of the processor: {version!r}")
    return ipf


def _files(root: etree._Element, polarisations: list[str]) -> dict[str, tuple[Entry, ...]]:
    files: dict[str, list[Entry]] = {kind: [] for kind in NEEDED.values()}
    for item in root.findall("dataObjectSection/dataObject"):
        kind = NEEDED.get(item.get("repID"))
        location = item.find("byteStream/fileLocation")
        if kind and location is not None:
            size, md5 = item.find("byteStream").get("size", ""), _md5(item)
            files[kind].append(Entry(inside(location.get("href", "")), size, md5))
    for kind, entries in files.items():
        if len(entries) != len(polarisations):
            raise BadSafe(
                f"manifest.safe names {len(entries)} {kind} files for {len(polarisations)} "
                f"polarisations ({' '.join(polarisations)})"
            )
    if len({tuple(_stem(kind, entry) for entry in files[kind]) for kind in files}) > 1:
        # xsar goes by the order, and would give one polarisation the pixels of the other.
        raise BadSafe("manifest.safe lists annotations, their LUTs and pixels in different orders")
    # Names end in -001.xml, -002.xml (-001-cog.xml) in the order of the polarisations.
    return {kind: tuple(sorted(entries, key=_number)) for kind, entries in files.items()}


def _number(entry: Entry) -> str:
    """The last part of a file's name."""
    return Path(entry.href).stem.removesuffix("-cog").rsplit("-", 1)[-1]


def _md5(item: etree._Element) -> str:
    return (item.findtext("byteStream/checksum[@checksumName='MD5']") or "").strip()


def _stem(kind: str, entry: Entry) -> str:
    stem, ending = os.path.splitext(os.path.basename(entry.href))  # noqa: PTH119, PTH122
    prefix = _PREFIX.get(kind, "")
    if ending != (".tiff" if kind == "measurement" else ".xml") or not stem.startswith(prefix):
        raise BadSafe(f"manifest.safe names as {kind} a file that is none: {entry.href!r}")
    return stem.removeprefix(prefix)


def _check_acquisition(root: etree._Element, name: Mapping[str, str]) -> None:
    datatake = root.findtext(".//{*}missionDataTakeID", "")
    said = {
        "satellite": root.findtext(".//{*}platform/{*}familyName", "").removeprefix("SENTINEL-"),
        "letter": root.findtext(".//{*}platform/{*}number", ""),
        "mode": root.findtext(".//{*}instrumentMode/{*}mode", ""),
        "start": compact(root.findtext(".//{*}acquisitionPeriod/{*}startTime", "")),
        "stop": compact(root.findtext(".//{*}acquisitionPeriod/{*}stopTime", "")),
        "orbit": root.findtext(".//{*}orbitReference/{*}orbitNumber[@type='start']", "").zfill(6),
        "datatake": f"{int(datatake):06X}" if datatake.isdecimal() else datatake,
    }
    # Stripmap is SM, whichever beam.
    mode = "SM" if name["mode"].startswith("S") else name["mode"]
    expected = {"satellite": "1", "letter": name["mission"][-1], **name, "mode": mode}
    for key, value in said.items():
        if value != expected[key]:
            raise BadSafe(
                f"manifest.safe is of {key} {value!r}, the SAFE is called after {expected[key]!r}"
            )


def _check_schema(safe: Path, root: etree._Element) -> None:
    """xsar reads the schema of the annotation too, if it is there."""
    places = root.findall(
        "metadataSection/metadataObject[@ID='s1Level1ProductSchema']/metadataReference"
    )
    if not places:
        raise BadSafe("manifest.safe names no schema of the annotation")
    for place in places:
        href = inside(place.get("href", ""))
        # Not `exists`: a link that leads nowhere, or in a circle, is to be seen.
        if os.path.lexists(safe / href):
            read_xml(safe, href, "schema")
