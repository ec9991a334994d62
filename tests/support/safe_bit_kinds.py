"""Broken SAFEs: random bits and bytes, anywhere."""

from pathlib import Path
from random import Random

from safe_kinds import METADATA, file_kind, kind
from safe_tiff_kinds import STRIP_OFFSETS, Header, header_kind


def flip(data: bytearray, first: int, last: int, chance: Random) -> None:
    """Flip a bit, or a few, or write some bytes anew."""
    how = chance.choice(["bit", "bits", "bytes"])
    if how == "bytes":
        at = chance.randrange(first, last)
        many = min(chance.randrange(1, 64), last - at)
        data[at : at + many] = chance.randbytes(many)
        return
    for _ in range(1 if how == "bit" else chance.randrange(2, 20)):
        data[chance.randrange(first, last)] ^= 1 << chance.randrange(8)


@file_kind(*METADATA, sealed=False)
def metadata_bits(path: Path, chance: Random) -> None:
    """Bits of an XML file flip: its checksum tells."""
    data = bytearray(path.read_bytes())
    before = bytes(data)
    while data == before:
        flip(data, 0, len(data), chance)
    path.write_bytes(data)


@kind("either", sealed=True)
def manifest_bits_with_checksum_made_right(safe: Path, chance: Random) -> None:
    """Bits of the manifest flip, and somebody made its checksum fit."""
    path = safe / "manifest.safe"
    data = bytearray(path.read_bytes())
    flip(data, 0, len(data) - 30, chance)
    path.write_bytes(data)


@header_kind(fate="either")
def tiff_header_bits(header: Header, chance: Random) -> None:
    """Bits of a TIFF flip before its first pixel."""
    flip(header.data, 0, int(header.table(STRIP_OFFSETS).min()), chance)


@header_kind(fate="either")
def tiff_directory_bits(header: Header, chance: Random) -> None:
    """Bits of a TIFF flip in its directory."""
    flip(header.data, header.at, header.at + 2 + 12 * header.count, chance)


@header_kind(fate="pixels")
def pixel_bits(header: Header, chance: Random) -> None:
    """Bits of pixels flip."""
    flip(header.data, int(header.table(STRIP_OFFSETS).min()), len(header.data), chance)
