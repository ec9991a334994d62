"""Root mean square of blocks of pixels: what a cell of a lower resolution holds.

The same integers as GDAL's resampling ``rms`` gives for 16-bit pixels and whole blocks, for a
quarter of the CPU. GDAL (``ComputeIntegerRMS`` in gcore/overview.cpp) takes the integer whose
*square* is nearest to the mean of squares, and the lower one of two that are equally near. Sums of
squares of 16-bit integers are exact in 64 bits here, and in the doubles that GDAL sums in up to
blocks of two million pixels.

On the way it is counted how many pixels of a block lie inside of the swath. Outside of it GRD
products hold zeros, in runs from the ends of each line; a zero between other pixels is a dark
pixel. Zeros add nothing to a sum of squares, so the mean over the pixels inside is the same sum
divided by another number.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import RawIOBase
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import rasterio
from rasterio.windows import Window

from xsar_batch.sentinel1 import measurement

#: Rows read at a time, and bytes that GDAL may keep of what it has read: together they stay in the
#: processor's cache. GDAL's default is a twentieth of the machine's memory, and no pixel is read
#: twice. Of tiles two rows are kept, lest each tile be unpacked for every ROWS: an IW product in
#: tiles of 1024 x 1024 takes 1.6 s of CPU a polarisation so, and 27 s otherwise.
ROWS = 50
CACHE, MOST_CACHE = 1 << 20, 512 << 20


def _compiled(function: Callable) -> Any:
    """With numba, and kept on disk for the next process where there is a place for that."""
    try:
        return numba.njit(function, cache=True, nogil=True)
    except RuntimeError:
        return numba.njit(function, nogil=True)


@_compiled
def _add_squares(pixels: np.ndarray, columns: np.ndarray) -> None:
    """Add the squares of ``pixels`` (rows x samples) to ``columns`` (as many samples or fewer,
    uint64).

    Down the columns: neighbouring ones are added in one instruction, which the samples of one cell
    are not, and that is four times as fast.
    """
    for row in range(pixels.shape[0]):
        line = pixels[row]
        for sample in range(columns.size):
            value = np.uint64(line[sample])
            columns[sample] += value * value


@_compiled
def _take_outside(pixels: np.ndarray, inside: np.ndarray, samples: int) -> None:
    """Take from ``inside`` (cells, int64) the zeros at both ends of each row of ``pixels``, of
    which ``samples`` make a cell and the last ones none."""
    for row in range(pixels.shape[0]):
        line = pixels[row]
        first, end = 0, line.size
        while first < end and line[first] == 0:
            first += 1
        while end > first and line[end - 1] == 0:
            end -= 1
        cell = 0
        while cell < inside.size and cell * samples < first:
            inside[cell] -= min(samples, first - cell * samples)
            cell += 1
        cell = inside.size - 1
        while cell >= 0 and (cell + 1) * samples > end:
            inside[cell] -= min(samples, (cell + 1) * samples - end)
            cell -= 1


def warm_up() -> None:
    """Compile, or load what was compiled: in a process that others are forked from."""
    _add_squares(np.zeros((1, 1), np.uint16), np.zeros(1, np.uint64))
    _take_outside(np.zeros((1, 1), np.uint16), np.ones(1, np.int64), 1)


class Blocks(NamedTuple):
    """Blocks of pixels of an image: ``sums`` of squares (uint64), pixels ``inside`` of the swath
    (int64), both (height // lines, width // samples); ``size`` is the number of pixels of one."""

    sums: np.ndarray
    inside: np.ndarray
    size: int


def nearest(sums: np.ndarray, count: int | np.ndarray) -> np.ndarray:
    """The integers (uint16) whose squares are nearest to ``sums`` (uint64) / ``count``."""
    mean = sums / np.float64(count)
    root = np.floor(np.sqrt(mean))
    root += 2 * root * (root + 1) + 1 < 2 * mean
    return root.astype(np.uint16)


def blocks(
    path: str | PathLike, lines: int, samples: int, threads: int = 1, band: int = 1
) -> Blocks:
    """Read a GeoTIFF of 16-bit pixels as blocks of ``lines`` x ``samples`` pixels.

    Blocks begin at the first pixel; rows and columns that fill no block are left out.

    Raises
    ------
    rasterio.errors.RasterioIOError
        Pixels cannot be read.
    """
    with measurement.open_image(path) as image:
        shape = image.height // lines, image.width // samples
        tall, wide = image.block_shapes[band - 1]
        row = tall * wide * -(-image.width // wide) * np.dtype(image.dtypes[band - 1]).itemsize
        # One cache for all threads.
        cache = CACHE if tall == 1 else min(max(CACHE, 2 * row * threads), MOST_CACHE)
    found = Blocks(np.empty(shape, np.uint64), np.empty(shape, np.int64), lines * samples)
    parts = np.array_split(np.arange(shape[0]), threads)
    with ThreadPoolExecutor(threads) as pool:
        # list: what a thread raises is raised here.
        block = lines, samples
        list(pool.map(lambda part: _read_part(path, block, band, found, part, cache), parts))
    return found


def _read_part(
    path: str | PathLike,
    block: tuple[int, int],
    band: int,
    found: Blocks,
    part: np.ndarray,
    cache: int,
) -> None:
    """Fill some rows of ``found``. A rasterio file belongs to the thread that opened it."""
    if not part.size:
        return
    lines, samples = block
    cells = found.sums.shape[1]
    found.inside[part] = found.size
    with _opened(path, band, cache) as (width, dtype, read):
        buffer = np.empty((min(ROWS, lines), width), dtype)
        columns = np.empty(cells * samples, np.uint64)
        for row in part.tolist():
            columns[:] = 0
            for first in range(0, lines, ROWS):
                pixels = buffer[: min(ROWS, lines - first)]
                read(row * lines + first, pixels)
                _add_squares(pixels, columns)
                _take_outside(pixels, found.inside[row], samples)
            found.sums[row] = columns.reshape(cells, samples).sum(axis=1)


@contextmanager
def _opened(
    path: str | PathLike, band: int, cache: int
) -> Iterator[tuple[int, str, Callable[[int, np.ndarray], object]]]:
    """Samples of a row, their type, and a function that reads rows: all that fit, from one on.

    From the file itself where rows lie in it as they are: an IW product takes 0.22 s of CPU so and
    0.35 s through GDAL, which takes one row after the other and copies it twice. (With its
    GTIFF_DIRECT_IO it does not, but gives zeros without a word where a file ends too soon.)
    """
    with rasterio.Env(GDAL_CACHEMAX=cache), measurement.open_image(path) as image:
        width, dtype = image.width, image.dtypes[band - 1]
        places = measurement.places_of_rows(path)
        if places is None:

            def by_gdal(first: int, out: np.ndarray) -> object:
                return image.read(band, window=Window(0, first, width, len(out)), out=out)

            yield width, dtype, by_gdal
            return
    with Path(path).open("rb", buffering=0) as file:

        def as_it_is(first: int, out: np.ndarray) -> None:
            wanted = places[first : first + len(out)]
            # Where one row does not follow another, each is read for itself.
            begins = [0, *(np.flatnonzero(np.diff(wanted) != out.strides[0]) + 1).tolist()]
            for begin, end in pairwise([*begins, len(out)]):
                _fill(file, int(wanted[begin]), out[begin:end].data.cast("B"))

        yield width, dtype, as_it_is


def _fill(file: RawIOBase, place: int, out: memoryview) -> None:
    try:
        file.seek(place)
        while out:
            count = file.readinto(out)
            if not count:
                raise rasterio.errors.RasterioIOError(f"the file ends at byte {file.tell()}")
            out = out[count:]
    except OSError as error:
        # As GDAL has it, so that all who read pixels hear the same.
        raise rasterio.errors.RasterioIOError(str(error)) from None
