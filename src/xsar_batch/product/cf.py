"""What the CF conventions (1.8) ask for and xsar does not say.

xsar's variables and their names stay as they are, and so do its attributes, except where CF
forbids their form. Units and meanings of the annotated quantities: Sentinel-1 Product
Specification (S1-RS-MDA-52-7441).
"""

import json
from typing import Any

import numpy as np
import xarray as xr

_SIGMA0 = "surface_backwards_scattering_coefficient_of_radar_wave"

#: Attributes by variable. xsar's own win, but for units that UDUNITS does not know.
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "pol": {"long_name": "polarisation, transmitted and received"},
    "line": {"long_name": "line of the full-resolution image at the centre of the cell"},
    "sample": {"long_name": "sample of the full-resolution image at the centre of the cell"},
    "longitude": {
        "standard_name": "longitude",
        "long_name": "longitude of the centre of the cell",
        "units": "degrees_east",
    },
    "latitude": {
        "standard_name": "latitude",
        "long_name": "latitude of the centre of the cell",
        "units": "degrees_north",
    },
    "time": {"standard_name": "time", "long_name": "azimuth time at mid-range"},
    "azimuth_time": {"standard_name": "time", "long_name": "azimuth (zero-Doppler) time"},
    "slant_range_time": {"long_name": "two-way slant range time", "units": "s"},
    "digital_number": {
        "long_name": "root mean square of the pixels' digital numbers",
        "units": "1",
    },
    "sigma0": {
        "standard_name": _SIGMA0,
        "long_name": "normalised radar cross section sigma0, noise removed",
        "units": "1",
    },
    "sigma0_raw": {
        "standard_name": _SIGMA0,
        "long_name": "normalised radar cross section sigma0, noise not removed",
        "units": "1",
    },
    "gamma0": {"long_name": "normalised radar cross section gamma0, noise removed", "units": "1"},
    "gamma0_raw": {
        "long_name": "normalised radar cross section gamma0, noise not removed",
        "units": "1",
    },
    "nesz": {"long_name": "noise equivalent sigma0", "units": "1"},
    "negz": {"long_name": "noise equivalent gamma0", "units": "1"},
    "sigma0_lut": {"long_name": "calibration look-up table for sigma0", "units": "1"},
    "gamma0_lut": {"long_name": "calibration look-up table for gamma0", "units": "1"},
    "noise_lut_range": {"long_name": "thermal noise power, range part", "units": "1"},
    "noise_lut_azi": {"long_name": "thermal noise power, azimuth part", "units": "1"},
    "noise_lut": {"long_name": "thermal noise power", "units": "1"},
    "ground_heading": {"units": "degree"},
    "incidence": {
        "standard_name": "angle_of_incidence",
        "long_name": "incidence angle at the ellipsoid",
        "units": "degree",
    },
    "elevation": {"long_name": "elevation angle at the antenna", "units": "degree"},
    "offboresight": {"long_name": "angle off the antenna's boresight", "units": "degree"},
    "altitude": {
        "standard_name": "height_above_reference_ellipsoid",
        "long_name": "terrain height used for geolocation",
        "units": "m",
    },
    "land_mask": {
        "standard_name": "land_binary_mask",
        "long_name": "land mask: cells whose centre is on land",
        "units": "1",
        "flag_values": np.array([0, 1], dtype="i1"),
        "flag_meanings": "ocean land",
    },
    "velocity": {"long_name": "speed of the platform", "units": "m s-1"},
    "range_ground_spacing": {"long_name": "ground range spacing of pixels", "units": "m"},
    "sampleSpacing": {"long_name": "size of a cell across track"},
    "lineSpacing": {"long_name": "size of a cell along track"},
    "spatial_ref": {"long_name": "reference system and ground control points"},
}

#: What a variable holds, as ACDD 1.3 has it (``coverage_content_type``); the others are auxiliary.
CONTENT_TYPES = {
    **dict.fromkeys(("longitude", "latitude", "line", "sample", "pol", "time"), "coordinate"),
    **dict.fromkeys(
        ("digital_number", "sigma0", "sigma0_raw", "gamma0", "gamma0_raw"), "physicalMeasurement"
    ),
    "quality_flag": "qualityInformation",
    "land_mask": "thematicClassification",
}

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
        attributes = {**ATTRIBUTES.get(name, {}), **variable.attrs}
        content = CONTENT_TYPES.get(str(name), "auxiliaryInformation")
        attributes.setdefault("coverage_content_type", content)
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
    if variable.size >= WORTH_COMPRESSING and variable.dtype.kind in "fiu" and compression:
        how.update(zlib=True, complevel=compression, shuffle=True)
    return how


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
