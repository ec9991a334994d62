"""xsar's ground heading is not that of the positions.

``BaseMeta.coords2heading`` takes positions from one affine transform for the whole image, so
heading hardly varies across the swath: it is 0.5 to 1.6 degrees off at middle latitudes, and 7 to
16 in an EW scene at 79 degrees north. Across 180 degrees it is off by up to 100.
It is also a bearing on a sphere.

Present in xsar 2026.8.31; no report of it was found.

Here it is the bearing on the WGS84 ellipsoid from the line before to the line after, by the
positions that the product has.
"""

from typing import Any

import numpy as np
from xsar.sentinel1_meta import Sentinel1Meta

from xsar_batch.xsar_fixes.patch import Patch

#: Square of the eccentricity of WGS84.
_ECCENTRICITY = 0.00669437999014


def bearing(
    longitude: np.ndarray, latitude: np.ndarray, to_longitude: np.ndarray, to_latitude: np.ndarray
) -> np.ndarray:
    """Degrees from north, clockwise, half way between positions that are close to each other.

    By the ellipsoid's radii of curvature, along the meridian and across it (Snyder, "Map
    Projections: A Working Manual", USGS Professional Paper 1395, equations 4-18 and 4-20).
    """
    east = np.radians((to_longitude - longitude + 180) % 360 - 180)
    north = np.radians(to_latitude - latitude)
    middle = np.radians((latitude + to_latitude) / 2)
    # The ratio of both radii.
    flatter = (1 - _ECCENTRICITY * np.sin(middle) ** 2) / (1 - _ECCENTRICITY)
    return np.degrees(np.arctan2(east * np.cos(middle) * flatter, north))


def _coords2heading(
    self: Any, lines: Any, samples: Any, to_grid: bool = False, approx: bool = True
) -> Any:
    """Heading at ``lines`` and ``samples``. ``approx`` is there for xsar's callers."""
    at = np.asarray(lines, dtype=float)
    before, after = at - 1, at + 1
    if to_grid and at.size > 1:
        step = at[1] - at[0]
        # At the first and the last line there is a neighbour on one side only.
        before, after = np.maximum(at - step, at[0]), np.minimum(at + step, at[-1])
    positions = [self.coords2ll(line, samples, to_grid=to_grid) for line in (before, after)]
    return bearing(*positions[0], *positions[1])


PATCHES = (Patch(Sentinel1Meta, "coords2heading", _coords2heading),)
