"""xsar looks up the same things of a SAFE again and again.

``Sentinel1Reader.files`` picks rows of a table at each of its 70 uses, and ``image`` reads its 20
variables from the annotation anew at each of five: 0.03 CPU-seconds a product.

Present in xarray-safe-s1 2026.1.23; no fault, and not reported. Here a reader, which belongs to one
SAFE, remembers both. Who asks for ``image`` gets a copy, for xsar sets attributes in it.
"""

from typing import Any

import pandas as pd
import xarray as xr
from safe_s1.reader import Sentinel1Reader

from xsar_batch.xsar_fixes.patch import Patch

_plain_files = Sentinel1Reader.files
_plain_image = Sentinel1Reader.image


def _files(self: Any) -> pd.DataFrame:
    # The name changes while the reader is made.
    name, files = self.__dict__.get("_known_files", (None, None))
    if files is None or name != self.name:
        files = _plain_files.__get__(self)
        self._known_files = (self.name, files)
    return files


def _image(self: Any) -> xr.Dataset | None:
    if "_known_image" not in self.__dict__:
        self._known_image = _plain_image.__get__(self)
    return None if self._known_image is None else self._known_image.copy()


PATCHES = (
    Patch(Sentinel1Reader, "files", property(_files)),
    Patch(Sentinel1Reader, "image", property(_image)),
)
