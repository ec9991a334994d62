"""xsar reads all pixels through GDAL's general resampling, which takes half of its CPU.

``safe_s1.reader.Sentinel1Reader.load_digital_number`` calls ``rasterio.open(file).read(…,
resampling=rms)``, one polarisation after the other. GDAL turns each pixel into a double and weighs
it; for whole blocks of 16-bit pixels sums of integers do, and give the same integers.

In a cloud optimised GeoTIFF GDAL takes the means of an overview, which are rounded already, and
leaves zeros out, for they are called no data there. Read here, both kinds of SAFE give the same.

No fault, and not reported: a matter of speed. Plain xsar takes 1.0 CPU-seconds for both
polarisations of an IW GRDH product, this 0.25, and uses as many threads as dask has workers.
"""

from typing import Any

import dask
import numpy as np
import rasterio
import safe_s1.reader
from rasterio.enums import Resampling

from xsar_batch.sentinel1 import measurement
from xsar_batch.xsar_fixes import block_rms
from xsar_batch.xsar_fixes.patch import Patch


class _File:
    """An open file, but for the one way to read it."""

    def __init__(self, file: rasterio.DatasetReader) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, *args: Any, **kwargs: Any) -> np.ndarray:
        block = None if args else _block(self._file, **kwargs)
        if block is None:
            return self._file.read(*args, **kwargs)
        threads = dask.config.get("num_workers", None) or 1
        blocks = block_rms.blocks(self._file.name, *block, threads=threads)
        if kept is not None:
            kept[self._file.name] = blocks
        return block_rms.nearest(blocks.sums, blocks.size)[np.newaxis]


class _Rasterio:
    """What ``safe_s1.reader`` takes for rasterio."""

    def __getattr__(self, name: str) -> Any:
        return getattr(rasterio, name)

    @staticmethod
    def open(path: str) -> _File:
        return _File(measurement.open_image(path))


def _block(
    file: Any, out_shape: Any = None, resampling: Any = None, window: Any = None, **others: Any
) -> tuple[int, int] | None:
    """Lines and samples of a block, if that is what is asked for: whole ones, from the first."""
    if others or resampling != Resampling.rms or window is None or out_shape is None:
        return None
    if file.count != 1 or file.dtypes != ("uint16",) or file.nodata not in (None, 0):
        return None
    bands, lines, samples = out_shape
    if bands != 1 or (window.col_off, window.row_off) != (0, 0) or not lines or not samples:
        return None
    block = int(window.height) // lines, int(window.width) // samples
    is_whole = (window.height, window.width) == (block[0] * lines, block[1] * samples)
    is_all = (lines, samples) == (file.height // block[0], file.width // block[1])
    return block if is_whole and is_all else None


#: What was read, by file, for the repair that wants it.
kept: dict[str, block_rms.Blocks] | None = None


PATCHES = (Patch(safe_s1.reader, "rasterio", _Rasterio()),)
