"""xsar works out positions of control points one by one.

Three places, 1.2 CPU-seconds a product together:

- ``BaseDataset._local_gcps`` calls ``coords2ll`` for each of 361 points, and each call makes the
  interpolation functions of the whole grid anew (``Sentinel1Meta._dict_coords2ll``).
- ``Sentinel1Meta.geoloc`` selects each of 210 points of the annotation's grid through xarray.
- ``BaseMeta.cross_antimeridian`` is asked for each of them.

Present in xsar 2026.8.31. Here the interpolation functions are kept with the grid that they belong
to, and points are looked up in arrays. The values are the same to the last bit: the same functions
are called with the same numbers.
"""

from typing import Any

import numpy as np
import rasterio.transform
import xarray as xr
from rasterio.control import GroundControlPoint
from shapely.geometry import Polygon
from xsar.base_dataset import BaseDataset
from xsar.sentinel1_meta import Sentinel1Meta
from xsar.utils import haversine

from xsar_batch.xsar_fixes.patch import Patch

_plain_functions = Sentinel1Meta._dict_coords2ll
_plain_geoloc = Sentinel1Meta.geoloc


def _local_gcps(self: Any) -> list[GroundControlPoint]:
    """Control points of every twentieth line and sample; rows and columns are indices of cells."""
    all_lines, all_samples = self.dataset.line.values, self.dataset.sample.values
    lines = all_lines[:: int(all_lines.size / 20) + 1].astype(int)
    samples = all_samples[:: int(all_samples.size / 20) + 1].astype(int)
    rows = np.abs(all_lines[:, np.newaxis] - lines).argmin(axis=0).tolist()
    columns = np.abs(all_samples[:, np.newaxis] - samples).argmin(axis=0).tolist()
    at = np.meshgrid(lines, samples, indexing="ij")
    longitude, latitude = self.sar_meta.coords2ll(at[0].ravel(), at[1].ravel())
    places = [(row, column) for row in rows for column in columns]
    return [
        GroundControlPoint(x=x, y=y, z=0, col=column, row=row)
        for x, y, (row, column) in zip(longitude.tolist(), latitude.tolist(), places, strict=True)
    ]


def _dict_coords2ll(self: Any) -> dict:
    """Interpolation functions of longitude and latitude, made once for a grid."""
    grid, functions = self.__dict__.get("_known_coords2ll", (None, None))
    if functions is None or grid is not self.geoloc:
        functions = _plain_functions.fget(self)
        self._known_coords2ll = (self.geoloc, functions)
    return functions


def _geoloc(self: Any) -> xr.Dataset:
    """The annotation's grid, with footprint, size and a rough transform as attributes."""
    if self.multidataset or self._geoloc is not None:
        return _plain_geoloc.fget(self)
    grid = self.dt["geolocationGrid"].to_dataset()
    longitude, latitude = grid.longitude.values, grid.latitude.values
    corners = [(longitude[i, j], latitude[i, j]) for i, j in ((0, 0), (0, -1), (-1, -1), (-1, 0))]
    along_samples, _ = haversine(*corners[0], *corners[1])
    along_lines, _ = haversine(*corners[1], *corners[2])
    values = [grid[name].values.ravel().tolist() for name in ("longitude", "latitude", "height")]
    places = [(line, sample) for line in grid.line.values for sample in grid.sample.values]
    points = [
        # xsar takes lines for columns and samples for rows.
        GroundControlPoint(x=x, y=y, z=z, col=line.item(), row=sample.item())
        for (line, sample), x, y, z in zip(places, *values, strict=True)
    ]
    grid.attrs = {
        "footprint": Polygon(corners),
        "coverage": f"{int(along_lines / 1000)}km * {int(along_samples / 1000)}km (line * sample )",
        "approx_transform": rasterio.transform.from_gcps(points),
    }
    for name in grid:
        if name in self.xsd_definitions:
            grid[name].attrs["definition"] = str(self.xsd_definitions[name])
    self._geoloc = grid
    return grid


PATCHES = (
    Patch(BaseDataset, "_local_gcps", property(_local_gcps)),
    Patch(Sentinel1Meta, "_dict_coords2ll", property(_dict_coords2ll)),
    Patch(Sentinel1Meta, "geoloc", property(_geoloc)),
)
