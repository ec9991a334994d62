"""Demo scenes: small but complete Sentinel-1 GRD products of our own making, with known sigma0.

They look to every reader like real ones, so that xsar-batch can be tried, tested and timed without
a download: `make_safe(folder)`, or `python -m sentinel1_demo_scenes FOLDER`.
"""

from sentinel1_demo_scenes.product import Product
from sentinel1_demo_scenes.radiometry import (
    BORDER_FAR,
    BORDER_NEAR,
    BORDER_TOP,
    CHECKERBOARD_CELL,
    CHECKERBOARD_VALUES,
    LOOKS,
    border,
    ends,
    true_sigma0,
)
from sentinel1_demo_scenes.scene import make_safe

__all__ = [
    "BORDER_FAR",
    "BORDER_NEAR",
    "BORDER_TOP",
    "CHECKERBOARD_CELL",
    "CHECKERBOARD_VALUES",
    "LOOKS",
    "Product",
    "border",
    "ends",
    "make_safe",
    "true_sigma0",
]
