"""Where the cells of a product lie, by what the product says itself: without its SAFE.

A product of xsar knows its place twice over. Its control points (attribute ``gcps`` of
``spatial_ref``, for GIS programs) are worked out of the annotation on another way than longitude
and latitude, so they are right where those are not. The attribute ``footprint`` holds the corners
of the image, from which the size of the image follows to a fraction of a pixel.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
import xarray as xr

from xsar_batch.failures import BadProduct
from xsar_batch.product.verify import (
    METRES_PER_DEGREE,
    POSITION_TOLERANCE,
    position_error,
    unwrapped,
)

#: Quantities that all vary over the image, each in its own way.
DISTINCT = (
    *("longitude", "latitude", "incidence", "elevation", "offboresight", "altitude"),
    "slant_range_time",
)

#: Cells by which the steps from one cell to the next may change. Over mountains the annotation's
#: grid does so by up to about one.
LARGEST_BEND = 2.0


@dataclass(frozen=True)
class ControlPoints:
    """Positions (degrees) of some cells: all of shape (n,), ``row`` and ``column`` count cells."""

    row: np.ndarray
    column: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray


def control_points(ds: xr.Dataset) -> ControlPoints | None:
    """The control points, if there are any and they are those of the cells that are there now.

    xsar takes every so many-th cell, counted from the image's first. Where cells were cut off or
    averaged afterwards, rows and columns mean others.
    """
    try:
        features = json.loads(ds.variables["spatial_ref"].attrs["gcps"])["features"]
        table = np.array(
            [
                (p["properties"]["row"], p["properties"]["col"], *p["geometry"]["coordinates"][:2])
                for p in features
            ],
            dtype=float,
        )
        row, column = (table[:, i].astype(int) for i in (0, 1))
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    for dim, found in (("line", row), ("sample", column)):
        labels = ds[dim].values
        taken = np.arange(0, labels.size, labels.size // 20 + 1)
        if labels.size < 2 or not np.array_equal(np.unique(found), taken):
            return None
        if abs(labels[0] - (labels[1] - labels[0] - 1) / 2) > 0.5:
            return None
    return ControlPoints(row, column, table[:, 2], table[:, 3])


def outline(ds: xr.Dataset) -> np.ndarray | None:
    """All points of the footprint, (n, 2) longitudes and latitudes. Across 180 degrees ours is of
    two parts."""
    try:
        points = shapely.get_coordinates(shapely.from_wkt(ds.attrs["footprint"]))
    except (KeyError, TypeError, shapely.errors.ShapelyError):
        return None
    return points if len(points) and np.isfinite(points).all() else None


def corners(ds: xr.Dataset) -> np.ndarray | None:
    """Corners of a footprint that has four, (4, 2) longitudes and latitudes: first line, first
    sample; first line, last sample; last, last; last, first."""
    ring = outline(ds)
    return ring[:4] if ring is not None and len(ring) == 5 else None


def check_distinct(ds: xr.Dataset) -> None:
    """Check that quantities are not one and the same array: with dask 2025.9 and later plain xsar
    mixes them up (umr-lops/xsar#261)."""
    there = [n for n in DISTINCT if n in ds.variables and ds.variables[n].size > 1]
    for alike in _groups(there, lambda name: np.diagonal(np.atleast_2d(ds[name].values)).tobytes()):
        # The diagonal tells different quantities apart at a hundredth of the cost.
        for names in _groups(alike, lambda name: ds[name].values.tobytes()):
            raise BadProduct(
                f"{', '.join(names[:-1])} and {names[-1]} hold the same values "
                "(umr-lops/xsar#261: plain xsar with dask 2025.9 or later)"
            )


def _groups(names: list[str], key: Callable[[str], bytes]) -> list[list[str]]:
    """Names of the same key, where there is more than one of it."""
    groups: dict[bytes, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def check_smooth(ds: xr.Dataset) -> None:
    """Check that positions are some, and go on evenly from cell to cell."""
    longitude, latitude = _positions(ds)
    for values, name, limit in ((longitude, "longitude", 540), (latitude, "latitude", 90)):
        if not np.isfinite(values).all():
            raise BadProduct(f"{name} has cells without a value")
        if np.abs(values).max() > limit:
            raise BadProduct(f"{name} goes from {values.min():g} to {values.max():g}")
    for axis, dim in enumerate(("line", "sample")):
        if longitude.shape[axis] < 3:
            continue
        step = _metres(np.diff(longitude, axis=axis), np.diff(latitude, axis=axis), latitude)
        usual = np.median(np.hypot(*step))
        bend = np.hypot(*np.diff(step, axis=axis + 1))
        if usual < 1 or bend.max() > LARGEST_BEND * usual:
            at = np.unravel_index(bend.argmax(), bend.shape)[axis] + 1
            raise BadProduct(
                f"positions do not go on evenly: near {dim} {ds[dim].values[at]:g} they jump by "
                f"{bend.max():.0f} m, where cells are {usual:.0f} m"
            )


def check_control_points(ds: xr.Dataset, points: ControlPoints) -> None:
    """Check positions at the control points, which lie half a pixel before the centre of cells."""
    longitude, latitude = _positions(ds)
    at = points.row, points.column
    found = [values[at].copy() for values in (longitude, latitude)]
    for axis, dim in enumerate(("line", "sample")):
        labels = ds[dim].values
        cells = ((labels.astype(int) - labels) / (labels[1] - labels[0]))[at[axis]]
        for place, values in zip(found, (longitude, latitude), strict=True):
            place += cells * np.gradient(values, axis=axis)[at]
    distance = position_error(*found, points.longitude, points.latitude)
    worst = distance.argmax()
    if not distance[worst] <= POSITION_TOLERANCE:
        raise BadProduct(
            f"positions are up to {distance[worst]:.0f} m off the control points (line "
            f"{ds['line'].values[at[0][worst]]:g}, sample {ds['sample'].values[at[1][worst]]:g})"
        )


def image_size(ds: xr.Dataset, ring: np.ndarray) -> dict[str, float]:
    """Lines and samples of the whole image, by the :func:`corners` of the footprint.

    From the last cell it is so many steps, along and across track, to the last corner.
    """
    longitude, latitude = _positions(ds)
    north = latitude[-1, -1]
    steps = [
        _metres(longitude[-1, -1] - longitude[before], north - latitude[before], north)
        for before in ((-2, -1), (-1, -2))
    ]
    east = (ring[2, 0] - longitude[-1, -1] + 180) % 360 - 180
    try:
        cells = np.linalg.solve(np.transpose(steps), _metres(east, ring[2, 1] - north, north))
    except np.linalg.LinAlgError:
        return {"line": np.nan, "sample": np.nan}
    labels = {dim: ds[dim].values for dim in ("line", "sample")}
    return {
        dim: values[-1] + count * (values[-1] - values[-2]) + 1
        for (dim, values), count in zip(labels.items(), cells, strict=True)
    }


def _positions(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Longitude without a jump at 180 degrees, and latitude: (line, sample)."""
    longitude, latitude = (
        ds.variables[name].transpose("line", "sample").values for name in ("longitude", "latitude")
    )
    return unwrapped(longitude), latitude


def _metres(east: np.ndarray, north: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Degrees to metres, (2, …): shortened by the (mean) latitude where they are."""
    width = np.cos(np.radians(np.mean(latitude)))
    return METRES_PER_DEGREE * np.stack([east * width, north])
