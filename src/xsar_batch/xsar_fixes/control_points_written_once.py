"""xsar writes the same control points for each variable.

``BaseDataset._set_rio`` has rioxarray write coordinate system and control points (75 kB of JSON) to
one variable after the other, 16 of them, 0.1 CPU-seconds a product. They are a coordinate that all
share, and xarray keeps the first that it is given. Here one variable gets them, as before; the
others are told where they are.

Present in xsar 2026.8.31. Values, attributes and encodings are the same; control points have random
names in any case.
"""

from collections.abc import Hashable
from typing import Any

import xarray as xr
from xsar.base_dataset import BaseDataset

from xsar_batch.xsar_fixes.patch import Patch

_PLAIN = BaseDataset._set_rio


def _set_rio(self: Any, ds: xr.Dataset | xr.DataArray) -> xr.Dataset | xr.DataArray:
    """The Dataset with coordinate system and control points, for rioxarray."""
    images = [] if isinstance(ds, xr.DataArray) else _images(ds)
    if not images:
        return _PLAIN(self, ds)
    first = _PLAIN(self, ds[images[:1]].copy())
    made = ds.assign_coords({name: first[name] for name in first.coords if name not in ds.coords})
    for name in images:
        made[name].encoding["grid_mapping"] = first[images[0]].encoding["grid_mapping"]
    for axis in ("line", "sample"):
        made[axis].attrs = dict(first[axis].attrs)
    return made


def _images(ds: xr.Dataset) -> list[Hashable]:
    return [name for name in ds if {"line", "sample"} <= set(ds[name].dims)]


PATCHES = (Patch(BaseDataset, "_set_rio", _set_rio),)
