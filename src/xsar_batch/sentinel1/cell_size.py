"""From a resolution in metres to a whole number of pixels."""

from xsar_batch.failures import ConfigError, Unsupported
from xsar_batch.sentinel1.product_name import STRIPMAP

#: Relative difference below which a cell counts as a whole number of pixels. Over the 26,000
#: samples of an IW scene the labels then drift by less than 0.03 pixels, 0.3 m.
TOLERANCE = 1e-6

#: Pixel spacing in metres, line and sample alike, by mode and product type, SM for all beams of
#: stripmap: Sentinel-1 Product Definition (S1-RS-MDA-52-7440), tables of the GRD products.
SPACING = {
    **{("IW", "GRDH"): 10.0, ("IW", "GRDM"): 40.0},
    **{("EW", "GRDH"): 25.0, ("EW", "GRDM"): 40.0},
    **{("SM", "GRDF"): 3.5, ("SM", "GRDH"): 10.0, ("SM", "GRDM"): 40.0},
}


def metres(resolution: str | float) -> float:
    """``"1000m"`` or a number -> metres."""
    return float(str(resolution).removesuffix("m"))


def normalised(resolution: str) -> str:
    """The same for all ways to write a resolution: ``1000.0m`` -> ``1000m``."""
    size = metres(resolution)
    return f"{int(size) if size.is_integer() else size}m"


def check(resolution: str, kinds: list[tuple[str, str]]) -> None:
    """Check a resolution against the kinds (mode, product type) of products, before a run.

    Raises
    ------
    ConfigError
        It fits none of those whose pixel spacing is known by their kind.
    """
    refusals = []
    for mode, product_type in kinds:
        spacing = SPACING.get(("SM" if mode in STRIPMAP else mode, product_type))
        if spacing is not None:
            try:
                pixels_per_cell(resolution, spacing, spacing)
            except Unsupported as refusal:
                refusals.append(f"{mode} {product_type}: {refusal}")
            else:
                return
    if refusals:
        raise ConfigError("resolution: " + "; ".join(refusals))


def pixels_per_cell(
    resolution: str | float, line_spacing: float, sample_spacing: float
) -> dict[str, int]:
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
