"""Ways round faults of xsar, one a module: wrong values, and work done again and again.

Those of ``REPAIRS`` change what plain xsar gives, or make products possible that it refuses; the
setting ``repairs`` switches them. Those of ``ALWAYS`` are always on: without the first two values
are wrong, and the others change no value but save time. ``block_rms`` and
``noise_means`` are what two of them compute.

Each other module says which fault, since when and where it is reported, and lists in ``PATCHES``
what it replaces (:mod:`.patch`). Each has a test in ``tests/xsar_fixes/`` that
fails as soon as plain xsar does the right thing: then the module can go.
"""

from types import ModuleType

from xsar_batch.xsar_fixes import (
    across_date_line,
    control_points_of_grid,
    control_points_written_once,
    exact_mean_of_squares,
    groups_left_out,
    heading_of_positions,
    land_at_cell_centres,
    looked_up_once,
    noise_as_annotated,
    packed_as_cog,
    pixels_read_once,
    positions_at_once,
    stripmap_without_merging,
    unique_dask_names,
    whole_pixels,
    xml_parsed_once,
)

ALWAYS = (
    *(unique_dask_names, whole_pixels),
    # These change no value.
    *(control_points_written_once, groups_left_out, looked_up_once, pixels_read_once),
    *(positions_at_once, xml_parsed_once),
)

REPAIRS: tuple[ModuleType, ...] = (
    *(across_date_line, control_points_of_grid, exact_mean_of_squares, heading_of_positions),
    *(land_at_cell_centres, noise_as_annotated, packed_as_cog, stripmap_without_merging),
)

_is_applied = False


def apply(repairs: bool = True) -> tuple[str, ...]:
    """Apply them to the xsar in this process, those of ``REPAIRS`` if they are wanted.

    Returns the names of what is applied, for the provenance.
    """
    global _is_applied
    remove(*REPAIRS)
    wanted = (*ALWAYS, *(REPAIRS if repairs else ()))
    for module in wanted:
        for patch in module.PATCHES:
            patch.apply()
    _is_applied = True
    return tuple(module.__name__.rsplit(".", 1)[1] for module in wanted)


def ensure() -> None:
    """Apply all, unless it was decided already which."""
    if not _is_applied:
        apply()


def remove(*modules: ModuleType) -> None:
    """Undo :func:`apply`, of these modules or of all."""
    global _is_applied
    # A repair may stand on one of the others.
    for module in modules or (*REPAIRS, *ALWAYS):
        for patch in module.PATCHES:
            patch.remove()
    _is_applied = False
