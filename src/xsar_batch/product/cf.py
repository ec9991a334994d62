"""What the CF conventions (1.8) ask for and xsar does not say.

xsar's variables and their names stay as they are, and so do its attributes, except where CF
forbids their form. What it does not say comes from :mod:`xsar_batch.product.variables`.
"""

import json
from typing import Any

import numpy as np
import xarray as xr

from xsar_batch.product.variables import VARIABLES

#: Spellings of xsar that UDUNITS does not know.
UNITS = {"Degrees": "degree", "linear": "1"}

#: CF 1.8 knows no unsigned integers but bytes, and no 64-bit integers.
CF_TYPES = {"uint16": "int32", "uint32": "float64", "uint64": "float64", "int64": "int32"}

#: Values below which the index of a compressed variable takes more than compression saves.
WORTH_COMPRESSING = 2000


def conform(ds: xr.Dataset) -> xr.Dataset:
    """Give a Dataset the attributes, coordinates and types that CF asks for.

    Values are kept to the last bit; an integer type may become a wider one that CF knows.
    """
    ds = ds.copy()
    ds = ds.set_coords([name for name in ("longitude", "latitude") if name in ds])
    for name, variable in ds.variables.items():
        known = VARIABLES.get(str(name))
        attributes = {**(known.attributes() if known else {}), **variable.attrs}
        attributes.setdefault("coverage_content_type", "auxiliaryInformation")
        if "comment" in attributes:
            # xsar says so of digital numbers that still hold their noise, and of what is made of
            # them.
            attributes["comment"] = attributes["comment"].removeprefix("denoised digital number, ")
        if "units" in attributes:
            attributes["units"] = UNITS.get(attributes["units"], attributes["units"])
        # One grid mapping for cells that lie on none: the GCPs in it are for rioxarray, which
        # looks for `spatial_ref` without being told.
        attributes.pop("grid_mapping", None)
        variable.encoding.pop("grid_mapping", None)
        if "gcps" in attributes:
            attributes = with_stable_gcps(attributes)
        variable.attrs = {key: attribute(value) for key, value in attributes.items()}
        ds[name].attrs = variable.attrs
    ds.attrs = {key: attribute(value) for key, value in ds.attrs.items()}
    return ds


def _fits(values: np.ndarray, dtype: type) -> bool:
    limits = np.iinfo(dtype)
    return not values.size or (values.min() >= limits.min and values.max() <= limits.max)


def encoded(ds: xr.Dataset) -> xr.Dataset:
    """The Dataset as it is written: times as numbers, the rest as it is."""
    times = {n: seconds(v) for n, v in ds.variables.items() if v.dtype.kind == "M"}
    return ds.assign(times)


def encoding(ds: xr.Dataset, compression: int) -> dict[str, dict[str, Any]]:
    """How each variable is written: types, fill values, time units, zlib level ``compression``."""
    return {str(name): _encoding(variable, compression) for name, variable in ds.variables.items()}


def _encoding(variable: xr.Variable, compression: int) -> dict[str, Any]:
    how: dict[str, Any] = {}
    if variable.dtype.kind == "f":
        # Coordinates have no missing values.
        place = variable.attrs.get("standard_name") in ("longitude", "latitude")
        how["_FillValue"] = None if place or variable.ndim < 2 else variable.dtype.type("nan")
    elif variable.dtype.name in CF_TYPES:
        how["dtype"] = CF_TYPES[variable.dtype.name]
        if how["dtype"] == "int32" and not _fits(variable.values, np.int32):
            how["dtype"] = "float64"
    elif _is_text(variable):
        # Characters instead of strings: whoever opens a file with strings twice, and closes one of
        # both, crashes with netCDF 4.10.1 and HDF5 2.2.0. CDO reads no strings either.
        how["dtype"] = "S1"
    if variable.size >= WORTH_COMPRESSING and variable.dtype.kind in "fiu" and compression:
        how.update(zlib=True, complevel=compression, shuffle=True)
    return how


def _is_text(variable: xr.Variable) -> bool:
    """Texts, each of which has a letter at least, as characters must have."""
    return variable.dtype.kind in "UO" and all(
        isinstance(text, str) and text for text in variable.values.flat
    )


def seconds(variable: xr.Variable) -> xr.Variable:
    """Times (datetime64) as float64 seconds since the first whole second, the form CF 1.8 has.

    Readers multiply by 1e9 and then either cut or round. A quarter of a nanosecond is added, so
    that both come out at the same nanosecond as went in. Bits that stand for less than a tenth of
    a nanosecond are cleared, as they would only take space. NaT becomes NaN.
    """
    times = variable.values.astype("datetime64[ns]")
    known = times[~np.isnat(times)]
    first = (known.min() if known.size else np.datetime64(0, "ns")).astype("datetime64[s]")
    nanoseconds = (times - first).astype("int64").astype("float64")
    nanoseconds[np.isnat(times)] = np.nan
    attrs = {**variable.attrs, "units": f"seconds since {first}", "calendar": "standard"}
    ticks = np.rint((nanoseconds + 0.25) / 1e9 * 2.0**33)
    return xr.Variable(variable.dims, ticks / 2.0**33, attrs)


def with_stable_gcps(attributes: dict[str, Any]) -> dict[str, Any]:
    """Number the ground control points instead of naming them by random UUIDs, and drop blanks.

    A product made twice is then the same, and 15 KB smaller. rioxarray reads them as before.
    """
    points = json.loads(attributes["gcps"])
    for number, point in enumerate(points["features"], 1):
        point["properties"]["id"] = str(number)
    return {**attributes, "gcps": json.dumps(points, separators=(",", ":"))}


def attribute(value: Any) -> Any:
    """An attribute in a form that netCDF can hold: geometries as WKT, flags as 0 or 1."""
    if isinstance(value, bool | np.bool_):
        return np.int8(value)
    if isinstance(value, str | bytes | int | float | np.number):
        return value
    if isinstance(value, np.ndarray | list | tuple):
        try:
            kind = np.asarray(value).dtype.kind
        except ValueError:
            # Lists of different lengths.
            kind = "O"
        return value if kind in "iufSU" else str(value)
    if hasattr(value, "wkt"):
        return value.wkt
    return "" if value is None else str(value)
