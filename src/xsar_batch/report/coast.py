"""The coastline of the map: GSHHG, as fine as the map can show it."""

import numpy as np
import shapely

from xsar_batch.landmask import gshhg
from xsar_batch.landmask.polygons import LEVELS, RESOLUTION
from xsar_batch.report.footprints import path_data
from xsar_batch.report.window import WIDTH, Window

#: How far the line may be from the true one, in units of the map: a sixth of a pixel of one 1300
#: wide, so that it can be zoomed. All the world is 200 kB then.
TOLERANCE = WIDTH / 8000

#: Islands smaller than this, in units of the map each way, are left out.
SMALLEST = WIDTH / 2500


def path(window: Window) -> str:
    """The data of an SVG path: all land in the window.

    Raises
    ------
    LandMaskError
        The package with the coastline is missing or damaged.
    """
    west, south, east, north = window.box
    # Most are elsewhere, or islets of a few points: gone before anything costs time.
    islet = SMALLEST / 2 / window.scale
    land = gshhg.read(RESOLUTION, LEVELS, (south, north), taller_than=islet)
    pieces = []
    for turn in (0,) if window.pole else (-360, 0, 360):
        cut = shapely.clip_by_rect(land, west - turn, south, east - turn, north)
        cut = cut[~shapely.is_empty(cut)]
        if window.pole:
            # Where it was cut it runs along a parallel, which is no straight line there.
            cut = shapely.segmentize(cut, 2.0)
        turned = shapely.transform(cut, lambda points, turn=turn: points + np.array([turn, 0]))
        pieces.append(shapely.get_parts(turned))
    placed = shapely.transform(np.concatenate(pieces), window.place)
    placed = shapely.get_parts(shapely.simplify(placed, TOLERANCE, preserve_topology=False))
    west, south, east, north = shapely.bounds(placed).T
    kept = np.fmax(east - west, north - south) > SMALLEST
    return "".join(path_data(placed[kept]))
