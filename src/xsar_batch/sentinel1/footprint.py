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
        ring = [f"{longitude:g} {latitude:g}" for latitude, longitude in corners]
    except (BadSafe, OSError, ValueError):
        return ""
    return f"POLYGON (({', '.join([*ring, ring[0]])}))" if len(ring) >= 3 else ""
