"""The header of a measurement: checked before GDAL opens the file, and the one way to open it.

GDAL takes a TIFF for whole whose table of strips is damaged: it gives zeros, or other lines, where
a strip cannot be. It also takes a file for what it looks like, whatever it is called, and reads
what lies beside it. Tags: TIFF 6.0 (Adobe, 1992); BigTIFF: libtiff.org.
"""

import struct
import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from xsar_batch.failures import BadSafe

if TYPE_CHECKING:
    import rasterio

#: Most pixels of an image: what a classic TIFF of 4 GiB can hold.
MOST_PIXELS = 1 << 31

#: Most bytes of a compressed strip or tile once it is unpacked: GDAL holds one in memory.
LARGEST_BLOCK = 256 << 20

#: Most entries of a directory. Measurements have about 20.
_MOST_TAGS = 200

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _FILL_ORDER = 256, 257, 258, 259, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS, _STRIP_BYTES = 273, 277, 278, 279
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_FORMAT = 339
_DEFAULTS = {_BITS: 1, _COMPRESSION: 1, _FILL_ORDER: 1, _SAMPLES: 1, _FORMAT: 1}
_UINT, _UNCOMPRESSED = 1, 1

#: TIFF's types: number -> what numpy calls those of integers; bytes of all others.
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 16: "u8"}
_BYTES = {2: 1, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 17: 8, 18: 8}

#: Numbers of tags of integers, (n,) each; where what the directory takes begins and ends.
_Directory = tuple[dict[int, np.ndarray], list[tuple[int, int]]]


def check(path: Path, shown_as: str, lines: int, samples: int) -> None:
    """Check that a measurement is a TIFF of uint16 pixels of this size, with a place for each.

    Raises
    ------
    BadSafe
        What is wrong.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            tags, taken = _directory(file, size)
        _check_pixels(tags, shown_as, lines, samples)
        _check_blocks(tags, taken, shown_as, lines, samples, size)
    except (ValueError, struct.error) as error:
        raise BadSafe(f"{shown_as} cannot be opened: {error}") from None
    except OSError as error:
        raise BadSafe(f"{shown_as} cannot be read: {error.strerror}") from None


def open_image(path: str | PathLike) -> "rasterio.DatasetReader":
    """Open a TIFF as nothing but a TIFF, and without the files beside it that GDAL knows
    (``.aux.xml``, ``.ovr``, ``.msk``): they change values.

    Raises
    ------
    rasterio.errors.RasterioIOError
        It cannot be opened.
    """
    import rasterio

    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"):
        image = rasterio.open(path, driver="GTiff")
        # Asked here, for GDAL looks for .aux.xml at the first such question, and never again.
        _ = image.nodata
    return image


def places_of_rows(path: str | PathLike) -> np.ndarray | None:
    """Where in the file each row of the image begins, in bytes (n,), if its pixels lie there as
    numpy has them: uint16 in this machine's order, not compressed, a whole row in one piece. None
    if not so, or not to be told."""
    with Path(path).open("rb") as file:
        order = {b"II": "little", b"MM": "big"}.get(file.read(2))
        file.seek(0)
        try:
            tags, _ = _directory(file, Path(path).stat().st_size)
            lines, samples = _one(tags, _LENGTH), _one(tags, _WIDTH)
            kind = [_one(tags, tag) for tag in (_BITS, _FORMAT, _SAMPLES, _FILL_ORDER)]
            height = min(_one(tags, _ROWS), lines)
            places, sizes = tags[_STRIP_OFFSETS], tags[_STRIP_BYTES]
            is_plain = _one(tags, _COMPRESSION) == _UNCOMPRESSED
        except (ValueError, LookupError, struct.error):
            return None
    if order != sys.byteorder or kind != [16, _UINT, 1, 1] or not is_plain or height < 1:
        return None
    row = samples * 2
    rows = np.minimum(height, lines - height * np.arange(places.size))
    if rows.sum() != lines or sizes.shape != places.shape or (sizes < rows * row).any():
        return None
    return (places[:, np.newaxis] + row * np.arange(height)).ravel()[:lines]


def _directory(file: BinaryIO, size: int) -> _Directory:
    """The first directory, and which bytes of the file it takes."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    kind = struct.unpack(f"{order}H", head[2:4])[0] if order and len(head) == 16 else 0
    if kind not in (42, 43):
        raise ValueError("it is no TIFF")
    # Of a classic TIFF and of a BigTIFF: where the directory is, how many tags, a tag.
    at, counted, one = ("4xI", "H", "HHI4s") if kind == 42 else ("8xQ", "Q", "HHQ8s")
    begin = min(struct.unpack_from(order + at, head)[0], size)
    file.seek(begin)
    (count,) = struct.unpack(order + counted, file.read(struct.calcsize(order + counted)))
    if count > _MOST_TAGS:
        raise ValueError(f"its directory has {count} tags")
    table = file.read(count * struct.calcsize(order + one))
    tags, taken = {}, [(0, 8), (begin, begin + len(table))]
    for tag, kind, number, place in struct.iter_unpack(order + one, table):
        dtype = np.dtype(order + _INTEGERS[kind]) if kind in _INTEGERS else None
        length = number * (dtype.itemsize if dtype is not None else _BYTES.get(kind, 1))
        if length > size:
            raise ValueError(f"its tag {tag} has {number} values")
        if length > len(place):
            first = int.from_bytes(place, "little" if order == "<" else "big")
            if first + length > size:
                raise ValueError(f"its tag {tag} lies beyond the end of the file")
            taken.append((first, first + length))
            if dtype is not None:
                file.seek(first)
                place = file.read(length)
        if dtype is not None:
            tags[tag] = np.frombuffer(place, dtype, number).astype(np.int64)
    if len(tags) < 5 or len(table) < count * struct.calcsize(order + one):
        raise ValueError("its directory is cut short")
    return tags, taken


def _one(tags: dict[int, np.ndarray], tag: int) -> int:
    values = tags.get(tag)
    if values is None and tag in _DEFAULTS:
        return _DEFAULTS[tag]
    if values is None or values.size != 1:
        raise ValueError(f"its tag {tag} is missing or no single number")
    return int(values[0])


def _check_pixels(tags: dict[int, np.ndarray], shown_as: str, lines: int, samples: int) -> None:
    shape = _one(tags, _LENGTH), _one(tags, _WIDTH)
    if shape != (lines, samples):
        raise BadSafe(
            f"{shown_as} is {shape[0]} x {shape[1]} pixels, its annotation says {lines} x {samples}"
        )
    if lines * samples > MOST_PIXELS:
        raise BadSafe(f"{shown_as} has {lines} x {samples} pixels, more than any GRD product")
    if _one(tags, _SAMPLES) != 1:
        raise BadSafe(f"{shown_as} has {_one(tags, _SAMPLES)} bands, a GRD product has one a file")
    dtype = {1: "uint", 2: "int", 3: "float"}.get(_one(tags, _FORMAT), "unknown")
    if (_one(tags, _FORMAT), _one(tags, _BITS)) != (_UINT, 16):
        raise BadSafe(
            f"{shown_as} holds {dtype}{_one(tags, _BITS)} pixels, a GRD product holds uint16"
        )
    if _one(tags, _FILL_ORDER) != 1:
        raise BadSafe(f"{shown_as} holds its bits in reverse order, which no GRD product does")


def _check_blocks(
    tags: dict[int, np.ndarray],
    taken: list[tuple[int, int]],
    shown_as: str,
    lines: int,
    samples: int,
    size: int,
) -> None:
    """Check that each strip or tile has a place of its own in the file, large enough."""
    tiled = _TILE_OFFSETS in tags
    offsets: np.ndarray | None
    if tiled:
        height, width = _one(tags, _TILE_LENGTH), _one(tags, _TILE_WIDTH)
        offsets, counts = tags[_TILE_OFFSETS], tags.get(_TILE_BYTES)
    else:
        height = min(_one(tags, _ROWS), lines) if _ROWS in tags else lines
        width, offsets, counts = samples, tags.get(_STRIP_OFFSETS), tags.get(_STRIP_BYTES)
    if height < 1 or width < 1 or offsets is None or counts is None:
        raise ValueError("it does not say where its pixels are")
    number = -(-lines // height) * -(-samples // width)
    if offsets.size != number or counts.size != number:
        raise ValueError(
            f"it has places for {offsets.size} and sizes of {counts.size} of {number} blocks"
        )
    is_plain = _one(tags, _COMPRESSION) == _UNCOMPRESSED
    if is_plain:
        rows = np.full(number, height)
        if not tiled:
            rows[-1] = lines - height * (number - 1)
        if (counts < rows * width * 2).any():
            raise BadSafe(f"{shown_as} is cut short: some of its blocks have too few bytes")
    elif height * width * 2 > LARGEST_BLOCK:
        raise BadSafe(f"{shown_as} is compressed in blocks of {height} x {width} pixels")
    if (counts < 1).any() or (offsets < 8).any():
        raise BadSafe(f"{shown_as} has no pixels for some of its blocks")
    ends = offsets + counts
    if ends.max() > size or (ends < 0).any():
        raise BadSafe(f"{shown_as} is cut short: {size} bytes of at least {ends.max()}")
    start, end = np.array([*zip(offsets, ends, strict=True), *taken]).T
    order = np.argsort(start, kind="stable")
    gap = start[order][1:] - end[order][:-1]
    # Where a gap is as long as a block, one has been there.
    if (gap < 0).any() or (is_plain and (gap == counts[0]).any()):
        raise BadSafe(f"{shown_as} is damaged: the places of some of its blocks are others'")
