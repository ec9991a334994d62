"""The variables of a product: what each is, what CF calls it, and what can be checked of it.

The names are xsar's (2026.8.31). Units and meanings of the annotated quantities: Sentinel-1 Product
Specification (S1-RS-MDA-52-7441). ``python -m xsar_batch.product.variables`` prints the table of
docs/product.md.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Variable:
    """What is known of a variable before it is computed.

    ``units`` are empty where the encoding gives them (times), ``standard_name`` where CF has none.
    ``flags`` are the meanings of the values 0, 1, …. ``missing_where`` are meanings of
    ``quality_flag``: there, and only there, the variable is NaN. ``content`` is ACDD 1.3's
    ``coverage_content_type``.
    """

    dims: tuple[str, ...]
    long_name: str
    units: str = ""
    standard_name: str = ""
    _: KW_ONLY
    content: str = "auxiliaryInformation"
    flags: tuple[str, ...] = ()
    missing_where: tuple[str, ...] = ()
    comment: str = ""
    #: Zero means that a part of an uncompressed file is missing.
    is_never_zero: bool = False
    #: A product without it is of no use, whatever made it.
    is_essential: bool = False
    #: The conversion computes it; otherwise it labels the cells or comes with ``quality_flag``.
    is_computed: bool = True

    def attributes(self) -> dict[str, Any]:
        """Attributes as they are written, without those that are empty."""
        said: dict[str, Any] = {
            "standard_name": self.standard_name,
            "long_name": self.long_name,
            "units": self.units,
            "flag_meanings": " ".join(self.flags),
            "comment": self.comment,
            "coverage_content_type": self.content,
        }
        said = {name: value for name, value in said.items() if value}
        if self.flags:
            said["flag_values"] = np.arange(len(self.flags), dtype="i1")
        return said


_CELLS = ("line", "sample")
_LAYERS = ("pol", *_CELLS)
_SIGMA0 = "surface_backwards_scattering_coefficient_of_radar_wave"
_PLACE: dict[str, Any] = {"content": "coordinate", "is_essential": True}
_LABEL: dict[str, Any] = {"content": "coordinate", "is_computed": False}
_MEASURED: dict[str, Any] = {"content": "physicalMeasurement"}
_RAW: dict[str, Any] = {**_MEASURED, "missing_where": ("no_data",)}
_DENOISED: dict[str, Any] = {**_MEASURED, "missing_where": ("no_data", "noise_unknown")}

VARIABLES = {
    "longitude": Variable(
        _CELLS, "longitude of the centre of the cell", "degrees_east", "longitude", **_PLACE
    ),
    "latitude": Variable(
        _CELLS, "latitude of the centre of the cell", "degrees_north", "latitude", **_PLACE
    ),
    "line": Variable(
        ("line",), "line of the full-resolution image at the centre of the cell", "1", **_LABEL
    ),
    "sample": Variable(
        ("sample",), "sample of the full-resolution image at the centre of the cell", "1", **_LABEL
    ),
    "pol": Variable(("pol",), "polarisation, transmitted and received", **_LABEL),
    "sigma0": Variable(
        _LAYERS,
        "normalised radar cross section sigma0, noise removed",
        "1",
        _SIGMA0,
        is_essential=True,
        **_DENOISED,
    ),
    "sigma0_raw": Variable(
        _LAYERS, "normalised radar cross section sigma0, noise not removed", "1", _SIGMA0, **_RAW
    ),
    "gamma0": Variable(
        _LAYERS, "normalised radar cross section gamma0, noise removed", "1", **_DENOISED
    ),
    "gamma0_raw": Variable(
        _LAYERS, "normalised radar cross section gamma0, noise not removed", "1", **_RAW
    ),
    "digital_number": Variable(
        _LAYERS, "root mean square of the pixels' digital numbers", "1", **_MEASURED
    ),
    "quality_flag": Variable(
        _LAYERS,
        "quality of sigma0 and gamma0",
        "1",
        "quality_flag",
        content="qualityInformation",
        flags=("valid", "border", "no_data", "noise_unknown"),
        comment=(
            "valid: all pixels of the cell lie inside of the swath; border: at least half of them, "
            "and the values are means over these; no_data: fewer, no values; noise_unknown: the "
            "annotation has no noise for the cell, so no values without noise"
        ),
        is_computed=False,
    ),
    "nesz": Variable(_LAYERS, "noise equivalent sigma0", "1"),
    "negz": Variable(_LAYERS, "noise equivalent gamma0", "1"),
    "sigma0_lut": Variable(
        _LAYERS, "calibration look-up table for sigma0", "1", is_never_zero=True
    ),
    "gamma0_lut": Variable(
        _LAYERS, "calibration look-up table for gamma0", "1", is_never_zero=True
    ),
    "noise_lut": Variable(_LAYERS, "thermal noise power", "1"),
    "noise_lut_range": Variable(_LAYERS, "thermal noise power, range part", "1"),
    "noise_lut_azi": Variable(_LAYERS, "thermal noise power, azimuth part", "1"),
    "incidence": Variable(
        _CELLS,
        "incidence angle at the ellipsoid",
        "degree",
        "angle_of_incidence",
        is_essential=True,
    ),
    "elevation": Variable(
        _CELLS,
        "elevation angle at the antenna",
        "degree",
        "platform_view_angle",
        is_never_zero=True,
    ),
    "offboresight": Variable(_CELLS, "angle off the antenna's boresight", "degree"),
    "altitude": Variable(
        _CELLS,
        "terrain height used for geolocation",
        "m",
        "height_above_reference_ellipsoid",
    ),
    "ground_heading": Variable(
        _CELLS, "platform heading on the ground, clockwise from north", "degree", "platform_course"
    ),
    "land_mask": Variable(
        _CELLS,
        "land mask: cells whose centre is on land",
        "1",
        "land_binary_mask",
        content="thematicClassification",
        flags=("ocean", "land"),
    ),
    "azimuth_time": Variable(_CELLS, "azimuth (zero-Doppler) time", "", "time"),
    "slant_range_time": Variable(_CELLS, "two-way slant range time", "s", is_never_zero=True),
    "time": Variable(("line",), "azimuth time at mid-range", "", "time", content="coordinate"),
    "velocity": Variable(
        ("line",), "speed of the platform", "m s-1", "platform_speed_wrt_ground", is_never_zero=True
    ),
    "range_ground_spacing": Variable(("sample",), "ground range spacing of pixels", "m"),
    "lineSpacing": Variable((), "size of a cell along track", "m"),
    "sampleSpacing": Variable((), "size of a cell across track", "m"),
    "spatial_ref": Variable((), "reference system and ground control points", is_computed=False),
}


def names(wanted: Callable[[Variable], object] = lambda variable: variable.is_computed) -> tuple:
    """Names of the variables of which something is so: unless said otherwise, those that the
    conversion computes."""
    return tuple(name for name, variable in VARIABLES.items() if wanted(variable))


def table() -> str:
    """The table of docs/product.md, in Markdown."""
    rows = ["| variable | dimensions | what it is | units |", "| --- | --- | --- | --- |"]
    for name, of in VARIABLES.items():
        values = ", ".join(f"{value} {flag}" for value, flag in enumerate(of.flags))
        units = values or ("s" if of.standard_name == "time" else of.units) or "-"
        rows.append(f"| `{name}` | {', '.join(of.dims) or '-'} | {of.long_name} | {units} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
