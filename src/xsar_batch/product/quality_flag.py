"""Which cells of a product hold what: the variable ``quality_flag``.

It has a value for each polarisation: what is outside of the swath, and where noise is known, may
differ between the files of two.
"""

import dask.array as da
import numpy as np
import xarray as xr

from xsar_batch.product.variables import VARIABLES, names

NAME = "quality_flag"

#: Value -> meaning.
MEANINGS = dict(enumerate(VARIABLES[NAME].flags))

VALID, BORDER, NO_DATA, NOISE_UNKNOWN = MEANINGS

#: Least share of a cell's pixels inside of the swath, for it to have values. They are means over
#: these pixels, given for the cell's centre: with half of them, at most a quarter of a cell away.
LEAST_INSIDE = 0.5

#: What has no value where there are no data.
MASKED = names(lambda variable: variable.missing_where)


def flagged(ds: xr.Dataset, share_inside: np.ndarray) -> xr.Dataset:
    """The Dataset, with dask arrays, with the flag, and NaN where there are no data.

    ``share_inside`` is the share of each cell's pixels that lie inside of the swath, in the order
    of ``sigma0``.
    """
    # Arrays instead of xarray's `where`, which takes longer.
    sigma0 = ds["sigma0"]
    share = da.from_array(share_inside, sigma0.chunks)
    new = {}
    for name in MASKED:
        data = da.where(share >= LEAST_INSIDE, ds[name].transpose(*sigma0.dims).data, np.nan)
        new[name] = (sigma0.dims, data, {**ds[name].attrs, "ancillary_variables": NAME})
    flag = da.map_blocks(_flag, share, new["sigma0"][1], dtype=np.int8)
    return ds.assign({**new, NAME: (sigma0.dims, flag)})


def _flag(share_inside: np.ndarray, sigma0: np.ndarray) -> np.ndarray:
    flag = np.where(share_inside < 1, np.int8(BORDER), np.int8(VALID))
    flag[np.isnan(sigma0)] = NOISE_UNKNOWN
    flag[share_inside < LEAST_INSIDE] = NO_DATA
    return flag


def shares(ds: xr.Dataset) -> dict[str, float]:
    """Attributes that say which share of the cells, over all polarisations, is what, in percent."""
    if NAME not in ds:
        return {}
    flag = ds[NAME].values
    return {
        f"{meaning}_cells_percent": round(100 * float((flag == value).mean()), 3)
        for value, meaning in MEANINGS.items()
    }
