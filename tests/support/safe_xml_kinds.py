"""Broken SAFEs: XML that is no XML, and attacks by XML."""

import re
from pathlib import Path
from random import Random

from safe_kinds import METADATA, any_file, file_kind, kind, secret


def insert(path: Path, more: str) -> None:
    """Put something before the end of the root."""
    text = path.read_text()
    end = text.rindex("</")
    path.write_text(text[:end] + more + text[end:])


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
