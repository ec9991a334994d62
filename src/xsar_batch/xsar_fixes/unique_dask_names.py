"""xsar gives different variables the same dask keys.

``xsar.utils.map_blocks_coords`` names a dask array after the type of the function that fills it,
and that is the same for longitude, latitude, incidence, elevation, altitude, slant range time,
azimuth time and offboresight. Since dask 2025.9 arrays of the same name are taken for the same
array when they are computed together, so all of these come out equal, without an error.

Reported as umr-lops/xsar#261 and #265, open; present in xsar 2026.8.31.

Here every call gets a name of its own. That holds for any dask, because names that are unique
are what dask asks for. Pinning dask 2025.7 would do too, at two to three times the CPU.
"""

import itertools
from functools import wraps
from typing import Any

import xsar.base_dataset
import xsar.sentinel1_dataset
import xsar.utils

from xsar_batch.xsar_fixes.patch import Patch

_plain = xsar.utils.map_blocks_coords
_serial = itertools.count()


@wraps(_plain)
def _map_blocks_coords(da: Any, func: Any, func_kwargs: Any = None, **kwargs: Any) -> Any:
    name = kwargs.pop("name", None) or "coords"
    kwargs["name"] = f"{name}-{next(_serial)}"
    return _plain(da, func, func_kwargs=func_kwargs or {}, **kwargs)


#: Modules that hold a reference to the function; Sentinel-1 needs no others.
PATCHES = tuple(
    Patch(holder, "map_blocks_coords", _map_blocks_coords)
    for holder in (xsar.utils, xsar.base_dataset, xsar.sentinel1_dataset)
)
