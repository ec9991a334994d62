"""xsar labels cells wrongly when the resolution is no whole number of pixels.

For ``resolution="1000m"`` ``safe_s1.reader.Sentinel1Reader.load_digital_number`` works with 100.0
pixels a cell. It averages the whole image then, but works out ``line`` and ``sample`` of the cells
as if the remainder of the division had been cut off. The labels drift, by up to 758 m along and
439 m across track at the far corner of an IW scene, and all that is interpolated at them
(positions, angles, calibration) with them. With the integer 100 it reads the window that belongs
to the labels.

Present in xarray-safe-s1 2026.1.23; no report of it was found.

Here metres, and pixels that are not integers, become integers before the reader sees them; where
that is not possible, the product is refused.
"""

from functools import wraps

from safe_s1.reader import Sentinel1Reader

from xsar_batch.failures import Unsupported
from xsar_batch.sentinel1.cell_size import pixels_per_cell


def apply() -> None:
    """Wrap ``Sentinel1Reader.load_digital_number``."""
    plain = Sentinel1Reader.load_digital_number
    if hasattr(plain, "plain"):
        return

    @wraps(plain)
    def load_digital_number(self, resolution=None, *args, **kwargs):
        if resolution is None:
            return plain(self, resolution, *args, **kwargs)
        if isinstance(resolution, dict):
            return plain(self, _integers(resolution), *args, **kwargs)
        cell = pixels_per_cell(resolution, float(self.pixel_line_m), float(self.pixel_sample_m))
        _, ds = plain(self, cell, *args, **kwargs)
        # A resolution that was given as text is handed back in metres, as plain xsar does.
        return float(resolution[:-1]) if isinstance(resolution, str) else None, ds

    load_digital_number.plain = plain
    Sentinel1Reader.load_digital_number = load_digital_number


def remove() -> None:
    """Undo :func:`apply`."""
    plain = getattr(Sentinel1Reader.load_digital_number, "plain", None)
    if plain is not None:
        Sentinel1Reader.load_digital_number = plain


def _integers(pixels: dict[str, float]) -> dict[str, int]:
    """Pixels a cell, as integers by type: by that the reader tells how to go about it."""
    for dim, count in pixels.items():
        if count != int(count) or count < 1:
            raise Unsupported(f"{count} along {dim} is no whole number of pixels")
    return {dim: int(count) for dim, count in pixels.items()}
