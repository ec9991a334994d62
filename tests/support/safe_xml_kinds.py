"""Broken SAFEs: XML that is no XML, attacks by XML, and numbers that make no sense."""

import re
from functools import wraps
from pathlib import Path
from random import Random

from lxml import etree
from safe_kinds import FILES, METADATA, any_file, file_kind, kind, secret
from safes import edit, only

#: What may stand in the place of a number.
ABSURD = (
    *("nan", "inf", "-inf", "INF", "1e308", "-1e308", "1e400", "-0", "0", "-1", "1e-320"),
    *("99999999999999999999999", "4294967296", "-2147483649", "9" * 5000, "1e99999"),
    *(
        "",
        " ",
        "many",
        "0x10",
        "1_0",
        "½",
        "²",
        "1,5",
        "true",
        "--1",
        "+-1",
        "1 2",
        "١٢",
        "1e",
        ".",
    ),
)
#: Those that no number of an image, a grid or a table can be, whatever is done about it.
HOPELESS = tuple(text for text in ABSURD if text not in ("-0", "0", "-1", "1e-320", "1 2"))


#: What no value above 0 can be read from.
NOT_POSITIVE = tuple(text for text in HOPELESS if not re.fullmatch(r"\+?[\d.]+(e\+?\d+)?", text))


def xml_kind(*files: str, fate: str = "refused", sealed: bool | None = None, in_both: bool = False):
    """Put a function that changes the root of an XML file into the table of kinds.

    The file is one of these, of either polarisation; ``in_both``: of both, in the same way, so that
    these agree.
    """

    def register(change):
        @wraps(change)
        def damage(safe: Path, chance: Random) -> None:
            paths = [any_file(safe, chance, *files)]
            if in_both:
                paths = both(safe, chance.choice(files))
            seed = chance.random()
            for path in paths:
                tree = etree.parse(str(path), etree.XMLParser(remove_blank_text=False))
                change(tree.getroot(), Random(seed))
                tree.write(str(path), encoding="UTF-8", xml_declaration=True)

        return kind(fate, sealed)(damage)

    return register


def both(safe: Path, what: str) -> list[Path]:
    return [only(safe, FILES[what].format(pol)) for pol in ("vv", "vh")]


def pick(root: etree._Element, path: str, chance: Random) -> etree._Element:
    return chance.choice(root.findall(path))


def insert(path: Path, more: str) -> None:
    """Put something before the end of the root."""
    text = path.read_text()
    end = text.rindex("</")
    path.write_text(text[:end] + more + text[end:])


def replace_word(text: str, chance: Random, by: str) -> str:
    words = text.split()
    words[chance.randrange(len(words))] = by
    return " ".join(words)


# -- no XML, or odd XML ----------------------------------------------------------------------


@file_kind("manifest", *METADATA)
def other_root(path: Path, chance: Random) -> None:
    """The root element is another one."""
    path.write_text(chance.choice(["<html/>", "<a><product/></a>", "<VRTDataset/>", "<product/>"]))


@file_kind("manifest", *METADATA)
def no_xml(path: Path, chance: Random) -> None:
    """Something that is no XML at all."""
    path.write_bytes(
        chance.choice(
            [
                *(b"\0" * 1000, b"PK\3\4" + bytes(500), b"\x1f\x8b\x08" + bytes(500), b"<"),
                *(b"\xff\xfe", b"\xef\xbb\xbf", b"%PDF-1.4", b"<a>" * 100, chance.randbytes(2000)),
            ]
        )
    )


@file_kind(*METADATA, fate="either", sealed=True)
def other_encoding(path: Path, chance: Random) -> None:
    """The same text in UTF-16, UTF-32, with a byte order mark, or in another's bytes."""
    text = path.read_text()
    encoding = chance.choice(["UTF-16", "UTF-32", "ISO-8859-1", "utf-8-sig", "cp037", "UTF-7"])
    told = text.replace('encoding="UTF-8"', f'encoding="{encoding}"')
    path.write_bytes((told if chance.random() < 0.7 else text).encode(encoding))


@file_kind("manifest", *METADATA)
def bytes_of_no_encoding(path: Path, chance: Random) -> None:
    """Bytes within an XML file that are no UTF-8, or no characters of XML."""
    data = path.read_bytes()
    at = chance.randrange(data.index(b">") + 1, len(data) - 30)
    path.write_bytes(data[:at] + chance.choice([b"\xff", b"\xc0\x80", b"\0", b"\1"]) + data[at:])


@file_kind(*METADATA, fate="either", sealed=True)
def numbers_with_comments_inside(path: Path, chance: Random) -> None:
    """A comment, a processing instruction or CDATA in the middle of a number."""
    mark = chance.choice(["<!-- a -->", "<?a b?>", "<![CDATA[]]>"])
    tag = chance.choice(["line", "pixel", "sigmaNought", "noiseRangeLut", "longitude", "startTime"])
    path.write_text(
        re.sub(rf"(<{tag}[^>]*>[^<]{{3}})([^<]*<)", lambda m: m[1] + mark + m[2], path.read_text())
    )


@file_kind("manifest", *METADATA)
def deep_nesting(path: Path, chance: Random) -> None:
    """Elements within elements, 300 to 100,000 deep."""
    depth = chance.choice([300, 5_000, 100_000])
    insert(path, "<a>" * depth + "</a>" * depth)


@file_kind(*METADATA, fate="either", sealed=True)
def huge_text(path: Path, chance: Random) -> None:
    """A text, an attribute, a comment or blanks of 12 million characters."""
    many = 12_000_000
    more = chance.choice(
        ["<a>" + "1 " * (many // 2) + "</a>", f'<a b="{"c" * many}"/>', f"<!--{'a' * many}-->"]
    )
    insert(path, chance.choice([more, " " * many]))


@file_kind(*METADATA, fate="either", sealed=True)
def many_elements(path: Path, chance: Random) -> None:
    """A million elements, or a thousand attributes, more than there should be."""
    attributes = " ".join(f"b{n}='c'" for n in range(1000))
    insert(path, chance.choice(["<a/>" * 1_000_000, f"<a {attributes}/>"]))


@file_kind(*METADATA)
def too_much_metadata(path: Path, chance: Random) -> None:
    """An XML file of 40 MB."""
    insert(path, "<a>b</a>" * 5_000_000)


@kind("either", sealed=True)
def namespaces_bent(safe: Path, chance: Random) -> None:
    """A default namespace, or a prefix that xsar knows bound to another one."""
    path = any_file(safe, chance, *METADATA)
    by = chance.choice(['xmlns="urn:a"', 'xmlns:safe="urn:a"', 'xmlns:xfdu="urn:a"', 'xmlns:a="b"'])
    path.write_text(re.sub(r"<(product|calibration|noise)>", rf"<\1 {by}>", path.read_text()))


# -- attacks ---------------------------------------------------------------------------------


def with_type(path: Path, declarations: str, used: str) -> None:
    """Declare a document type, and use an entity in the first text of the file."""
    text = path.read_text()
    root = re.search(r"<([A-Za-z:]+)[ >]", text)[1]
    text = text.replace("?>", f"?><!DOCTYPE {root} {declarations}>", 1)
    path.write_text(re.sub(r"(<[\w:]+>)[^<>]+(</)", rf"\g<1>{used}\g<2>", text, count=1))


@kind()
def billion_laughs(safe: Path, chance: Random) -> None:
    """Entities of entities of entities: 10^9 times the same word."""
    levels = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    path = any_file(safe, chance, "manifest", *METADATA)
    with_type(path, f'[<!ENTITY a0 "ha">{levels}]', "&a9;")


@file_kind("manifest", *METADATA)
def quadratic_blowup(path: Path, chance: Random) -> None:
    """One long entity, many times."""
    with_type(path, f'[<!ENTITY a "{"1 " * 50_000}">]', "&a;" * 50_000)


@file_kind("manifest", *METADATA)
def entity_of_a_local_file(path: Path, chance: Random) -> None:
    """An entity that stands for a file of this machine."""
    place = chance.choice([str(secret(path)), f"file://{secret(path)}", "../outside/secret.txt"])
    with_type(path, f'[<!ENTITY a SYSTEM "{place}">]', "&a;")


@file_kind("manifest", *METADATA)
def entity_of_parameters(path: Path, chance: Random) -> None:
    """A parameter entity that fetches declarations from a file, or from the network."""
    place = chance.choice([f"file://{secret(path, 'secret.dtd')}", "http://localhost:9/a.dtd"])
    with_type(path, f'[<!ENTITY % a SYSTEM "{place}"> %a;]', "1")


@file_kind("manifest", *METADATA)
def document_type_elsewhere(path: Path, chance: Random) -> None:
    """A document type that is described in a file of this machine."""
    with_type(path, f'SYSTEM "file://{secret(path, "secret.dtd")}"', "1")


@file_kind("manifest", *METADATA)
def harmless_entity(path: Path, chance: Random) -> None:
    """An entity that stands for a number: xsar would see it, the check would not."""
    with_type(path, '[<!ENTITY a "1">]', "&a;")


@file_kind(*METADATA, fate="either", sealed=True)
def inclusions(path: Path, chance: Random) -> None:
    """XInclude, a style sheet and a schema that name a file of this machine."""
    place = f"file://{secret(path)}"
    text = path.read_text()
    end = text.rindex("</")
    text = (
        f'{text[:end]}<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" '
        f'href="{place}"/><a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:a {place}"/>{text[end:]}'
    )
    path.write_text(text.replace("?>", f'?><?xml-stylesheet type="text/xsl" href="{place}"?>', 1))


@kind()
def schema_that_attacks(safe: Path, chance: Random) -> None:
    """The schema of the annotation, which xsar reads too, is no XML or has entities."""
    path = safe / "support" / "s1-level-1-product.xsd"
    path.parent.mkdir()
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    path.write_text(
        chance.choice(
            [
                "",
                "no XML",
                "<html/>",
                f'<!DOCTYPE s [<!ENTITY a0 "ha">{laughs}]><s:schema xmlns:s="x">&a9;</s:schema>',
                f'<!DOCTYPE s [<!ENTITY a SYSTEM "{secret(safe)}">]><schema>&a;</schema>',
            ]
        )
    )


@kind("either", sealed=False)
def schema_of_odd_content(safe: Path, chance: Random) -> None:
    """A schema that is one, but not as xsar expects it."""
    path = safe / "support" / "s1-level-1-product.xsd"
    path.parent.mkdir()
    head = '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
    inner = chance.choice(
        [
            "",
            "<xsd:element/>",
            "<xsd:complexType><xsd:sequence><xsd:element/></xsd:sequence></xsd:complexType>",
            '<xsd:complexType><xsd:sequence><xsd:element name="longitude"><a/></xsd:element>'
            "</xsd:sequence></xsd:complexType>",
        ]
    )
    path.write_text(f"{head}{inner}</xsd:schema>")


# -- structure -------------------------------------------------------------------------------


@xml_kind(*METADATA, fate="either")
def element_missing(root: etree._Element, chance: Random) -> None:
    """Any element of a file, with all that is in it, is missing."""
    chosen = chance.choice(list(root.iterdescendants()))
    chosen.getparent().remove(chosen)


@xml_kind(*METADATA, fate="either")
def part_missing(root: etree._Element, chance: Random) -> None:
    """A whole part of a file is missing."""
    parts = [one for one in root.iterdescendants() if len(one)][:40]
    chosen = chance.choice(parts)
    chosen.getparent().remove(chosen)


@xml_kind(*METADATA, fate="either")
def element_twice(root: etree._Element, chance: Random) -> None:
    """Any element of a file is there twice."""
    chosen = chance.choice(list(root.iterdescendants()))
    chosen.addnext(etree.fromstring(etree.tostring(chosen)))


@xml_kind(*METADATA, fate="either")
def element_moved(root: etree._Element, chance: Random) -> None:
    """Any element stands elsewhere among its neighbours."""
    parent = chance.choice([one for one in root.iter() if len(one) > 1])
    chosen = chance.choice(list(parent))
    parent.remove(chosen)
    parent.insert(chance.randrange(len(parent) + 1), chosen)


@xml_kind(*METADATA, fate="either")
def element_of_another_name(root: etree._Element, chance: Random) -> None:
    """Any element is called something else."""
    chance.choice(list(root.iterdescendants())).tag = chance.choice(["a", "line", "count"])


@xml_kind(*METADATA, fate="either")
def any_text_absurd(root: etree._Element, chance: Random) -> None:
    """The text of any element is absurd."""
    leaves = [one for one in root.iterdescendants() if not len(one)]
    chance.choice(leaves).text = chance.choice(ABSURD)


@xml_kind(*METADATA, fate="either")
def any_count_absurd(root: etree._Element, chance: Random) -> None:
    """The count that an element states is absurd."""
    counted = [one for one in root.iterdescendants() if one.get("count")]
    chance.choice(counted).set("count", chance.choice([*ABSURD[:20], "many", "1e9", "999999"]))


# -- the annotation --------------------------------------------------------------------------

IMAGE = "imageAnnotation/imageInformation/"
POINT = "geolocationGrid/geolocationGridPointList/geolocationGridPoint"
ORBIT = "generalAnnotation/orbitList/orbit"


@xml_kind("annotation")
def size_or_spacing_absurd(root: etree._Element, chance: Random) -> None:
    """Lines, samples or spacing of the image make no sense."""
    tag = chance.choice(
        ["numberOfLines", "numberOfSamples", "azimuthPixelSpacing", "rangePixelSpacing"]
    )
    # A spacing of 7 m makes sense: that it is another's, the checksum alone tells.
    few = ["7"] if tag.startswith("number") else []
    root.find(IMAGE + tag).text = chance.choice([*ABSURD, *few, "1e-9", "1000000"])


@xml_kind("annotation", in_both=True)
def grid_value_hopeless(root: etree._Element, chance: Random) -> None:
    """One value of the geolocation grid is no such number, in both polarisations."""
    tag = chance.choice(
        [
            *("longitude", "latitude", "height", "incidenceAngle", "elevationAngle"),
            *("slantRangeTime", "azimuthTime", "line", "pixel"),
        ]
    )
    at, by = chance.randrange(210), chance.choice(HOPELESS)
    root.findall(POINT)[at].find(tag).text = by


@xml_kind("annotation", in_both=True)
def grid_in_disorder(root: etree._Element, chance: Random) -> None:
    """The points are all there, in another order: xsar takes them as they come."""
    order = list(range(210))
    chance.choice([chance.shuffle, list.reverse])(order)
    points = root.findall(POINT)
    parent = points[0].getparent()
    parent[:] = [points[at] for at in order]


@xml_kind("annotation", in_both=True)
def grid_with_holes(root: etree._Element, chance: Random) -> None:
    """Points, rows or columns of the grid are missing, at the edge or inside."""
    row, column, some = chance.choice([0, 9]), chance.choice([0, 20]), chance.sample(range(210), 3)
    left_out = chance.choice(
        [
            lambda at: at // 21 == row,
            lambda at: at % 21 == column,
            lambda at: at in some,
            lambda at: at > 21,
            lambda at: at > 0,
            lambda at: True,
        ]
    )
    points = root.findall(POINT)
    for at, point in enumerate(points):
        if left_out(at):
            point.getparent().remove(point)


@xml_kind("annotation", in_both=True)
def grid_on_other_pixels(root: etree._Element, chance: Random) -> None:
    """The positions are right, but said to be of other lines or samples."""
    tag = chance.choice(["line", "pixel"])
    f = chance.choice([lambda v: v * 2, lambda v: v // 2, lambda v: v + 50, lambda v: -v])
    for point in root.findall(POINT):
        point.find(tag).text = str(f(int(point.findtext(tag))))


@kind()
def noise_removal_unclear(safe: Path, chance: Random) -> None:
    """That noise was removed is said of one polarisation, or in a word that xsar takes for yes."""
    paths = both(safe, "annotation")
    by = chance.choice(["true", "maybe", "0.5", "False", ""])
    for path in paths[:1] if by == "true" else paths:
        edit(path, r"(<thermalNoiseCorrectionPerformed>)[^<]*", rf"\g<1>{by}")


@xml_kind(*METADATA, in_both=True)
def header_of_another_acquisition(root: etree._Element, chance: Random) -> None:
    """A field of a header names another mission, mode, orbit, data take or time."""
    tag, by = chance.choice(
        [
            *(("missionId", "S1B"), ("mode", "EW"), ("polarisation", "HH")),
            *(("absoluteOrbitNumber", "1"), ("missionDataTakeId", "1")),
            *(("startTime", "2020-01-01T00:00:00.000000"), ("stopTime", "x")),
        ]
    )
    root.find(f"adsHeader/{tag}").text = by


@xml_kind("annotation", fate="either", sealed=True, in_both=True)
def swath_merging_odd(root: etree._Element, chance: Random) -> None:
    """Swath bounds that overlap, are empty, or missing. A product takes nothing from them."""
    how = chance.choice(["none", "overlap", "backwards", "twice"])
    merges = root.findall("swathMerging/swathMergeList/swathMerge")
    parent = merges[0].getparent()
    bounds = root.findall(".//swathBounds")
    if how == "none":
        parent[:] = []
        parent.set("count", "0")
    elif how == "twice":
        parent.append(etree.fromstring(etree.tostring(merges[0])))
    else:
        bounds[1].find("firstRangeSample").text = "0" if how == "overlap" else "99999"


@xml_kind("annotation", fate="either", sealed=True, in_both=True)
def parts_that_no_product_needs(root: etree._Element, chance: Random) -> None:
    """Antenna patterns, Doppler or FM rates are missing or absurd: xsar reads them all the same."""
    part = chance.choice(["antennaPattern", "dopplerCentroid", "azimuthFmRateList", "burstList"])
    by = chance.choice(["missing", "empty", *ABSURD[:10]])
    found = next(root.iter(part))
    if by == "missing":
        found.getparent().remove(found)
    elif by == "empty":
        found[:] = []
    else:
        leaves = [one for one in found.iterdescendants() if not len(one)]
        if leaves:
            chance.choice(leaves).text = by


# -- calibration and noise -------------------------------------------------------------------


@xml_kind("calibration")
def calibration_value_wrong(root: etree._Element, chance: Random) -> None:
    """One value of a table of calibration is absurd."""
    tag, by = chance.choice(["sigmaNought", "gamma"]), chance.choice([*NOT_POSITIVE, "0", "-1"])
    lut = pick(root, f".//{tag}", chance)
    lut.text = replace_word(lut.text, chance, by)


@xml_kind("calibration", "noise")
def vectors_wrong(root: etree._Element, chance: Random) -> None:
    """Vectors are missing, in disorder, at the same line, or reach beyond or short of the image."""
    how = chance.choice(["one", "disorder", "same"])
    tag = "calibrationVector" if root.tag == "calibration" else "noiseRangeVector"
    vectors = list(root.iter(tag))
    parent = vectors[0].getparent()
    if how == "one":
        parent[:] = vectors[:1]
        parent.set("count", "1")
    elif how == "disorder":
        parent[:] = vectors[::-1]
    else:
        for vector in vectors:
            vector.find("line").text = "0"


@xml_kind("calibration", "noise")
def pixels_of_vectors_wrong(root: etree._Element, chance: Random) -> None:
    """The pixels of vectors are in disorder, too far, or not those of the other vectors."""
    how = chance.choice(["reversed", "far", "half", "negative", "moved"])
    every = chance.random() < 0.5 and how != "moved"
    found = list(root.iter("pixel"))
    for one in found if every else found[1:2]:
        values = [int(value) for value in one.text.split()]
        values = {
            "reversed": values[::-1],
            "far": [value * 100 for value in values],
            "half": [value // 3 for value in values],
            "negative": [-value for value in values],
            "moved": [values[0], *(value + 600 for value in values[1:])],
        }[how]
        one.text = " ".join(map(str, values))


@xml_kind("noise")
def noise_absurd(root: etree._Element, chance: Random) -> None:
    """Noise is zero everywhere, negative, or no number."""
    how = chance.choice(["zero", "negative", "word"])
    by = chance.choice(NOT_POSITIVE)
    found = list(root.iter("noiseRangeLut"))
    if how == "word":
        one = chance.choice(found)
        one.text = replace_word(one.text, chance, by)
        return
    factor = {"zero": 0, "negative": -1}[how]
    for one in found:
        one.text = " ".join(f"{float(value) * factor:.6e}" for value in one.text.split())


@xml_kind("noise", fate="either", sealed=True)
def noise_some_decibels_off(root: etree._Element, chance: Random) -> None:
    """A value of noise is up to 10 dB off. Nobody can know who has no checksum."""
    one = pick(root, ".//noiseRangeLut", chance)
    values = one.text.split()
    at = chance.randrange(len(values))
    values[at] = f"{float(values[at]) * 10 ** chance.uniform(-1, 1):.6e}"
    one.text = " ".join(values)


@xml_kind("noise")
def noise_along_azimuth_wrong(root: etree._Element, chance: Random) -> None:
    """Blocks of noise along azimuth are missing, lie outside, or hold odd numbers."""
    how = chance.choice(["none", "outside", "zero", "absurd", "short", "backwards"])
    by = chance.choice(NOT_POSITIVE)
    vectors = list(root.iter("noiseAzimuthVector"))
    one = chance.choice(vectors)
    lut, lines = one.find("noiseAzimuthLut"), one.find("line")
    if how == "none":
        vectors[0].getparent()[:] = []
        root.find("noiseAzimuthVectorList").set("count", "0")
    elif how == "outside":
        one.find(chance.choice(["lastAzimuthLine", "lastRangeSample"])).text = "70000"
    elif how == "zero":
        lut.text = " ".join("0" for _ in lut.text.split())
    elif how == "absurd":
        lut.text = replace_word(lut.text, chance, by)
    elif how == "short":
        for found in (lut, lines):
            found.text = " ".join(found.text.split()[:3])
            found.set("count", "3")
    else:
        lines.text = " ".join(lines.text.split()[::-1])
