"""xsar labels cells wrongly when the resolution is given in metres.

For ``resolution="1000m"`` ``safe_s1.reader.Sentinel1Reader.load_digital_number`` averages the
whole image, but works out ``line`` and ``sample`` of the cells as if the remainder of the division
had been cut off. The labels drift, by up to 758 m along and 439 m across track at the far corner
of an IW scene, and all that is interpolated at them (positions, angles, calibration) with them.
With whole pixels per cell it reads the window that belongs to the labels.

Present in xarray-safe-s1 2026.1.23.

Here metres become whole pixels before the reader sees them; where that is not possible, the
product is refused.
"""

from functools import wraps

from safe_s1.reader import Sentinel1Reader

from ..resolution import pixels_per_cell


def apply() -> None:
    """Wrap ``Sentinel1Reader.load_digital_number``."""
    plain = Sentinel1Reader.load_digital_number
    if hasattr(plain, "__wrapped__"):
        return

    @wraps(plain)
    def load_digital_number(self, resolution=None, *args, **kwargs):
        if resolution is not None and not isinstance(resolution, dict):
            in_metres = isinstance(resolution, str)
            spacing = (float(self.pixel_line_m), float(self.pixel_sample_m))
            cell = pixels_per_cell(resolution, *spacing)
            # The caller gets the resolution in metres back, where it was given so.
            return float(resolution[:-1]) if in_metres else None, plain(
                self, cell, *args, **kwargs
            )[1]
        return plain(self, resolution, *args, **kwargs)

    Sentinel1Reader.load_digital_number = load_digital_number


def remove() -> None:
    """Undo :func:`apply`."""
    plain = getattr(Sentinel1Reader.load_digital_number, "__wrapped__", None)
    if plain is not None:
        Sentinel1Reader.load_digital_number = plain
