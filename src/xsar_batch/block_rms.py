"""Root mean square of blocks of pixels: what a cell of a lower resolution holds.

The same integers as GDAL's resampling ``rms`` gives for 16-bit pixels and whole blocks, for a third
of the CPU. GDAL (``ComputeIntegerRMS`` in gcore/overview.cpp) takes the integer whose *square* is
nearest to the mean of squares, and the lower one of two that are equally near. Sums of squares of
16-bit integers are exact in 64 bits here, and in the doubles that GDAL sums in up to blocks of two
million pixels.
"""

from concurrent.futures import ThreadPoolExecutor
from os import PathLike

import numba
import numpy as np
import rasterio
from rasterio.windows import Window

from . import tiff

#: Rows read at a time, and bytes that GDAL may keep of what it has read: together they stay in the
#: processor's cache. GDAL's default is a twentieth of the machine's memory, and no pixel is read
#: twice. (GTIFF_DIRECT_IO would be faster still, but gives zeros without a word where a file ends
#: too soon.)
ROWS = 50
CACHE = 1 << 20


def _compiled(function):
    """With numba, and kept on disk for the next process where there is a place for that."""
    try:
        return numba.njit(function, cache=True, nogil=True)
    except RuntimeError:
        return numba.njit(function, nogil=True)


@_compiled
def _add_squares(pixels, columns):
    """Add the squares of ``pixels`` (rows x samples) to ``columns`` (samples, uint64).

    Down the columns: neighbouring ones are added in one instruction, which the samples of one cell
    are not, and that is four times as fast.
    """
    for row in range(pixels.shape[0]):
        line = pixels[row]
        for sample in range(columns.size):
            value = np.uint64(line[sample])
            columns[sample] += value * value


def warm_up() -> None:
    """Compile, or load what was compiled: in a process that others are forked from."""
    _add_squares(np.zeros((1, 1), np.uint16), np.zeros(1, np.uint64))


def nearest(sums: np.ndarray, count: int) -> np.ndarray:
    """The integers (uint16) whose squares are nearest to ``sums`` (uint64) / ``count``."""
    mean = sums / np.float64(count)
    root = np.floor(np.sqrt(mean))
    root += 2 * root * (root + 1) + 1 < 2 * mean
    return root.astype(np.uint16)


def read(
    path: str | PathLike, lines: int, samples: int, threads: int = 1, band: int = 1
) -> np.ndarray:
    """Read a GeoTIFF of 16-bit pixels as the RMS of blocks of ``lines`` x ``samples`` pixels.

    Blocks begin at the first pixel; rows and columns that fill no block are left out. Returns
    uint16 (height // lines, width // samples).

    Raises
    ------
    rasterio.errors.RasterioIOError
        Pixels cannot be read.
    """
    with tiff.open_image(path) as image:
        shape = image.height // lines, image.width // samples
    rms = np.empty(shape, np.uint16)
    parts = np.array_split(np.arange(shape[0]), threads)
    with ThreadPoolExecutor(threads) as pool:
        # list: what a thread raises is raised here.
        list(pool.map(lambda part: _read_part(path, lines, samples, band, rms, part), parts))
    return rms


def _read_part(
    path: str | PathLike, lines: int, samples: int, band: int, rms: np.ndarray, part: np.ndarray
) -> None:
    """Fill some rows of ``rms``. A rasterio file belongs to the thread that opened it."""
    if not part.size:
        return
    cells = rms.shape[1]
    with rasterio.Env(GDAL_CACHEMAX=CACHE), tiff.open_image(path) as image:
        buffer = np.empty((min(ROWS, lines), cells * samples), image.dtypes[band - 1])
        columns = np.empty(cells * samples, np.uint64)
        for block in part.tolist():
            columns[:] = 0
            for first in range(0, lines, ROWS):
                pixels = buffer[: min(ROWS, lines - first)]
                window = Window(0, block * lines + first, cells * samples, len(pixels))
                image.read(band, window=window, out=pixels)
                _add_squares(pixels, columns)
            rms[block] = nearest(columns.reshape(cells, samples).sum(axis=1), lines * samples)
