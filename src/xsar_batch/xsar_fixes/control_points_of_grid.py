"""xsar's control points are half a cell off, and do not reach the far edges.

``BaseDataset._local_gcps`` gives the index of a cell as row and column. To GDAL (0, 0) is the outer
corner of the first cell, and its centre is (0.5, 0.5). So whatever is reprojected by them
(``rio.reproject(gcps=...)``, gdalwarp) is 690 to 800 m off in cells of 1000 m. They are every few
lines and samples from the first, which leaves up to 13 km at the far edges to extrapolation.

Present in xsar 2026.8.31; no report of it was found.

Here they are the points of the annotation's grid and those half way between, so that all between
them is as even as the positions of the product are. In an IW scene over mountains a thin plate
spline through them is 8 m off in the median and 79 m at most.
"""

from typing import Any

import numpy as np
from rasterio.control import GroundControlPoint
from xsar.base_dataset import BaseDataset

from xsar_batch.xsar_fixes.patch import Patch


def _local_gcps(self: Any) -> list[GroundControlPoint]:
    """Control points of the annotation's grid: row and column count cells from the outer corner."""
    grid = self.sar_meta.geoloc
    lines, samples = (_with_middles(grid[dim].values) for dim in ("line", "sample"))
    longitude, latitude = self.sar_meta.coords2ll(lines, samples, to_grid=True)
    rows, columns = (
        _in_cells(at, self.dataset[dim].values).tolist()
        for at, dim in ((lines, "line"), (samples, "sample"))
    )
    return [
        GroundControlPoint(row=row, col=column, x=x, y=y, z=0)
        for row, xs, ys in zip(rows, longitude.tolist(), latitude.tolist(), strict=True)
        for column, x, y in zip(columns, xs, ys, strict=True)
    ]


def _with_middles(at: np.ndarray) -> np.ndarray:
    """Positions (n,), and between each two that of their middle: (2n - 1,)."""
    return np.interp(np.arange(2 * at.size - 1) / 2, np.arange(at.size), at)


def _in_cells(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pixel indices as GDAL counts cells, whose centres are ``labels``: the first one's is 0.5."""
    size = labels[1] - labels[0] if labels.size > 1 else 2 * labels[0] + 1
    return (pixels - labels[0]) / size + 0.5


PATCHES = (Patch(BaseDataset, "_local_gcps", property(_local_gcps)),)
