"""What conversions need, done once before they are forked: imports, and what libraries look up.

A fork that imports a module, or asks where data files are, asks the file system again for each
SAFE: ``tests/conversion/test_modules.py`` fails then.
"""

import gc
import importlib
from contextlib import suppress


def preload() -> None:
    """Import what a conversion needs, also what libraries import only when it is used."""
    import fsspec.implementations.chained
    import fsspec.implementations.local
    import pyogrio
    import rioxarray.xarray_plugin
    import safe_s1.reader
    import xarray.computation.nanops
    import xsar

    from xsar_batch import l1b, quicklook, xsar_fixes
    from xsar_batch.conversion import convert
    from xsar_batch.product import cf, netcdf, noise, verify
    from xsar_batch.xsar_fixes import block_rms

    assert fsspec and pyogrio and rioxarray and safe_s1 and xarray and xsar
    assert cf and convert and l1b and netcdf and noise and verify
    # Where xsar looks first.
    with suppress(ImportError):
        importlib.import_module("safe_s1.metadata")
    xsar_fixes.apply()
    # Compiled, or loaded from where it was kept.
    block_rms.warm_up()
    quicklook.warm_up()
    _look_up()
    # What is there now stays: looking through it for garbage would copy its pages into each fork.
    gc.collect()
    gc.freeze()


def _look_up() -> None:
    """Have libraries find their plugins and data, which they remember."""
    import xarray.backends.plugins
    from xarray.namedarray import parallelcompat, pycompat

    from xsar_batch.conversion import command
    from xsar_batch.system.versions import versions

    xarray.backends.plugins.list_engines()
    parallelcompat.list_chunkmanagers()
    for package in ("cupy", "pint", "sparse"):
        pycompat.array_type(package)
    _load_filters()
    versions()
    # argparse asks for translations of each word.
    command.parser()


def _load_filters() -> None:
    """Have the netCDF library find its filters: it looks for each when it is first used."""
    import netCDF4

    with netCDF4.Dataset("nowhere", "w", diskless=True, persist=False) as file:
        file.createDimension("x", 1)
        variable = file.createVariable("v", "f4", ("x",), zlib=True, shuffle=True)
        variable[:] = 0
        variable.filters()
