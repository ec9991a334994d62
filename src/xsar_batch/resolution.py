"""From a resolution in metres to a whole number of pixels."""

from .failures import Unsupported

#: Relative difference below which a cell counts as a whole number of pixels: over 26,000 samples
#: labels then drift by less than a thousandth of a pixel per cell of 100.
TOLERANCE = 1e-6


def metres(resolution: str | float) -> float:
    """``"1000m"`` or a number -> metres."""
    return float(str(resolution).removesuffix("m"))


def pixels_per_cell(resolution: str | float, line_spacing: float, sample_spacing: float):
    """Pixels along and across track that make one cell of ``resolution``.

    Parameters
    ----------
    resolution
        Cell size, ``"1000m"`` or metres.
    line_spacing, sample_spacing
        Pixel spacing in metres, azimuth and ground range.

    Returns
    -------
    dict
        ``{"line": int, "sample": int}``, as xsar takes it.

    Raises
    ------
    Unsupported
        The cell is no whole number of pixels; xsar would label such cells with wrong positions.
    """
    size = metres(resolution)
    cell = {}
    for dim, spacing in (("line", line_spacing), ("sample", sample_spacing)):
        count = round(size / spacing)
        if count < 1 or abs(size / spacing - count) > TOLERANCE * count:
            below = max(1, int(size / spacing)) * spacing
            raise Unsupported(
                f"a resolution of {size:g}m is no whole number of {spacing:g} m pixels; "
                f"take for example {below:g}m or {below + spacing:g}m"
            )
        cell[dim] = count
    return cell
