"""Footprints as paths of the map, from their WKT."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from xsar_batch.report.window import WIDTH, Window


@dataclass(frozen=True)
class Footprints:
    """Rings of footprints with their longitudes made to go on across ±180°.

    ``rings`` are shapely polygons; ``owners`` are the rows they belong to, rising.
    """

    rings: np.ndarray
    owners: np.ndarray

    @property
    def bounds(self) -> np.ndarray:
        """West, south, east, north in degrees, a row a ring."""
        return shapely.bounds(self.rings).reshape(-1, 4)


def read(texts: Sequence[str]) -> Footprints:
    """Footprints of WKT in degrees; one that is empty, damaged or impossible is left out.

    One that crosses ±180° jumps there by 360 degrees; the jump is taken out. One round a pole
    does not close then, and is left out as well.
    """
    given = np.array([text or None for text in texts], dtype=object)
    with np.errstate(invalid="ignore"):
        polygons = shapely.from_wkt(given, on_invalid="ignore")
    polygons[~np.isin(shapely.get_type_id(polygons), (3, 6))] = None
    parts, owners = shapely.get_parts(polygons, return_index=True)
    rings = shapely.get_exterior_ring(parts)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    if not len(points):
        return Footprints(np.array([], dtype=object), np.array([], dtype=int))
    # A jump is taken out of all that follows; each ring begins where it is.
    step = np.diff(points[:, 0], prepend=points[0, 0])
    first = np.diff(ring, prepend=-1) > 0
    jump = np.where(first | ~np.isfinite(step), 0, np.round(step / 360))
    turns = np.cumsum(jump)
    turns -= np.repeat(turns[first], np.diff(np.append(np.flatnonzero(first), len(ring))))
    points[:, 0] -= 360 * turns
    last = np.append(np.flatnonzero(first)[1:], len(ring)) - 1
    possible = np.isfinite(points).all(axis=1) & (np.abs(points[:, 1]) <= 90)
    good = np.zeros(len(rings), bool)
    # The number of a ring in `ring` is that of its part; an empty one has no points.
    good[ring[first]] = np.logical_and.reduceat(possible, np.flatnonzero(first))
    good[ring[last]] &= np.abs(points[last, 0] - points[first, 0]) < 1
    kept = good[ring]
    polygons = shapely.polygons(shapely.linearrings(points[kept], indices=_dense(ring[kept])))
    return Footprints(polygons, owners[good])


def paths(footprints: Footprints, window: Window) -> dict[int, str]:
    """Row -> the data of an SVG path, in whole units of the window."""
    rings, owners = footprints.rings, footprints.owners
    if not window.pole and len(rings):
        rings, owners = _turned(rings, owners, window)
    placed = shapely.transform(rings, window.place)
    # Of a footprint with a thousand points, few can be seen.
    placed = shapely.simplify(placed, WIDTH / 6000, preserve_topology=True)
    texts = path_data(placed)
    made: dict[int, str] = {}
    for owner, text in zip(owners.tolist(), texts, strict=True):
        made[owner] = made.get(owner, "") + text
    return made


def _turned(rings: np.ndarray, owners: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Each ring where the window has it; twice where it hangs over one edge into the other."""
    west, _, east, _ = shapely.bounds(rings).T
    home = -np.round(((west + east) / 2 - window.middle) / 360)
    shown, whose = [], []
    for turn in (-1, 0, 1):
        offset = 360 * (home + turn)
        inside = (east + offset > window.west) & (west + offset < window.east)
        if turn == 0:
            # A footprint stays on the map even where it is too thin to reach inside.
            inside[:] = True
        points, ring = shapely.get_coordinates(rings[inside], return_index=True)
        points[:, 0] += offset[inside][ring]
        shown.append(shapely.set_coordinates(rings[inside].copy(), points))
        whose.append(owners[inside])
    owner = np.concatenate(whose)
    order = np.argsort(owner, kind="stable")
    return np.concatenate(shown)[order], owner[order]


def path_data(polygons: np.ndarray) -> list[str]:
    """The data of an SVG path for each polygon, with its holes; no multipolygons.

    Whole numbers, each step counted from the one before: half the size.
    """
    rings, owner = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    whole = np.round(points).astype(int)
    steps = np.diff(whole, axis=0, prepend=0)
    begins = np.flatnonzero(np.diff(ring, prepend=-1))
    ends = np.append(begins, len(ring))[1:]
    whole, steps = whole.tolist(), steps.tolist()
    texts = [""] * len(polygons)
    pieces = zip(begins.tolist(), ends.tolist(), ring[begins].tolist(), strict=True)
    for begin, end, number in pieces:
        # The last point of a ring is its first: "z" goes there.
        line = " ".join(f"{x} {y}" for x, y in steps[begin + 1 : end - 1] if x or y)
        x, y = whole[begin]
        texts[owner[number]] += f"M{x} {y}{'l' + line if line else 'h1'}z".replace(" -", "-")
    return texts


def _dense(numbers: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... for what rises with gaps."""
    return np.cumsum(np.diff(numbers, prepend=numbers[:1]) > 0)
