"""xsar takes the zeros outside of the swath for measured values.

GRD products hold zeros where the image reaches beyond the swath: at near and far range, along edges
with steps, and before the first and after the last burst of a data take. xsar averages them into
the cells at the border, which come out too low, by 3 dB and more where half of the pixels are
zeros. Cells of nothing but zeros get a ``sigma0`` below zero, the noise that is taken off.

Present in xsar 2026.8.31; no report of it was found.

Here the mean is one over the pixels inside of the swath. Where fewer than half of them are, there
is no value. What is outside is told from the pixels: zeros in a row from either end of a line. The
annotation does not say it: ``swathMerging`` has the borders between sub-swaths, and the first and
the last sample of the image.

``quality_flag`` says which cells are which (``xsar_batch.product.quality_flag``). It needs cells of
more than a pixel, averaged by ``pixels_read_once``; at full resolution, and with another
``resampling`` than ``rms``, all is as xsar makes it.
"""

from functools import wraps

import dask.array as da
import numpy as np
from xsar.sentinel1_dataset import Sentinel1Dataset

from xsar_batch.product import quality_flag
from xsar_batch.xsar_fixes import block_rms, pixels_read_once

_plain = Sentinel1Dataset.apply_calibration_and_denoising


@wraps(_plain)
def _apply_calibration_and_denoising(self) -> None:
    shares = _mend(self)
    _plain(self)
    if shares is not None:
        in_order = [shares[pol] for pol in self._dataset["sigma0"]["pol"].values]
        self._dataset = quality_flag.flagged(self._dataset, np.stack(in_order))
        self.datatree["measurement"] = self.datatree["measurement"].assign(self._dataset)


def _mend(self) -> dict[str, np.ndarray] | None:
    """Put the digital numbers of the pixels inside in place of those of all pixels.

    Returns, by polarisation, the share of each cell's pixels that are inside (line, sample); None
    if they were not read by us.
    """
    reader, kept = self.sar_meta.reader, pixels_read_once.kept
    number = self._dataset["digital_number"]
    read = {}
    for pol, name in reader.files.set_index("polarization")["measurement"].items():
        blocks = kept.pop(f"{reader.path}/{name}", None) if kept else None
        if blocks is not None and blocks.sums.shape == number.shape[-2:]:
            read[pol] = blocks
    # Not always in the order of the files.
    wanted = number["pol"].values
    if not set(wanted) <= set(read):
        return None
    blocks = [read[pol] for pol in wanted]
    share = np.stack([b.inside / b.size for b in blocks])
    mended = np.stack([block_rms.nearest(b.sums, np.maximum(b.inside, 1)) for b in blocks])
    mended[share < quality_flag.LEAST_INSIDE] = 0
    self._dataset["digital_number"] = number.copy(data=da.from_array(mended, number.chunks))
    return dict(zip(wanted, share, strict=True))


def apply() -> None:
    """Wrap ``Sentinel1Dataset.apply_calibration_and_denoising``."""
    pixels_read_once.kept = {}
    Sentinel1Dataset.apply_calibration_and_denoising = _apply_calibration_and_denoising


def remove() -> None:
    """Undo :func:`apply`."""
    pixels_read_once.kept = None
    Sentinel1Dataset.apply_calibration_and_denoising = _plain
