"""xsar's land mask misses land, and has land where there is none.

``BaseDataset.load_rasterized_masks`` brings polygons into lines and samples by an affine transform
that is corrected once (``ll2coords``), after it cut them to a footprint of four corners. In an EW
scene at 79 degrees north the footprint lacks 5 % of the cells, and islands are cut off flat: 1,978
cells of land are missing and 451 are land that are not. Across 180 degrees of longitude the mask is
0 everywhere. It marks each cell that touches land.

Present in xsar 2026.8.31; no report of it was found.

Here a cell is land if its centre is, by the longitude and latitude in the product, which are
compared with the polygons themselves. The tiles of ``xsar_batch.landmask`` make that quick.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
import xsar.base_dataset
from xsar.base_dataset import BaseDataset

from xsar_batch.xsar_fixes.patch import Patch


def _load_rasterized_masks(self: Any) -> xr.Dataset:
    """One variable a mask: 1 where the centre of the cell lies in its polygons, 0 elsewhere."""
    masks = {}
    for name in self.sar_meta.mask_names:
        feature = self.sar_meta._mask_features_raw[name]

        def mask(lines: np.ndarray, samples: np.ndarray, feature: Any = feature) -> np.ndarray:
            longitude, latitude = self.sar_meta.coords2ll(lines, samples, to_grid=True)
            return is_inside(feature, longitude, latitude).astype("int8")

        # By its module: `unique_dask_names` may have replaced it there.
        made = xsar.base_dataset.map_blocks_coords(self._da_tmpl, mask, name=f"{name}_mask")
        made.attrs["meaning"] = "0: ocean , 1: land"
        masks[f"{name}_mask"] = made
    return xr.Dataset(masks)


def is_inside(feature: Any, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Whether each position (degrees, both (n, m)) lies in a polygon of ``feature``: the path of a
    file, or what xsar takes for one, an object with ``geometries()``."""
    inside = np.zeros(longitude.shape, bool)
    for west, east in _spans(longitude):
        polygons = _polygons(feature, (west, latitude.min(), east, latitude.max()))
        shapely.prepare(polygons)
        for polygon, bounds in zip(polygons, shapely.bounds(polygons), strict=True):
            at = np.nonzero(
                (longitude >= bounds[0])
                & (latitude >= bounds[1])
                & (longitude <= bounds[2])
                & (latitude <= bounds[3])
            )
            # Not `contains`: what lies on the seam of two tiles is land.
            inside[at] |= shapely.intersects_xy(polygon, longitude[at], latitude[at])
    return inside


def _spans(longitude: np.ndarray) -> list[tuple[float, float]]:
    """West and east of the positions; of both sides if they lie on both sides of 180 degrees."""
    if np.ptp(longitude) <= 180:
        return [(longitude.min(), longitude.max())]
    return [(longitude[longitude >= 0].min(), 180.0), (-180.0, longitude[longitude < 0].max())]


def _polygons(feature: Any, bounds: tuple[float, float, float, float]) -> np.ndarray:
    if not isinstance(feature, str):
        return np.array(list(feature.geometries()), dtype=object)
    box = gpd.GeoSeries([shapely.box(*bounds)], crs=4326)
    return np.asarray(gpd.read_file(feature, bbox=box, columns=[]).to_crs(epsg=4326).geometry)


PATCHES = (Patch(BaseDataset, "load_rasterized_masks", _load_rasterized_masks),)
