"""What the name of a SAFE says.

Naming convention: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section 3.4.1::

    S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8.SAFE
    |   |  |    |||  start           stop            orbit  datatake unique
    |   |  |    ||polarisation
    |   |  |    |class
    |   |  |    level
    |   |  product type and resolution
    |   mode
    mission

The Copernicus Data Space also has GRD products whose pixels it packed into cloud optimised GeoTIFF:
their names end in ``_COG.SAFE``.
"""

import re

#: Modes in names that are beams of stripmap.
STRIPMAP = ("S1", "S2", "S3", "S4", "S5", "S6")

SAFE_NAME = re.compile(
    r"(?P<mission>S1[A-Z])_(?P<mode>IW|EW|WV|EN|IM|S[1-6]|N[1-6])_"
    r"(?P<product_type>GRD[FHM]|SLC_|OCN_|RAW_|GRD_)_"
    r"(?P<level>[012])(?P<product_class>[A-Z])(?P<polarisation>[SD][HV]|HH|HV|VV|VH)_"
    r"(?P<start>\d{8}T\d{6})_(?P<stop>\d{8}T\d{6})_"
    r"(?P<orbit>\d{6})_(?P<datatake>[0-9A-F]{6})_(?P<unique_id>[0-9A-F]{4})"
    r"(?:_COG)?"
)

_POLARISATIONS = {"SV": ("VV",), "SH": ("HH",), "DV": ("VV", "VH"), "DH": ("HH", "HV")}

#: Columns of the catalogue that come from the name.
FIELDS = tuple(SAFE_NAME.groupindex)


def is_cog(name: str) -> bool:
    """Whether pixels were packed into cloud optimised GeoTIFF, by the SAFE's name."""
    return name.endswith("_COG")


def parse(name: str) -> dict[str, str] | None:
    """Fields of a SAFE's name (without ``.SAFE``), or None where it is not one of Sentinel-1."""
    match = SAFE_NAME.fullmatch(name)
    return match.groupdict() if match else None


def polarisations(code: str) -> tuple[str, ...]:
    """Polarisations that the two letters in a SAFE's name stand for."""
    return _POLARISATIONS.get(code, (code,))
