"""Ways round faults of xsar, one a module.

Each module says which fault, since when and where it is reported, and has ``apply()``, which may
be called more than once. Each has a test in ``tests/test_30_workarounds.py`` that fails as soon
as plain xsar does the right thing: then the module can go.
"""

from . import unique_dask_names, whole_pixels


def apply() -> tuple[str, ...]:
    """Apply all of them to the xsar in this process; returns their names, for the provenance."""
    modules = (unique_dask_names, whole_pixels)
    for module in modules:
        module.apply()
    return tuple(module.__name__.rsplit(".", 1)[1] for module in modules)
