"""The manifest of a demo scene.

Names and order of elements: Sentinel-1 Product Specification (S1-RS-MDA-52-7441).
"""

import binascii
import functools
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sentinel1_demo_scenes.product import Product
from sentinel1_demo_scenes.xml import HEAD, flag, tag, utc

_NAMESPACES = {
    "xmlns__xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns__gml": "http://www.opengis.net/gml",
    "xmlns__xfdu": "urn:ccsds:schema:xfdu:1",
    "xmlns__safe": "http://www.esa.int/safe/sentinel-1.0",
    "xmlns__s1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1",
    "xmlns__s1sar": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar",
    "xmlns__s1sarl1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1",
    "xmlns__s1sarl2": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-2",
    "xmlns__gx": "http://www.google.com/kml/ext/2.2",
}
_SCHEMAS = {
    "Product": "s1-level-1-product",
    "Noise": "s1-level-1-noise",
    "Calibration": "s1-level-1-calibration",
    "Measurement": "s1-level-1-measurement",
}
# Readers take these names apart, for the times of validity (V) and of generation (G).
_AUXILIARY = "{mission}_{kind}_V20190228T092500_G20210104T141310.SAFE"
_INSTRUMENT_CONFIGURATION = 7


class DataFile(NamedTuple):
    """A file that the manifest lists: its path inside the SAFE, and what it is in `_SCHEMAS`."""

    path: str
    kind: str

    @property
    def id(self) -> str:
        """Identifier inside the manifest: the file's name without punctuation."""
        name = Path(self.path).stem.replace("-", "")
        return f"product{name}" if self.kind == "Product" else name

    @property
    def schema(self) -> str:
        """Identifier of the schema inside the manifest."""
        return f"s1Level1{self.kind}Schema"


def md5(path: Path) -> str:
    """MD5 checksum of a file, as the manifest states it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _package_map(product: Product, files: list[DataFile]) -> str:
    units = [
        tag(
            "xfdu:contentUnit",
            tag("dataObjectPointer", dataObjectID=file.id),
            unitType=f"{'Measurement Data' if file.kind == 'Measurement' else 'Metadata'} Unit",
            repID=file.schema,
        )
        for file in files
    ]
    described = "acquisitionPeriod platform generalProductInformation"
    root = tag(
        "xfdu:contentUnit",
        *units,
        unitType="SAFE Archive Information Package",
        textInfo=f"Sentinel-1 {product.mode} Level-1 GRD Product",
        dmdID=f"{described} measurementOrbitReference measurementFrameSet",
        pdiID="processing",
    )
    return tag("informationPackageMap", root)


def _wrapped(name: str, text: str, content: str, category: str = "DMD") -> str:
    data = tag("xmlData", content)
    wrap = tag("metadataWrap", data, mimeType="text/xml", vocabularyName="SAFE", textInfo=text)
    kind = "PROVENANCE" if category == "PDI" else "DESCRIPTION"
    return tag("metadataObject", wrap, ID=name, classification=kind, category=category)


def _processing(product: Product) -> str:
    software = tag("safe:software", name="Sentinel-1 IPF", version=product.ipf)
    facility = tag(
        "safe:facility",
        software,
        country="France",
        name="xsar-batch demo",
        organisation="none",
        site="made up, not measured",
    )
    began = product.processed - timedelta(minutes=10)
    auxiliary = [
        tag("safe:resource", name=_AUXILIARY.format(mission=product.mission, kind=kind), role=kind)
        for kind in ("AUX_PP1", "AUX_CAL", "AUX_INS")
    ]
    # Readers look for the auxiliary files two levels deep, where products made from a slice
    # of complex data have them.
    middle = product.processed - timedelta(minutes=5)
    complex_data = tag(
        "safe:processing",
        facility,
        *auxiliary,
        name="SLC Processing",
        start=utc(began),
        stop=utc(middle),
    )
    source = tag(
        "safe:resource",
        complex_data,
        name=product.name.replace(product.product, "SL1_").replace("_1S", "_1_"),
        role="Level-1 Intermediate SLC Product",
    )
    return tag(
        "safe:processing",
        facility,
        source,
        name="GRD Post Processing",
        start=utc(middle),
        stop=utc(product.processed),
    )


def _platform(product: Product) -> str:
    mode = tag(
        "s1sarl1:instrumentMode",
        tag("s1sarl1:mode", product.mode if product.is_merged else "SM"),
        tag("s1sarl1:swath", product.mode),
    )
    instrument = tag(
        "safe:instrument",
        tag("safe:familyName", "Synthetic Aperture Radar", abbreviation="SAR"),
        tag("safe:extension", mode),
    )
    return tag(
        "safe:platform",
        tag("safe:familyName", "SENTINEL-1"),
        tag("safe:number", product.mission[-1]),
        instrument,
    )


def _orbit(product: Product) -> str:
    properties = tag(
        "s1:orbitProperties",
        tag("s1:pass", product.orbit_pass.upper()),
        tag("s1:ascendingNodeTime", utc(product.node)),
    )
    return tag(
        "safe:orbitReference",
        *(tag("safe:orbitNumber", product.orbit, type_=end) for end in ("start", "stop")),
        *(
            tag("safe:relativeOrbitNumber", product.relative_orbit, type_=end)
            for end in ("start", "stop")
        ),
        tag("safe:extension", properties),
    )


def _general(product: Product) -> str:
    return tag(
        "s1sarl1:standAloneProductInformation",
        tag("s1sarl1:instrumentConfigurationID", _INSTRUMENT_CONFIGURATION),
        tag("s1sarl1:missionDataTakeID", product.data_take),
        *(tag("s1sarl1:transmitterReceiverPolarisation", pol) for pol in product.pols),
        tag("s1sarl1:productClass", "S"),
        tag("s1sarl1:productClassDescription", "SAR Standard L1 Product"),
        tag("s1sarl1:productComposition", "Slice"),
        tag("s1sarl1:productType", "GRD"),
        tag("s1sarl1:productTimelinessCategory", "NRT-3h"),
        tag("s1sarl1:sliceProductFlag", flag(True)),
        tag("s1sarl1:segmentStartTime", utc(product.start)),
        tag("s1sarl1:sliceNumber", 1),
        tag("s1sarl1:totalSlices", 1),
    )


def _period(product: Product) -> str:
    since_node = [(at - product.node).total_seconds() for at in (product.start, product.stop)]
    return tag(
        "safe:acquisitionPeriod",
        tag("safe:startTime", utc(product.start)),
        tag("safe:stopTime", utc(product.stop)),
        tag(
            "safe:extension",
            tag(
                "s1:timeANX",
                tag("s1:startTimeANX", f"{since_node[0] * 1e3:.6e}"),
                tag("s1:stopTimeANX", f"{since_node[1] * 1e3:.6e}"),
            ),
        ),
    )


def _footprint(product: Product) -> str:
    last_line, last_sample = product.lines - 1, product.samples - 1
    corners = product.geometry.locate(
        [last_line, last_line, 0, 0], [0, last_sample, last_sample, 0]
    )
    pairs = zip(corners.latitude, corners.longitude, strict=True)
    coordinates = tag("gml:coordinates", " ".join(f"{lat:.6f},{lon:.6f}" for lat, lon in pairs))
    system = "http://www.opengis.net/gml/srs/epsg.xml#4326"
    footprint = tag("safe:footPrint", coordinates, srsName=system)
    return tag("safe:frameSet", tag("safe:frame", footprint))


def _schema(kind: str, stem: str) -> str:
    reference = tag(
        "metadataReference",
        mimeType="text/xml",
        vocabularyName="SDF" if kind == "Measurement" else "XML Schema",
        locatorType="URL",
        href=f"./support/{stem}.xsd",
    )
    name = f"s1Level1{kind}Schema"
    return tag("metadataObject", reference, ID=name, classification="SYNTAX", category="REP")


def _metadata(product: Product, files: list[DataFile]) -> str:
    pointers = [
        tag(
            "metadataObject",
            tag("dataObjectPointer", dataObjectID=file.id),
            ID=f"{file.id}Annotation",
            classification="DESCRIPTION",
            category="DMD",
        )
        for file in files
        if file.kind != "Measurement"
    ]
    return tag(
        "metadataSection",
        *pointers,
        _wrapped("processing", "Processing", _processing(product), "PDI"),
        _wrapped("platform", "Platform Description", _platform(product)),
        _wrapped("measurementOrbitReference", "Orbit Reference", _orbit(product)),
        _wrapped("generalProductInformation", "General Product Information", _general(product)),
        _wrapped("acquisitionPeriod", "Acquisition Period", _period(product)),
        _wrapped("measurementFrameSet", "Frame Set", _footprint(product)),
        *(_schema(kind, stem) for kind, stem in _SCHEMAS.items()),
    )


def _data_object(safe: Path, file: DataFile) -> str:
    path = safe / file.path
    stream = tag(
        "byteStream",
        tag("fileLocation", locatorType="URL", href=f"./{file.path}"),
        tag("checksum", md5(path), checksumName="MD5"),
        mimeType="application/octet-stream" if file.kind == "Measurement" else "text/xml",
        size=path.stat().st_size,
    )
    return tag("dataObject", stream, ID=file.id, repID=file.schema)


def manifest(product: Product, safe: Path, files: list[DataFile]) -> bytes:
    """The manifest of the SAFE folder `safe`, in which all `files` are already there."""
    family = product.mode.lower() if product.is_merged else "sm"
    count = {1: "s", 2: "d"}[len(product.pols)]
    text = HEAD + tag(
        "xfdu:XFDU",
        _package_map(product, files),
        _metadata(product, files),
        tag("dataObjectSection", *(_data_object(safe, file) for file in files)),
        **_NAMESPACES,
        version=f"esa/safe/sentinel-1.0/sentinel-1/sar/level-1/grd/standard/{family}{count}p",
    )
    return fitted(text.encode(), product.unique_id)


def fitted(text: bytes, unique_id: str) -> bytes:
    """The manifest with a comment at its end that makes its CRC-16 the last digits of the name.

    Real products are named after their manifest; here the name is there first. A CRC is linear:
    that of a text and a comment is that of the text and as many zeros, xor the comment's own.
    """
    state = binascii.crc_hqx(text, 0xFFFF)
    wanted = int(unique_id, 16) ^ binascii.crc_hqx(bytes(len(_comment(0))), state)
    return text + _comment(_numbers_by_checksum()[wanted])


def _comment(number: int) -> bytes:
    return b"\n<!-- %07d -->\n" % number


@functools.cache
def _numbers_by_checksum() -> dict[int, int]:
    """For each CRC-16 the number of a comment that has it."""
    found: dict[int, int] = {}
    number = 0
    while len(found) < 1 << 16:
        found.setdefault(binascii.crc_hqx(_comment(number), 0), number)
        number += 1
    return found
