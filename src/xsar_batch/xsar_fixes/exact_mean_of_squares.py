"""xsar rounds the mean of a cell's pixels, and takes zeros outside of the swath for pixels.

The reader averages pixels to their root mean square and rounds this to a whole number (uint16), as
GDAL's resampling does, before it is calibrated. Digital numbers of cross-polarisation over sea are
30 to 60: half a unit is up to 0.3 dB once the noise is taken off, and 0.9 dB in stripmap.

GRD products hold zeros where the image reaches beyond the swath: at near and far range, along edges
with steps, and before the first and after the last burst of a data take. xsar averages them into
the cells at the border, which come out too low, by 3 dB and more where half of the pixels are
zeros. Cells of nothing but zeros get a ``sigma0`` below zero, the noise that is taken off.

Present in xsar 2026.8.31; no report of either was found.

Here ``sigma0`` and ``gamma0``, with and without noise, are made of the exact mean of squares over
the pixels inside of the swath; ``digital_number`` is the root of it, rounded as xsar does. Where
fewer than half of the pixels are inside, there is no value. What is outside is told from the
pixels: zeros in a row from either end of a line. The annotation does not say it: ``swathMerging``
has the borders between sub-swaths, and the first and the last sample of the image.

``quality_flag`` says which cells are which (``xsar_batch.product.quality_flag``). It needs cells of
more than a pixel, averaged by ``pixels_read_once``; at full resolution, and with another
``resampling`` than ``rms``, all is as xsar makes it.
"""

from functools import wraps
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from xsar.sentinel1_dataset import Sentinel1Dataset

from xsar_batch.product import quality_flag
from xsar_batch.xsar_fixes import block_rms, pixels_read_once
from xsar_batch.xsar_fixes.patch import Patch

_plain = Sentinel1Dataset.apply_calibration_and_denoising


@wraps(_plain)
def _apply_calibration_and_denoising(self: Any) -> None:
    number = self._dataset["digital_number"]
    blocks = _read(self, number)
    if blocks is None:
        _plain(self)
        return
    inside = np.stack([b.inside for b in blocks])
    share = inside / blocks[0].size
    # Zeros add nothing to a sum of squares.
    mean = np.stack([b.sums for b in blocks]) / np.maximum(inside, 1)
    rounded = block_rms.nearest(mean, 1)
    rounded[share < quality_flag.LEAST_INSIDE] = 0
    # xsar squares this before it calibrates.
    self._dataset["digital_number"] = _with(number, np.sqrt(mean))
    _plain(self)
    # Merging with calibration may have put polarisations in another order.
    order = self._dataset.get_index("pol").get_indexer(number["pol"]).argsort()
    self._dataset["digital_number"] = _with(self._dataset["digital_number"], rounded[order])
    self._dataset = quality_flag.flagged(self._dataset, share[order])
    self.datatree["measurement"] = self.datatree["measurement"].assign(self._dataset)


def _read(self: Any, number: xr.DataArray) -> list[block_rms.Blocks] | None:
    """What was read of each polarisation, in the order of ``number``; None if not by us."""
    reader, kept = self.sar_meta.reader, pixels_read_once.kept
    read = {}
    for pol, name in reader.files.set_index("polarization")["measurement"].items():
        blocks = kept.pop(f"{reader.path}/{name}", None) if kept else None
        if blocks is not None and blocks.sums.shape == number.shape[-2:]:
            read[pol] = blocks
    # Not always in the order of the files.
    wanted = number["pol"].values
    return [read[pol] for pol in wanted] if set(wanted) <= set(read) else None


def _with(number: xr.DataArray, values: np.ndarray) -> xr.DataArray:
    return number.copy(data=da.from_array(values, number.chunks))


PATCHES = (
    Patch(pixels_read_once, "kept", {}),
    Patch(Sentinel1Dataset, "apply_calibration_and_denoising", _apply_calibration_and_denoising),
)
