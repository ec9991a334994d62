"""xsar works out the swath of each cell through xarray, a block of the merge list after the other.

``Sentinel1Dataset.add_swath_number`` compares whole grids of coordinates for each block: IW
products before IPF 2.90 have some 200 of them, which takes 1.4 CPU-seconds; EW products 17, which
takes 0.14.

Present in xsar 2026.8.31; no fault, and not reported. Here a block is a slice of an array. The
values are the same (they are xsar's ``recalibration`` group, which is not part of our products).
"""

from typing import Any

import numpy as np
import xarray as xr
from xsar.sentinel1_dataset import Sentinel1Dataset

from xsar_batch.xsar_fixes.patch import Patch

FLAGS = "0 : no swath \n1 : unique swath \n2 : undecided swath"
BOUNDS = ("firstAzimuthLine", "lastAzimuthLine", "firstRangeSample", "lastRangeSample")


def _add_swath_number(self: Any) -> None:
    coords = {dim: self._dataset.coords[dim] for dim in ("line", "sample")}
    line, sample = (coords[dim].values for dim in ("line", "sample"))
    # What plain xsar has where there is no swath: NaN as an integer.
    with np.errstate(invalid="ignore"):
        numbers = np.full((line.size, sample.size), np.array(np.nan).astype(int))
    flags = np.zeros_like(numbers)
    merging = self.datatree["swath_merging"]
    for number, *bounds in zip(
        merging["swaths"].values.tolist(), *(merging[name].values for name in BOUNDS), strict=True
    ):
        first, last, near, far = bounds
        inside = (
            slice(np.searchsorted(line, first), np.searchsorted(line, last, "right")),
            slice(np.searchsorted(sample, near), np.searchsorted(sample, far, "right")),
        )
        seen = flags[inside]
        seen[(seen == 1) & (numbers[inside] == number)] = 2
        numbers[inside] = number
        seen[seen == 0] = 1
    recalibration = self._dataset_recalibration
    for name, values in (("swath_number", numbers), ("swath_number_flag", flags)):
        recalibration[name] = xr.DataArray(values, coords=coords, dims=("line", "sample"))
    recalibration["swath_number_flag"].attrs["flag_info"] = FLAGS
    self.datatree["recalibration"] = self.datatree["recalibration"].assign(recalibration)


PATCHES = (Patch(Sentinel1Dataset, "add_swath_number", _add_swath_number),)
