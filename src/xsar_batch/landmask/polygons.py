"""The land polygons that xsar rasterizes, made once into one file that is quick to read.

xsar reads its land file for every product: it takes all polygons that touch the footprint, whole,
and unions them. One of these is Eurasia. Here the polygons are cut into tiles and written with a
spatial index: the centres of cells are compared with those that lie there, in 0.02 (IW) to 0.09
CPU-seconds (EW). xsar's union, without repairs, closes the seams again.

**What is land.** GSHHG 2.3.6 at full resolution, level 1 (land and islands) and level 5
(Antarctica with its ice shelves). Lakes count as land, and so do the Caspian Sea and the Great
Lakes, which are lakes to GSHHG: just as with ``GSHHS_h_L1.shp``, the file that users of xsar for
ocean wind have. That file has no Antarctica; here it is land up to the ice front. The Black Sea
and the Baltic are sea. For anything else, give a file of your own.

**Why full.** On cells of 1000 m, the mask by the high resolution differs in 0.14 to 0.17 % of the
cells (IW off Brittany and at 42 degrees north, EW at 79 and 80). Full takes three times the CPU and
memory to build, and five times the space.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from xsar_batch.failures import DiskFull, LandMaskError
from xsar_batch.landmask import gshhg
from xsar_batch.system.atomic_write import published

if TYPE_CHECKING:
    import numpy as np

#: Resolution of the packaged coastline, as GSHHG names it: see above.
RESOLUTION = "f"

#: GSHHG levels that are land: see above.
LEVELS = (1, 5)

#: The suffix of the file that :func:`build` writes. Any other would belie what is in it.
SUFFIX = ".fgb"

# A tile is halved until it holds no more points than this (fewer: more tiles to read; more: more
# land outside the footprint).
_TILE_POINTS = 2000

# ... or until it is this small, in degrees (2 km): polygons that lie on each other, or a coast of
# a point a metre, must not be halved for ever.
_TILE_SMALLEST = 0.02

_WORLD = (-180.0, -90.0, 180.0, 90.0)

# Poleward of this latitude, in degrees, the only steps of more than 180 degrees of longitude are
# the edges that close Antarctica along the pole (or along the end of Mercator's map).
_POLE_EDGE = 85.0

Bounds = tuple[float, float, float, float]


def build(source: Path | None, output: Path) -> None:
    """Write the land polygons for xsar to ``output``, a FlatGeobuf in EPSG:4326.

    The polygons are valid, within [-180, 180] and [-90, 90] degrees, and cut into tiles.
    ``output`` appears whole or not at all. Takes about a minute of CPU and 1.4 GB of memory
    with the packaged coastline.

    :param source: any file of polygons that geopandas reads, in any CRS; None for the packaged
        coastline (see the top of this module).
    :param output: path with the suffix ``.fgb``; its folder is made if need be.
    :raises LandMaskError: the source is missing, cannot be read, has no CRS or no usable polygon,
        or the output cannot be written.
    :raises DiskFull: no space left, or no quota, for the output.
    """
    name = identity(source)
    if output.suffix != SUFFIX:
        raise LandMaskError(f"land mask {output}: give the file a name that ends in {SUFFIX}")
    land = gshhg.read(RESOLUTION, LEVELS) if source is None else _read(source)
    land = _within_world(_valid(land))
    if not len(land):
        raise LandMaskError(f"land polygons {source or gshhg.PACKAGE}: every polygon is empty")
    _publish(list(_tiles(land, _WORLD)), output, name)


def identity(source: Path | None) -> str:
    """Return a short text that names the land polygons which :func:`build` makes of ``source``.

    It goes into the products, and products made with another one are to be remade: it changes
    with the polygons, not with where they are kept. A user's file is told by name and size alone,
    so a change that keeps both goes unnoticed.

    :raises LandMaskError: ``source`` is missing or cannot be read; or it is None, and the package
        with the coastline is not installed.
    """
    if source is None:
        levels = " and ".join(map(str, LEVELS))
        return (
            f"GSHHG {gshhg.version(RESOLUTION)} {gshhg.RESOLUTIONS[RESOLUTION]}, "
            f"levels {levels} ({gshhg.PACKAGE})"
        )
    try:
        # Opened, not only looked at: permissions say nothing reliable on a network filesystem.
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise LandMaskError(
            f"land polygons {source}: {error.strerror}: give the path of a file of polygons that "
            "this user can read, or none for the packaged coastline"
        ) from error
    return f"{source.name} ({size} bytes)"


def _read(path: Path) -> np.ndarray:
    """Return the polygons in a user's file, in degrees on WGS 84."""
    import geopandas
    import numpy as np
    import shapely

    def refuse(reason: str, cause: Exception | None = None) -> NoReturn:
        raise LandMaskError(f"land polygons {path}: {reason}") from cause

    try:
        # Without `columns`, the attributes of some million OSM polygons would be read as well.
        table = geopandas.read_file(path, columns=[])
    except (RuntimeError, ValueError, OSError) as error:  # pyogrio's errors are RuntimeErrors
        refuse(
            f"GDAL cannot read it ({_one_line(error)}): give a Shapefile, GeoPackage, ...", error
        )
    if not isinstance(table, geopandas.GeoDataFrame) or not len(table):
        refuse("there is no geometry in it: give a file of polygons")
    if table.crs is None:
        refuse("it does not say its CRS (a Shapefile's .prj): add it, as with `ogr2ogr -a_srs`")
    polygons = _polygons(np.asarray(table.geometry.dropna()))
    if not len(polygons):
        kinds = ", ".join(sorted({str(kind) for kind in table.geom_type}))
        refuse(f"there is no polygon in it, only {kinds}: give a file of polygons")
    try:
        degrees = geopandas.GeoSeries(polygons, crs=table.crs).to_crs(epsg=4326)
    except RuntimeError as error:  # pyproj's errors are RuntimeErrors
        refuse(f"cannot reproject it to EPSG:4326 ({_one_line(error)})", error)
    polygons = np.asarray(degrees)

    points = shapely.get_coordinates(polygons)
    # 540: files that count longitudes from 0 to 360 are welcome, with what hangs over their edge.
    # nan compares false.
    if not (np.abs(points) <= (540, 90 + 1e-6)).all():
        refuse(f"coordinates outside the world once in EPSG:4326: is its CRS {table.crs.name}?")
    points, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    step = (np.abs(np.diff(points[:, 0])) > 180) & (np.diff(ring) == 0)
    edge = (np.abs(points[1:, 1]) > _POLE_EDGE) & (np.abs(points[:-1, 1]) > _POLE_EDGE)
    if (step & ~edge).any():
        longitude, latitude = points[1:][step & ~edge][0]
        refuse(
            f"a polygon crosses the date line or holds a pole, near {longitude:.2f} {latitude:.2f}:"
            " cut it there, as with `ogr2ogr -t_srs EPSG:4326 -wrapdateline`"
        )
    return polygons


def _polygons(geometries: np.ndarray) -> np.ndarray:
    """Take geometries apart and return the polygons, flat; no points, lines or empty ones."""
    import shapely

    # Twice: a collection may hold multipolygons.
    parts = shapely.force_2d(shapely.get_parts(shapely.get_parts(geometries)))
    return parts[
        (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    ]


def _valid(polygons: np.ndarray) -> np.ndarray:
    import numpy as np
    import shapely

    bad = ~shapely.is_valid(polygons)
    # "structure" keeps what a ring encloses twice as land; "linework" would make water of it.
    mended = shapely.make_valid(polygons[bad], method="structure", keep_collapsed=False)
    return np.concatenate([polygons[~bad], _polygons(mended)])


def _within_world(polygons: np.ndarray) -> np.ndarray:
    """Bring to [-180, 180] what lies beyond, cut at the date line."""
    import numpy as np
    import shapely

    west, south, east, north = shapely.bounds(polygons).T
    beyond = (west < _WORLD[0]) | (south < _WORLD[1]) | (east > _WORLD[2]) | (north > _WORLD[3])
    turns = [
        _clip(
            shapely.transform(
                polygons[beyond], lambda points, turn=turn: points + np.array([turn, 0])
            ),
            _WORLD,
        )
        for turn in (-360, 0, 360)
    ]
    return np.concatenate([polygons[~beyond], *turns])


def _clip(polygons: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Return the parts of ``polygons`` within ``bounds``."""
    import numpy as np
    import shapely

    west, south, east, north = shapely.bounds(polygons).T
    inside = (west >= bounds[0]) & (south >= bounds[1]) & (east <= bounds[2]) & (north <= bounds[3])
    across = ~inside & (
        (west < bounds[2]) & (south < bounds[3]) & (east > bounds[0]) & (north > bounds[1])
    )
    # Not clip_by_rect, which is quicker: on this coastline it gives invalid polygons.
    cut = shapely.intersection(polygons[across], shapely.box(*bounds))
    return np.concatenate([polygons[inside], _polygons(cut)])


def _tiles(polygons: np.ndarray, bounds: Bounds) -> Iterator[object]:
    """Yield the land in each tile of ``bounds`` as one (Multi)Polygon.

    One geometry a tile, not one an island: on a parallel filesystem every feature is a read.
    """
    import shapely

    if not len(polygons):
        return
    west, south, east, north = bounds
    width, height = east - west, north - south
    points = shapely.get_num_coordinates(polygons).sum()
    if points <= _TILE_POINTS or max(width, height) <= _TILE_SMALLEST:
        yield _one_shape(polygons)
        return
    # Halves of halves of 180: exact in binary, so that neighbours have the very same edge.
    if width >= height:
        middle = (west + east) / 2
        halves = (west, south, middle, north), (middle, south, east, north)
    else:
        middle = (south + north) / 2
        halves = (west, south, east, middle), (west, middle, east, north)
    for half in halves:
        yield from _tiles(_clip(polygons, half), half)


def _one_shape(polygons: np.ndarray) -> object:
    """Return ``polygons`` as one valid (Multi)Polygon."""
    import shapely

    together = shapely.multipolygons(polygons)
    # Polygons of a user's file may overlap or share borders. To see that they do not takes a sixth
    # of the time of a union.
    return together if shapely.is_valid(together) else shapely.union_all(polygons)


def _publish(tiles: list[object], output: Path, name: str) -> None:
    """Write ``tiles`` to ``output``, whole or not at all."""
    import geopandas

    # GDAL writes to memory and Python to the disk: GDAL does not report every failed write, puts
    # a temporary file of its own next to the one it writes, and insists on the suffix.
    file = io.BytesIO()
    geopandas.GeoDataFrame(geometry=tiles, crs="EPSG:4326").to_file(
        file,
        driver="FlatGeobuf",
        engine="pyogrio",
        layer="land",
        SPATIAL_INDEX="YES",
        DESCRIPTION=name,
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with published(output) as temporary:
            temporary.write_bytes(file.getbuffer())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left to write the land mask {output}: free some") from error
        raise LandMaskError(
            f"cannot write the land mask {output} ({error.strerror}): "
            "is its folder open to this user?"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
