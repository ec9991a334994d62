"""From a resolution in metres to a whole number of pixels."""

from xsar_batch.failures import ConfigError, Unsupported
from xsar_batch.sentinel1.product_name import STRIPMAP

#: Largest difference between a cell and the resolution asked for, relative to the latter. Lines of
#: products before IPF 2.50 are 10.005 or 9.999 m apart, so 100 of them are not exactly 1000 m.
TOLERANCE = 5e-3

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
    """Pixels along and across track that make one cell: the nearest to ``resolution``.

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
        Such a cell differs from ``resolution`` by more than ``TOLERANCE``.
    """
    size = metres(resolution)
    spacings = {"line": line_spacing, "sample": sample_spacing}
    for spacing in spacings.values():
        if not _fits(size, spacing):
            others = " or ".join(f"{other:g}m" for other in _fitting(size, *spacings.values()))
            raise Unsupported(
                f"a resolution of {size:g}m is no whole number of {spacing:g} m pixels; "
                f"take for example {others}"
            )
    return {dim: round(size / spacing) for dim, spacing in spacings.items()}


def _fits(size: float, spacing: float) -> bool:
    """Whether a cell of ``size`` metres is nearly a whole number of pixels, at least one."""
    count = round(size / spacing)
    return count >= 1 and abs(count * spacing - size) <= TOLERANCE * size


def _fitting(size: float, *spacings: float) -> list[float]:
    """Resolutions that fit all spacings, whole metres if possible: the next below and above."""
    coarse = max(spacings)
    # With 100 pixels or more a cell fits whatever the spacing: half of one is within the tolerance.
    counts = range(1, int(size / coarse) + 2 + round(1 / TOLERANCE))
    sizes = []
    for exact in (count * coarse for count in counts):
        sizes += [
            fitting
            for fitting in (round(exact), exact)
            if fitting and all(_fits(fitting, spacing) for spacing in spacings)
        ][:1]
    below = [fitting for fitting in sizes if fitting < size][-1:]
    return below + [fitting for fitting in sizes if fitting > size][:1]
