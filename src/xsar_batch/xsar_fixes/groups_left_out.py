"""xsar reads all of a SAFE's annotation, whatever is asked for.

``Sentinel1Reader`` reads antenna pattern, Doppler centroids and FM rate of each SAFE into groups of
the tree, 0.06 CPU-seconds a product, of which ``measurement`` needs none.
``Sentinel1Dataset.add_swath_number`` works out the swath of each cell for the group
``recalibration``, a piece of the merge list after the other: 1.4 CPU-seconds in IW products before
IPF 2.90, which have 200 pieces, and 0.14 in EW.

Present in xsar 2026.8.31; no fault, and not reported. Here these groups are empty where somebody
says that ``measurement`` will do, as our own function does. All others get the whole tree.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import xarray as xr
from safe_s1.reader import Sentinel1Reader
from xsar.sentinel1_dataset import Sentinel1Dataset

from xsar_batch.xsar_fixes.patch import Patch

_are_left_out = ContextVar("groups_left_out", default=False)


@contextmanager
def left_out() -> Iterator[None]:
    """Have SAFEs that are opened in the body without the groups that ``measurement`` does not
    need."""
    before = _are_left_out.set(True)
    try:
        yield
    finally:
        _are_left_out.reset(before)


def are_left_out() -> bool:
    """Whether somebody said so."""
    return _are_left_out.get()


def _property(plain: property) -> property:
    def group(self: Any) -> xr.Dataset:
        return xr.Dataset() if are_left_out() else plain.__get__(self)

    return property(group)


_plain_add = Sentinel1Dataset.add_swath_number


def _add_swath_number(self: Any) -> None:
    if not are_left_out():
        _plain_add(self)


PATCHES = (
    *(
        Patch(Sentinel1Reader, name, _property(vars(Sentinel1Reader)[name]))
        for name in ("antenna_pattern", "azimuth_fmrate", "doppler_estimate")
    ),
    Patch(Sentinel1Dataset, "add_swath_number", _add_swath_number),
)
