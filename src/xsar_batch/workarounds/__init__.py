"""Ways round faults of xsar, one a module: wrong values, and work done again and again.

Each module says which fault, since when and where it is reported, and has ``apply()`` and
``remove()``, which may be called more than once. Each has a test in
``tests/test_30_workarounds.py`` or ``tests/test_30_speed.py`` that fails as soon as plain xsar does
the right thing: then the module can go.
"""

from . import (
    pixels_read_once,
    positions_at_once,
    unique_dask_names,
    whole_pixels,
    xml_parsed_once,
)

MODULES = (
    *(unique_dask_names, whole_pixels),
    # These change no value.
    *(pixels_read_once, positions_at_once, xml_parsed_once),
)


def apply() -> tuple[str, ...]:
    """Apply all of them to the xsar in this process; returns their names, for the provenance."""
    for module in MODULES:
        module.apply()
    return tuple(module.__name__.rsplit(".", 1)[1] for module in MODULES)


def remove() -> None:
    """Undo :func:`apply`."""
    for module in MODULES:
        module.remove()
