"""Demo scenes: small but complete Sentinel-1 GRD products of our own making, with known sigma0.

They look to every reader like real ones, so that xsar-batch can be tried, tested and timed without
a download: `make_safe(folder)`, or `python -m xsar_batch.demo FOLDER`.
"""

from xsar_batch.demo.product import Product
from xsar_batch.demo.radiometry import (
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
from xsar_batch.demo.scene import make_safe

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
