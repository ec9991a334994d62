"""Footprints as paths of the map, from their WKT."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely

from xsar_batch.report.window import WIDTH, Window


@dataclass(frozen=True)
class Footprints:
    """Parts of footprints: shapely polygons within ±180°, and the rows they belong to, rising."""

    parts: np.ndarray
    owners: np.ndarray

    @property
    def bounds(self) -> np.ndarray:
        """West, south, east, north in degrees, a row a part."""
        return shapely.bounds(self.parts).reshape(-1, 4)


def shapes(texts: Iterable[str]) -> np.ndarray:
    """Shapes of WKT; None where it is empty or damaged."""
    given = np.array([text or None for text in texts], dtype=object)
    with np.errstate(invalid="ignore"):
        return shapely.from_wkt(given, on_invalid="ignore")


def read(texts: Iterable[str]) -> Footprints:
    """Footprints of WKT in degrees, as :func:`xsar_batch.sentinel1.footprint.of` gives them: in two
    parts where they cross ±180°. One that is empty, damaged or impossible is left out."""
    parts, owners = shapely.get_parts(shapes(texts), return_index=True)
    west, south, east, north = shapely.bounds(parts).T
    good = (west >= -180) & (south >= -90) & (east <= 180) & (north <= 90)
    good &= (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & shapely.is_valid(parts)
    return Footprints(parts[good], owners[good])


def paths(footprints: Footprints, window: Window) -> dict[int, str]:
    """Row -> the data of an SVG path, in whole units of the window."""
    parts, owners = footprints.parts, footprints.owners
    if not window.pole and len(parts):
        parts, owners = _turned(parts, owners, window)
    placed = shapely.transform(parts, window.place)
    # Of a footprint with a thousand points, few can be seen.
    placed = shapely.simplify(placed, WIDTH / 6000, preserve_topology=True)
    texts = path_data(placed)
    made: dict[int, str] = {}
    for owner, text in zip(owners.tolist(), texts, strict=True):
        made[owner] = made.get(owner, "") + text
    return made


def _turned(parts: np.ndarray, owners: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Each part where the window has it; twice where it hangs over one edge into the other."""
    west, _, east, _ = shapely.bounds(parts).T
    home = -np.round(((west + east) / 2 - window.middle) / 360)
    shown, whose = [], []
    for turn in (-1, 0, 1):
        offset = 360 * (home + turn)
        inside = (east + offset > window.west) & (west + offset < window.east)
        if turn == 0:
            # A footprint stays on the map even where it is too thin to reach inside.
            inside[:] = True
        points, number = shapely.get_coordinates(parts[inside], return_index=True)
        points[:, 0] += offset[inside][number]
        shown.append(shapely.set_coordinates(parts[inside].copy(), points))
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
