"""Whether ``line`` and ``sample`` of a product name the pixels that were averaged.

For a resolution in metres plain xsar averages the whole image, but labels the cells as if what
remains at the far edges had been cut off (:mod:`xsar_batch.xsar_fixes.whole_pixels`). Labels and
positions look right then, and agree with each other: it is sigma0 that is of other pixels. What
gives it away is the comment in which the reader says what it was asked for.
"""

import ast
import re

import numpy as np
import xarray as xr

from xsar_batch.failures import BadProduct
from xsar_batch.product.verify import POSITION_TOLERANCE

_ASKED_FOR = re.compile(r'resampled at "(.+?)" with ')


def cell(ds: xr.Dataset) -> dict[str, float]:
    """Pixels of a cell along ``line`` and ``sample``.

    Raises
    ------
    BadProduct
        The labels are not the centres of cells of that size, one after the other.
    """
    size = {}
    for dim in ("line", "sample"):
        labels = ds.variables[dim].values.astype(float) if dim in ds.variables else np.array([])
        if labels.size < 2 or not np.isfinite(labels).all():
            raise BadProduct(f"{dim} has {np.isfinite(labels).sum()} values: no grid of cells")
        size[dim] = step = labels[1] - labels[0]
        before = (labels - (step - 1) / 2) / step if step > 0 else np.array([np.nan])
        if not np.abs(before - before.round()).max() < 1e-6 or not np.allclose(np.diff(before), 1):
            raise BadProduct(
                f"{dim} is not the centre of cells, one after the other: "
                f"{labels[0]:g}, {labels[1]:g} … {labels[-1]:g}"
            )
    return size


def check_drift(ds: xr.Dataset, lines: int, samples: int) -> None:
    """Check that labels do not drift away from the pixels of an image of ``lines`` x ``samples``.

    Raises
    ------
    BadProduct
        By how many metres, at the far corner.
    """
    asked = _asked_for(ds)
    if asked is None or _is_whole_pixels(asked):
        return
    drift = []
    for whole, (dim, pixels) in zip((lines, samples), cell(ds).items(), strict=True):
        metres = _cell_metres(ds, dim, pixels) / pixels
        # The rest is shared out among all cells; the last one's centre lies half a cell before.
        drift.append(metres * (whole % pixels) * (1 - 0.5 / max(whole // pixels, 1)))
    if max(drift) > POSITION_TOLERANCE:
        raise BadProduct(
            f"the farthest cells are of pixels {drift[0]:.0f} m along and {drift[1]:.0f} m "
            f"across track from their labels and positions: xsar was asked for {asked!r}"
        )


def _asked_for(ds: xr.Dataset) -> str | None:
    """The resolution that the reader was asked for, as it says; None where it says nothing."""
    for name in ("digital_number", "sigma0_raw", "gamma0_raw"):
        if name in ds.variables:
            found = _ASKED_FOR.search(str(ds.variables[name].attrs.get("comment", "")))
            if found:
                return found[1]
    return None


def _is_whole_pixels(asked: str) -> bool:
    """Only integers by type make the reader take the window that the labels are of."""
    try:
        pixels = ast.literal_eval(asked)
    except (ValueError, SyntaxError):
        return False
    return isinstance(pixels, dict) and isinstance(pixels.get("line"), int)


def _cell_metres(ds: xr.Dataset, dim: str, pixels: float) -> float:
    spacing = ds.variables.get(f"{dim}Spacing")
    # 10 m pixels, as nearly all GRD products have.
    return float(spacing.values) if spacing is not None and spacing.size == 1 else 10 * pixels
