"""xsar cannot open a GRD product that was not merged from swaths: all of stripmap.

``safe_s1.sentinel1_xml_mappings.swath_merging`` calls a function made by ``numpy.vectorize`` on the
swaths of ``swathMergeList``, which is empty there: "cannot call `vectorize` on size 0 inputs".

Present in xarray-safe-s1 2026.1.23; no report of it was found. All else of xsar copes with
stripmap: there is one swath, no azimuth noise, and calibration and positions are as in IW.

Here an empty list gives an empty Dataset of the same variables.
"""

import numpy as np
import xarray as xr
from safe_s1.sentinel1_xml_mappings import compounds_vars, swath_merging

from xsar_batch.xsar_fixes.patch import Patch

VARIABLES = (
    *("swaths", "azimuthTime", "firstAzimuthLine", "lastAzimuthLine"),
    *("firstRangeSample", "lastRangeSample"),
)


def _swath_merging(swaths: np.ndarray, *others: np.ndarray) -> xr.Dataset:
    if len(swaths):
        return swath_merging(swaths, *others)
    nothing = {name: ("dim_azimuthTime", np.array([], int)) for name in VARIABLES}
    return xr.Dataset(nothing).assign(azimuthTime=("dim_azimuthTime", np.array([], "M8[ns]")))


PATCHES = (Patch(compounds_vars["swath_merging"], "func", _swath_merging),)
