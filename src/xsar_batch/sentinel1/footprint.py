"""Where a SAFE lies, as its manifest says: for maps, not for positions."""

from pathlib import Path

from xsar_batch.failures import BadSafe
from xsar_batch.sentinel1.files import read_xml


def of(safe: Path) -> str:
    """Footprint of a SAFE as WKT, longitude before latitude in degrees; empty if it is not known.

    The manifest gives four corners, latitude before longitude: Sentinel-1 Product Specification
    (S1-RS-MDA-52-7441), section 5, ``safe:footPrint``.
    """
    try:
        root, _ = read_xml(safe, "manifest.safe", "XFDU")
        text = root.findtext(".//{*}footPrint/{*}coordinates", "")
        corners = [tuple(map(float, pair.split(","))) for pair in text.split()]
        ring = [(longitude, latitude) for latitude, longitude in corners]
    except (BadSafe, OSError, ValueError):
        return ""
    return wkt(ring) if len(ring) >= 3 else ""


def wkt(ring: list[tuple[float, float]]) -> str:
    """Corners (longitude, latitude) as a POLYGON; across 180 degrees as a MULTIPOLYGON that is cut
    there (RFC 7946, 3.1.9), as in the product."""
    longitudes = [longitude for longitude, _ in ring]
    if max(longitudes) - min(longitudes) <= 180:
        return f"POLYGON {_text(ring)}"
    whole = [(longitude % 360, latitude) for longitude, latitude in ring]
    west = _clipped(whole, side=1)
    east = [(longitude - 360, latitude) for longitude, latitude in _clipped(whole, side=-1)]
    return f"MULTIPOLYGON ({_text(west)}, {_text(east)})"


def _clipped(ring: list[tuple[float, float]], side: int) -> list[tuple[float, float]]:
    """The part of a convex ring with longitudes up to 180 (``side`` 1) or from it on (-1)."""
    kept = []
    for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if side * (180 - x) >= 0:
            kept.append((x, y))
        if (x - 180) * (next_x - 180) < 0:
            kept.append((180, y + (next_y - y) * (180 - x) / (next_x - x)))
    return kept


def _text(ring: list[tuple[float, float]]) -> str:
    points = [f"{longitude:g} {latitude:g}" for longitude, latitude in [*ring, ring[0]]]
    return f"(({', '.join(points)}))"
