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

#: Rows read at a time, about: 5 MB of an IW GRDH product, which stay in the processor's cache.
ROWS = 100

#: Bytes that GDAL may keep of what it has read. Its default is a twentieth of the machine's memory.
CACHE = 8 << 20


def _compiled(function):
    """With numba, and kept on disk for the next process where there is a place for that."""
    try:
        return numba.njit(function, cache=True, nogil=True)
    except RuntimeError:
        return numba.njit(function, nogil=True)


@_compiled
def _squares(pixels, sums):
    """Sums of the squares of ``pixels`` (rows x samples) in ``sums`` (cells, uint64).

    Down the columns first: neighbouring columns are added in one instruction, which the samples of
    one cell are not, and that is four times as fast.
    """
    columns = np.zeros(pixels.shape[1], np.uint64)
    for row in range(pixels.shape[0]):
        line = pixels[row]
        for sample in range(columns.size):
            value = np.uint64(line[sample])
            columns[sample] += value * value
    width = columns.size // sums.size
    for cell in range(sums.size):
        sums[cell] = columns[cell * width : (cell + 1) * width].sum()


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
    with rasterio.open(path) as image:
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
    width = rms.shape[1] * samples
    blocks = max(1, ROWS // lines)
    # No pixel is read twice, so GDAL need not keep any. (GTIFF_DIRECT_IO would be faster still, but
    # gives zeros without a word where a file ends too soon.)
    with rasterio.Env(GDAL_CACHEMAX=CACHE), rasterio.open(path) as image:
        buffer = np.empty((blocks * lines, width), image.dtypes[band - 1])
        for first in range(part[0], part[-1] + 1, blocks):
            count = min(blocks, part[-1] + 1 - first)
            pixels = buffer[: count * lines]
            image.read(band, window=Window(0, first * lines, width, count * lines), out=pixels)
            sums = np.empty((count, rms.shape[1]), np.uint64)
            for block in range(count):
                _squares(pixels[block * lines : (block + 1) * lines], sums[block])
            rms[first : first + count] = nearest(sums, lines * samples)
