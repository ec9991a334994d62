"""Reading a netCDF file of which nothing is known, all of it, to find out whether it is whole."""

from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

#: Attributes of variables that anybody asks for here; the others would take longer than values.
ATTRIBUTES = ("comment", "gcps")

_HDF5, _CLASSIC = b"\x89HDF\r\n\x1a\n", b"CDF"


class Unreadable(Exception):
    """The file is damaged, or no netCDF at all; the text says which, in one line."""


def read(path: Path) -> xr.Dataset:
    """Every value of a file, so that damage in the middle shows.

    HDF5 compares only the length of a file with what it should be. Compressed values have a
    checksum, which reading them compares; a hole in those that are not compressed can only be seen
    in the values.

    Times stay numbers; other values are unpacked; what is missing is NaN.

    Raises
    ------
    Unreadable
        It is damaged.
    OSError
        The file cannot be opened for a reason that says nothing of what is in it.
    """
    with path.open("rb") as file:
        _check_head(file.read(64), path.stat().st_size)
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            variables = {name: _variable(variable) for name, variable in file.variables.items()}
            return xr.Dataset(variables, attrs={k: file.getncattr(k) for k in file.ncattrs()})
    except Exception as error:
        # The libraries have no end of words for damage, and of types.
        if not path.exists():
            raise FileNotFoundError(path) from None
        raise Unreadable(f"damaged: {' '.join(str(error).split())}") from error


def _check_head(head: bytes, size: int) -> None:
    """Check that this begins as netCDF does, and has the length that it says itself."""
    if not size:
        raise Unreadable("the file is empty")
    if not head.startswith((_HDF5, _CLASSIC)):
        raise Unreadable("this is no netCDF file")
    # Superblock of HDF5 (file format specification, III.A): where its end-of-file address is.
    at = {0: 40, 1: 44, 2: 28, 3: 28}.get(head[8]) if head.startswith(_HDF5) else None
    if at is not None and len(head) >= at + 8:
        expected = int.from_bytes(head[at : at + 8], "little")
        if size < expected:
            raise Unreadable(f"cut short: {size} of {expected} bytes")


def _variable(variable: netCDF4.Variable) -> xr.Variable:
    has = variable.ncattrs()
    # Float scales are of those who pack values; xsar and this project do not.
    if "scale_factor" in has or "add_offset" in has:
        variable.set_auto_maskandscale(True)
        packed: np.ma.MaskedArray = np.ma.asarray(variable[...], dtype=float)
        values: np.ndarray = packed.filled(np.nan)
    else:
        values = variable[...]
        if values.dtype.kind == "f":
            default = netCDF4.default_fillvals[values.dtype.str[1:]]
            fill = variable.getncattr("_FillValue") if "_FillValue" in has else default
            if not np.isnan(fill):
                values = np.where(values == fill, np.nan, values)
    attributes = {name: variable.getncattr(name) for name in ATTRIBUTES if name in has}
    # Characters have become texts, which are without the last dimension.
    return xr.Variable(variable.dimensions[: values.ndim], values, attributes)
