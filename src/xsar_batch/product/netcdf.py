"""The product: a Dataset becomes one checked netCDF file."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from xsar_batch import __version__
from xsar_batch.product import cf, quality_flag
from xsar_batch.system.atomic_write import published
from xsar_batch.system.full_disk import disk_full
from xsar_batch.system.versions import versions


def with_provenance(
    ds: xr.Dataset, safe_name: str, ipf: str, recipe: Mapping[str, str], workarounds: str
) -> xr.Dataset:
    """Say in the attributes where the product comes from. Nothing that is there is overwritten,
    but for ``Conventions``; ``history`` grows."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    did = f"{now} xsar-batch {__version__}: {recipe['function']} at {recipe['resolution']}"
    said: dict[str, Any] = {
        "title": f"Sentinel-1 L1B product at {recipe['resolution']} of {safe_name}",
        "summary": (
            "Normalised radar cross section (sigma0), viewing geometry and positions of a "
            f"Sentinel-1 GRD product, averaged to cells of {recipe['resolution']}"
        ),
        "keywords": "Sentinel-1, SAR, C-band, normalised radar cross section, sigma0, ocean",
        "processing_level": "L1B",
        "source": f"{safe_name}.SAFE",
        **_extent(ds),
        "references": "https://github.com/umr-lops/xsar",
        "ipf_version": float(ipf),
        "resolution": recipe["resolution"],
        **cell_size(ds),
        "function": recipe["function"],
        "land_mask_source": recipe["land_mask"],
        "repairs": recipe.get("repairs", "on"),
        "xsar_workarounds": workarounds,
        **quality_flag.shares(ds),
        "date_created": now,
        **versions(),
    }
    history = "\n".join(filter(None, [did, ds.attrs.get("history")]))
    return ds.assign_attrs(
        {
            **said,
            **ds.attrs,
            **_of_this_product(ds),
            "history": history,
            "Conventions": "CF-1.8, ACDD-1.3",
        }
    )


def _of_this_product(ds: xr.Dataset) -> dict[str, str]:
    """xsar's attributes that tell of the SAFE what differs in the product: ``name`` has the local
    path of the SAFE, ``coverage`` is that of the image before it was cut to whole cells."""
    said = {}
    if {"name", "short_name"} <= set(ds.attrs):
        said["name"] = ds.attrs["short_name"]
    size = cell_size(ds)
    if "coverage" in ds.attrs and len(size) == 2 and {"line", "sample"} <= set(ds.sizes):
        along, across = (
            round(ds.sizes[dim] * size[f"cell_size_{dim}"] / 1000) for dim in ("line", "sample")
        )
        said["coverage"] = f"{along}km * {across}km (line * sample )"
    return said


def cell_size(ds: xr.Dataset) -> dict[str, float]:
    """The true size of a cell in metres, as attributes: pixels are not exactly as far apart as
    ``resolution`` wants them."""
    return {
        f"cell_size_{dim}": float(ds[f"{dim}Spacing"])
        for dim in ("line", "sample")
        if f"{dim}Spacing" in ds
    }


def _extent(ds: xr.Dataset) -> dict[str, str | float]:
    """Where and when, as ACDD 1.3 has it. Across 180 degrees the western end is the larger."""
    said: dict[str, str | float] = {}
    if {"longitude", "latitude"} <= set(ds.variables):
        longitude, latitude = (ds[name].values for name in ("longitude", "latitude"))
        if np.ptp(longitude) > 180:
            west, east = longitude[longitude > 0].min(), longitude[longitude <= 0].max()
        else:
            west, east = longitude.min(), longitude.max()
        said |= {
            "geospatial_lat_min": float(latitude.min()),
            "geospatial_lat_max": float(latitude.max()),
            "geospatial_lat_units": "degrees_north",
            "geospatial_lon_min": float(west),
            "geospatial_lon_max": float(east),
            "geospatial_lon_units": "degrees_east",
        }
    for name, ours in (("start_date", "start"), ("stop_date", "end")):
        if name in ds.attrs:
            time = np.datetime64(str(ds.attrs[name]).replace(" ", "T"), "us")
            said[f"time_coverage_{ours}"] = f"{time}Z"
    return said


def write(ds: xr.Dataset, path: Path, compression: int, check: Callable[[Path], None]) -> None:
    """Write ``ds`` beside ``path``, have the file checked, and only then give it its name.

    Raises
    ------
    DiskFull, or whatever ``check`` raises, and OSError or RuntimeError of the netCDF library;
    ``path`` is then as it was.
    """
    # HDF5 keeps what is written and read until the file is closed. Each variable is one chunk that
    # is needed once, so that is 15 MB for nothing.
    netCDF4.set_chunk_cache(0)
    with published(path) as temporary:
        encoded = cf.encoded(ds)
        try:
            encoded.to_netcdf(
                temporary,
                engine="netcdf4",
                format="NETCDF4",
                encoding=cf.encoding(encoded, compression),
            )
        except (OSError, RuntimeError) as error:
            # Asked as long as the half-written file takes its space.
            full = disk_full(error, path.parent)
            if full is not None:
                raise full from error
            raise
        check(temporary)
