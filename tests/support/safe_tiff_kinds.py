"""Broken SAFEs: measurements that are no TIFF, another TIFF, or one with a damaged header."""

import gzip
import os
import struct
import zipfile
from functools import wraps
from pathlib import Path
from random import Random

import netCDF4
import numpy as np
import rasterio
from safe_kinds import copy_outside, file_kind, safe_of, secret

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS, STRIP_BYTES, PLANAR, FORMAT = 273, 277, 278, 279, 284, 339


class Header:
    """The directory of a classic little-endian TIFF, as GDAL writes demo scenes, to be changed."""

    def __init__(self, path: Path) -> None:
        self.path, self.data = path, bytearray(path.read_bytes())
        (self.at,) = struct.unpack_from("<I", self.data, 4)
        (self.count,) = struct.unpack_from("<H", self.data, self.at)

    def entry(self, tag: int) -> int:
        """Where the entry of a tag is."""
        for number in range(self.count):
            place = self.at + 2 + 12 * number
            if struct.unpack_from("<H", self.data, place)[0] == tag:
                return place
        raise LookupError(tag)

    def set(self, tag: int, value: int) -> "Header":
        """A single number of a tag; both types of integers are in the same place."""
        struct.pack_into("<I", self.data, self.entry(tag) + 8, value & 0xFFFFFFFF)
        return self

    def table(self, tag: int) -> np.ndarray:
        """The numbers of a tag, (n,), to be changed in place."""
        kind, count, place = struct.unpack_from("<HII", self.data, self.entry(tag) + 2)
        dtype = {3: "<u2", 4: "<u4"}[kind]
        return np.frombuffer(self.data, dtype, count, place)

    def save(self) -> None:
        self.path.write_bytes(self.data)


def header_kind(fate: str = "refused", sealed: bool | None = None):
    """Put a function that changes the header of a TIFF into the table of kinds."""

    def register(change):
        @wraps(change)
        def damage(path: Path, chance: Random) -> None:
            header = Header(path)
            change(header, chance)
            header.save()

        return file_kind("measurement", fate=fate, sealed=sealed)(damage)

    return register


def written(path: Path, change=None, **profile) -> None:
    """Write the pixels anew, in another way; ``change`` makes others of them."""
    with rasterio.open(path) as tiff:
        points, crs = tiff.gcps
        pixels = tiff.read()
    pixels = change(pixels) if change else pixels
    path.unlink()
    options = {
        **{"driver": "GTiff", "dtype": pixels.dtype, "gcps": points, "crs": crs, "blockysize": 1},
        **dict(zip(("count", "height", "width"), pixels.shape, strict=True)),
        **profile,
    }
    if options.get("tiled"):
        del options["blockysize"]
    if options["driver"] != "GTiff":
        options = {name: options[name] for name in ("driver", "dtype", "count", "height", "width")}
    with rasterio.open(path, "w", **options) as tiff:
        tiff.write(pixels)
    for beside in path.parent.glob(path.name + ".aux.xml"):
        beside.unlink()


# -- no TIFF ---------------------------------------------------------------------------------


@file_kind("measurement")
def no_tiff(path: Path, chance: Random) -> None:
    """Text, a web page, noise, zeros."""
    text = chance.choice([b"404 Not Found\n" * 50_000, b"<html/>" * 100_000, bytes(500_000)])
    path.write_bytes(chance.choice([text, chance.randbytes(99_999)]))


@file_kind("measurement")
def virtual_dataset(path: Path, chance: Random) -> None:
    """A text of GDAL's (VRT) under the name of a TIFF, that names pixels elsewhere."""
    with rasterio.open(path) as tiff:
        height, width = tiff.shape
    outside = copy_outside(path) / path.relative_to(safe_of(path))
    place = chance.choice([str(outside), str(secret(path)), "/vsicurl/http://localhost:9/a.tiff"])
    text = (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><VRTRasterBand '
        'dataType="UInt16" band="1"><SimpleSource><SourceFilename relativeToVRT="0">'
        f"{place}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    path.write_text(text + " " * chance.choice([0, 2 * width * height]))


@file_kind("measurement")
def other_format(path: Path, chance: Random) -> None:
    """The same pixels in another format that GDAL reads, under the name of a TIFF."""
    driver = chance.choice(["PNG", "JP2OpenJPEG", "ENVI", "NITF", "VRT", "PCIDSK", "ERS"])
    with rasterio.open(path) as tiff:
        pixels = tiff.read()
    path.unlink()
    try:
        with rasterio.open(
            path,
            "w",
            driver=driver,
            count=1,
            dtype="uint16",
            height=pixels.shape[1],
            width=pixels.shape[2],
        ) as other:
            other.write(pixels)
    except Exception:
        path.write_bytes(b"NITF02.10" + bytes(2000))


@file_kind("measurement")
def netcdf_instead(path: Path, chance: Random) -> None:
    """A netCDF file (HDF5, or classic) under the name of a TIFF."""
    with netCDF4.Dataset(path, "w", format=chance.choice(["NETCDF4", "NETCDF3_CLASSIC"])) as file:
        file.createDimension("y", 600)
        file.createDimension("x", 600)
        file.createVariable("Band1", "i2", ("y", "x"))[:] = 1


@file_kind("measurement")
def packed(path: Path, chance: Random) -> None:
    """The TIFF within gzip or zip, which GDAL can look into."""
    data = path.read_bytes()
    if chance.random() < 0.5:
        path.write_bytes(gzip.compress(data, 1))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.tiff", data)


# -- another TIFF ----------------------------------------------------------------------------


@file_kind("measurement")
def other_type_of_pixels(path: Path, chance: Random) -> None:
    """Pixels of another type, some with the same number of bytes."""
    dtype = chance.choice(["int16", "uint8", "float32", "uint32", "float64", "complex64", "int32"])
    written(path, lambda pixels: pixels.astype(dtype))


@file_kind("measurement")
def other_number_of_bands(path: Path, chance: Random) -> None:
    """Two or three bands in one file."""
    many = chance.choice([2, 3])
    written(path, lambda pixels: np.repeat(pixels, many, axis=0))


@file_kind("measurement")
def other_size(path: Path, chance: Random) -> None:
    """A line or a sample more or less, half of them, or lines and samples exchanged."""
    change = chance.choice(
        [
            *(lambda p: p[:, :-1], lambda p: p[:, :, 1:], lambda p: p[:, ::2], lambda p: p[:, :1]),
            *(lambda p: p.transpose(0, 2, 1), lambda p: np.pad(p, ((0, 0), (0, 1), (0, 0)))),
        ]
    )
    written(path, lambda p: np.ascontiguousarray(change(p)))


@file_kind("measurement", fate="right", sealed=False)
def other_layout(path: Path, chance: Random) -> None:
    """The same pixels compressed, tiled, in larger strips, in big-endian order, or as BigTIFF."""
    profile = chance.choice(
        [
            *({"compress": name} for name in ("deflate", "lzw", "zstd", "packbits", "lzma")),
            {"compress": "deflate", "predictor": 2},
            {"tiled": True, "blockxsize": 64, "blockysize": 64},
            {"tiled": True, "blockxsize": 128, "blockysize": 256, "compress": "lzw"},
            *({"blockysize": rows} for rows in (7, 100, 10_000)),
            {"ENDIANNESS": "BIG"},
            {"BIGTIFF": "YES"},
            {"BIGTIFF": "YES", "ENDIANNESS": "BIG", "compress": "deflate"},
        ]
    )
    written(path, **profile)


@file_kind("measurement")
def sparse_blocks(path: Path, chance: Random) -> None:
    """A TIFF that leaves blocks out; GDAL takes them for zeros."""

    def some_zeros(pixels: np.ndarray) -> np.ndarray:
        pixels[:, 50:150] = 0
        return pixels

    written(path, some_zeros, SPARSE_OK="TRUE")


@file_kind("measurement")
def value_for_no_data(path: Path, chance: Random) -> None:
    """The TIFF says of a value that it is none: GDAL then leaves such pixels out."""
    written(path, nodata=chance.choice([0, 100, 200]))


@file_kind("measurement", fate="right", sealed=False)
def overviews_inside(path: Path, chance: Random) -> None:
    """Smaller images in the same file, of other values, that GDAL takes when it reads cells."""
    with rasterio.open(path, "r+") as tiff:
        tiff.build_overviews([2, 4, 8, 100], rasterio.enums.Resampling.nearest)


@file_kind("measurement", fate="right", sealed=False)
def files_beside_it(path: Path, chance: Random) -> None:
    """Files that GDAL looks for beside a TIFF: overviews, masks, metadata that change values."""
    with rasterio.open(path) as tiff:
        height, width = tiff.shape
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16"}
    small = np.full((1, height // 100, width // 100), 9999, "uint16")
    with rasterio.open(
        f"{path}.ovr", "w", height=small.shape[1], width=small.shape[2], **profile
    ) as file:
        file.write(small)
    with rasterio.open(f"{path}.msk", "w", height=height, width=width, **profile) as file:
        file.write(np.zeros((1, height, width), "uint16"))
    Path(f"{path}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><NoDataValue>100</NoDataValue>'
        "<Scale>2</Scale><Offset>5</Offset></PAMRasterBand></PAMDataset>"
    )
    path.with_suffix(".tfw").write_text("1\n0\n0\n1\n0\n0\n")
    path.with_suffix(".vrt").write_text("<VRTDataset/>")


# -- a damaged header ------------------------------------------------------------------------


@header_kind()
def header_of_giant_size(header: Header, chance: Random) -> None:
    """Width or length of the image are absurd."""
    by = chance.choice([0, 1, 70_000, 2**31 - 1, 2**31, 2**32 - 1])
    header.set(chance.choice([WIDTH, LENGTH]), by)


@header_kind()
def header_of_odd_pixels(header: Header, chance: Random) -> None:
    """Bits, number, format, order of bits or compression are not those of the pixels."""
    tag, by = chance.choice(
        [
            *((BITS, 8), (BITS, 32), (BITS, 15), (BITS, 0), (SAMPLES, 2), (SAMPLES, 0)),
            *((SAMPLES, 65535), (FORMAT, 2), (FORMAT, 3), (FORMAT, 77)),
            *((COMPRESSION, 5), (COMPRESSION, 8), (COMPRESSION, 32773), (COMPRESSION, 7)),
            *((COMPRESSION, 0), (COMPRESSION, 65000)),
        ]
    )
    header.set(tag, by)


@header_kind()
def bits_in_reverse(header: Header, chance: Random) -> None:
    """The header says that the bits of each byte are in reverse order."""
    struct.pack_into("<HHII", header.data, header.entry(PHOTOMETRIC), FILL_ORDER, 3, 1, 2)


@header_kind(fate="right", sealed=False)
def header_of_other_colours(header: Header, chance: Random) -> None:
    """The header says that zero is white; these are no colours."""
    header.set(PHOTOMETRIC, 0)


@header_kind()
def rows_of_strips_wrong(header: Header, chance: Random) -> None:
    """The number of rows in a strip is not that of the strips."""
    by = chance.choice([0, 2, 100, 2**32 - 1])
    header.set(ROWS, by)


@header_kind()
def strips_elsewhere(header: Header, chance: Random) -> None:
    """Some strips have no place, one outside of the file, or that of others, as bit flips make."""
    table = header.table(STRIP_OFFSETS)
    at = chance.randrange(1, table.size - 1)
    how = chance.choice(["zero", "beyond", "same", "all", "bit", "shifted", "swathe"])
    if how == "zero":
        table[at] = 0
    elif how == "beyond":
        table[at] = 2**32 - 1000
    elif how == "same":
        table[at] = table[at + 1]
    elif how == "all":
        table[:] = table[0]
    elif how == "bit":
        table[at] ^= 1 << chance.randrange(20)
    elif how == "shifted":
        table[at] = int(table[at]) + chance.choice([-2, -1, 1, 2])
    else:
        table[at : at + 20] = 0


@header_kind()
def strips_of_wrong_length(header: Header, chance: Random) -> None:
    """Strips of no bytes, too few, or more than there are."""
    table = header.table(STRIP_BYTES)
    at = chance.randrange(table.size)
    table[at : at + chance.choice([1, 50])] = chance.choice([0, 1, 10, 65535])


@header_kind()
def directory_elsewhere(header: Header, chance: Random) -> None:
    """The place of the directory is outside of the file, in the header, or within the pixels."""
    by = chance.choice([0, 1, 4, len(header.data) - 1, len(header.data) // 2, 2**31, 2**32 - 1])
    struct.pack_into("<I", header.data, 4, by)


@header_kind()
def directory_of_many_tags(header: Header, chance: Random) -> None:
    """The directory says that it has no tags, one, or 65,535."""
    struct.pack_into("<H", header.data, header.at, chance.choice([0, 1, 3, 1000, 65535]))


@header_kind()
def tag_of_many_values(header: Header, chance: Random) -> None:
    """A tag says that it has four billion values, or none."""
    tag = chance.choice([STRIP_OFFSETS, STRIP_BYTES, WIDTH, LENGTH])
    by = chance.choice([0, 2, 2**16, 2**31, 2**32 - 1])
    struct.pack_into("<I", header.data, header.entry(tag) + 4, by)


@header_kind()
def tag_missing(header: Header, chance: Random) -> None:
    """A tag that a TIFF must have is called something else."""
    tag = chance.choice([WIDTH, LENGTH, BITS, STRIP_OFFSETS, STRIP_BYTES, ROWS])
    struct.pack_into("<H", header.data, header.entry(tag), 65_000)


@header_kind(fate="right", sealed=False)
def directories_in_a_circle(header: Header, chance: Random) -> None:
    """The next directory is the first again."""
    struct.pack_into("<I", header.data, header.at + 2 + 12 * header.count, header.at)


@header_kind()
def other_magic(header: Header, chance: Random) -> None:
    """The first bytes are those of another byte order, or of no TIFF."""
    header.data[:4] = chance.choice(
        [b"MM\0*", b"II*\1", b"II+\0", b"II\0\0", b"\0\0\0\0", b"EP*\0"]
    )


@file_kind("measurement")
def pixels_beyond_the_end(path: Path, chance: Random) -> None:
    """The file is short of its last lines, and a hole as long as it likes follows."""
    with rasterio.open(path) as tiff:
        row = tiff.width * 2
    os.truncate(path, path.stat().st_size - chance.randrange(1, 20 * row))


@file_kind("measurement", fate="pixels")
def pixels_that_are_a_hole(path: Path, chance: Random) -> None:
    """The last part of the file is a hole of zeros, as an interrupted copy leaves. No value of a
    pixel is impossible."""
    size = path.stat().st_size
    os.truncate(path, size - chance.randrange(1, size // 2))
    os.truncate(path, size)


@file_kind("measurement", fate="pixels")
def compressed_pixels_damaged(path: Path, chance: Random) -> None:
    """Bytes of compressed pixels are others."""
    written(path, compress=chance.choice(["deflate", "lzw", "zstd", "packbits"]), blockysize=20)
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data) // 2, len(data) - 100)
    data[at : at + 50] = chance.randbytes(50)
    path.write_bytes(data)
