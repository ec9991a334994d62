"""xsar labels cells wrongly when the resolution is no whole number of pixels.

For ``resolution="1000m"`` ``safe_s1.reader.Sentinel1Reader.load_digital_number`` works with 100.0
pixels a cell. It averages the whole image then, but works out ``line`` and ``sample`` of the cells
as if the remainder of the division had been cut off. The labels drift, by up to 758 m along and
439 m across track at the far corner of an IW scene, and all that is interpolated at them
(positions, angles, calibration) with them. With the integer 100 it reads the window that belongs
to the labels.

Present in xarray-safe-s1 2026.1.23; no report of it was found.

Also, ``lineSpacing`` and ``sampleSpacing`` repeat the resolution that was asked for. Lines of
products before IPF 2.50 are 10.005 or 9.999 m apart, so that cells are a little larger or smaller.

Here metres become the nearest integer numbers of pixels, and pixels that are not integers by type
become so, before the reader sees them; what is too far from one is refused. ``lineSpacing`` and
``sampleSpacing`` are the true size of a cell.
"""

from functools import wraps
from typing import Any

from safe_s1.reader import Sentinel1Reader
from xsar.sentinel1_dataset import Sentinel1Dataset

from xsar_batch.failures import Unsupported
from xsar_batch.sentinel1.cell_size import pixels_per_cell
from xsar_batch.xsar_fixes.patch import Patch

_plain_load = Sentinel1Reader.load_digital_number
_plain_init = Sentinel1Dataset.__init__


@wraps(_plain_load)
def _load_digital_number(self: Any, resolution: Any = None, *args: Any, **kwargs: Any) -> Any:
    # Kept for others to know.
    self.cell = {"line": 1, "sample": 1}
    if resolution is None:
        return _plain_load(self, resolution, *args, **kwargs)
    if isinstance(resolution, dict):
        self.cell = _integers(resolution)
    else:
        spacings = float(self.pixel_line_m), float(self.pixel_sample_m)
        self.cell = pixels_per_cell(resolution, *spacings)
    metres, ds = _plain_load(self, self.cell, *args, **kwargs)
    # A resolution that was given as text is handed back in metres, as plain xsar does.
    return float(resolution[:-1]) if isinstance(resolution, str) else metres, ds


@wraps(_plain_init)
def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    _plain_init(self, *args, **kwargs)
    if not self.resampled:
        return
    reader, measurement = self.sar_meta.reader, self.datatree["measurement"]
    for dim, spacing in (("line", reader.pixel_line_m), ("sample", reader.pixel_sample_m)):
        name = f"{dim}Spacing"
        metres = measurement[name].copy(data=reader.cell[dim] * float(spacing))
        self._dataset[name] = measurement[name] = metres


PATCHES = (
    Patch(Sentinel1Reader, "load_digital_number", _load_digital_number),
    Patch(Sentinel1Dataset, "__init__", _init),
)


def _integers(pixels: dict[str, float]) -> dict[str, int]:
    """Pixels a cell, as integers by type: by that the reader tells how to go about it."""
    for dim, count in pixels.items():
        if count != int(count) or count < 1:
            raise Unsupported(f"{count} along {dim} is no whole number of pixels")
    return {dim: int(pixels[dim]) for dim in ("line", "sample")}
