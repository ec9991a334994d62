"""Versions of all that takes part in a product, told without importing any of it."""

from functools import cache
from importlib import metadata

from xsar_batch import __version__

#: Packages whose versions decide what is in a product: attribute -> distribution.
VERSIONS = {
    "xsar_version": "xsar",
    "xarray_safe_s1_version": "xarray-safe-s1",
    "dask_version": "dask",
    "xarray_version": "xarray",
    "rasterio_version": "rasterio",
}


@cache
def versions() -> dict[str, str]:
    """Versions of this workflow and of what it calls."""
    found = {"xsar_batch_version": __version__}
    return found | {key: metadata.version(package) for key, package in VERSIONS.items()}
