"""The conversion itself: a SAFE becomes a Dataset on a coarse grid."""

import os

import xarray as xr
import xsar

from xsar_batch import xsar_fixes
from xsar_batch.xsar_fixes import groups_left_out

xsar_fixes.ensure()


def l1b(safe: str | os.PathLike, resolution: str) -> xr.Dataset:
    """Open a Sentinel-1 GRD product with xsar, averaged to cells of ``resolution``.

    Parameters
    ----------
    safe
        Path of the SAFE folder.
    resolution
        Cell size in metres, ``"1000m"``; the nearest whole number of pixels is taken.

    Returns
    -------
    xarray.Dataset
        xsar's variables on (pol, line, sample), not computed yet. ``line`` and ``sample`` are the
        pixel indices, from 0, of the centres of the cells. Cells that would be cut by the last
        line or the last sample are left out.

    Raises
    ------
    Unsupported
        ``resolution`` is more than 0.5 % from a whole number of pixels.
    """
    with groups_left_out.left_out():
        tree = xsar.open_datatree(os.fspath(safe), resolution=resolution)
    return tree["measurement"].to_dataset()
