"""What a quicklook shows of a Dataset: sigma0 in dB, land and no data, turned north up."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from xsar_batch.product.verify import METRES_PER_DEGREE

#: Cells along the longer side of a panel that are shown one by one; of more, means are shown.
MOST_CELLS = 1000

#: Linear sigma0 that stands for all below it. With the noise removed, that of a dark sea may be
#: negative: still data, and darkest.
_SMALLEST = 1e-9


class NoQuicklook(Exception):
    """Nothing in this Dataset can be shown; the text says why."""


@dataclass(frozen=True)
class Panel:
    """One polarisation: sigma0 in dB, shape (rows, columns) of the scene; NaN is no data."""

    pol: str
    db: np.ndarray

    @property
    def is_cross(self) -> bool:
        """Whether transmitted and received polarisations differ."""
        return self.pol[0] != self.pol[1]


@dataclass(frozen=True)
class View:
    """How an array (line, sample) is turned so that north is up, as nearly as an array can be.

    Lines are flipped where the picture would be mirrored, then ``turns`` quarter turns are made,
    counter-clockwise. What is left is ``north``: degrees clockwise from straight up to true north,
    at the centre, within -45 to 45. ``metres`` is the distance from one sample's cell to the next.
    """

    is_flipped: bool
    turns: int
    north: float
    metres: float

    @classmethod
    def of(cls, longitude: np.ndarray, latitude: np.ndarray) -> "View":
        """The view for positions in degrees, shape (lines, samples), at least 2 x 2."""
        i, j = (size // 2 for size in longitude.shape)

        def step(k: int, m: int) -> complex:
            """From that cell to the one at the centre: degrees on a sphere, east + north * 1j."""
            east = (longitude[i, j] - longitude[k, m] + 180) % 360 - 180
            return complex(
                east * np.cos(np.radians(latitude[i, j])), latitude[i, j] - latitude[k, m]
            )

        right, up = step(i, j - 1), -step(i - 1, j)
        # Seen from above, up lies counter-clockwise of right.
        is_flipped = (up * right.conjugate()).imag < 0
        if is_flipped:
            up = -up
        if not abs(up) > 0 < abs(right):
            raise NoQuicklook("positions do not tell where north is")
        # Up becomes 1j, and so the rest turns with it.
        north = np.degrees(np.angle(1j * 1j / up)) - 90
        turns = round(-north / 90)
        left = (north + 90 * turns + 180) % 360 - 180
        return cls(is_flipped, turns % 4, float(-left), float(abs(right) * METRES_PER_DEGREE))

    def turned(self, values: np.ndarray) -> np.ndarray:
        """An array (line, sample) as it is shown, (row, column), without a copy."""
        return np.rot90(values[::-1] if self.is_flipped else values, self.turns)


@dataclass(frozen=True)
class Scene:
    """All that a quicklook shows. Arrays are turned already, and have the same shape.

    ``land`` is None where the Dataset has no land mask; ``metres`` is the size of a cell as shown;
    ``centre`` is longitude and latitude in degrees.
    """

    name: str
    panels: list[Panel]  # co-polarised first
    land: np.ndarray | None
    north: float
    metres: float
    centre: tuple[float, float]

    @classmethod
    def of(cls, ds: xr.Dataset, name: str) -> "Scene":
        """Take from a computed Dataset of the SAFE ``name`` what is shown.

        Raises
        ------
        NoQuicklook
            It has no sigma0 or no positions, or they have other dimensions than xsar's.
        """
        longitude, latitude = (_on_grid(ds, key) for key in ("longitude", "latitude"))
        if min(longitude.shape) < 2:
            raise NoQuicklook(f"{longitude.shape[0]} x {longitude.shape[1]} cells are too few")
        view = View.of(longitude, latitude)
        step = -(-max(longitude.shape) // MOST_CELLS)
        panels = [
            Panel(pol, view.turned(_decibels(means(values, digital_number, step))))
            for pol, values, digital_number in _polarisations(ds)
        ]
        land = None
        if "land_mask" in ds.variables:
            mask = _on_grid(ds, "land_mask")
            # Of a block, what most of it is.
            land = view.turned(means(mask, None, step) >= 0.5)
        middle = tuple(size // 2 for size in longitude.shape)
        return cls(
            name=name,
            panels=sorted(panels, key=lambda panel: panel.is_cross),
            land=land,
            north=view.north,
            metres=view.metres * step,
            centre=(float(longitude[middle]), float(latitude[middle])),
        )


def means(values: np.ndarray, digital_number: np.ndarray | None, step: int) -> np.ndarray:
    """Mean of blocks of ``step`` x ``step`` cells that hold data; NaN where none of them does.

    No data is NaN, or a ``digital_number`` of 0. Cells at the far edges that fill no block are left
    out. A block's cells are taken one after the other: no copy of all cells is made.
    """
    rows, columns = (size // step for size in values.shape)
    total, count = np.zeros((rows, columns)), np.zeros((rows, columns), "int32")
    for i in range(step):
        for j in range(step):
            cells = slice(i, rows * step, step), slice(j, columns * step, step)
            has_data = np.isfinite(values[cells])
            if digital_number is not None:
                has_data &= digital_number[cells] != 0
            np.add(total, values[cells], out=total, where=has_data)
            count += has_data
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _decibels(linear: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(linear, _SMALLEST))


def _on_grid(ds: xr.Dataset, name: str) -> np.ndarray:
    """Values of a variable, (line, sample)."""
    return _values(ds, name, "line", "sample")


def _values(ds: xr.Dataset, name: str, *dims: Hashable) -> np.ndarray:
    """Values of a variable with just these dimensions."""
    if name not in ds.variables:
        raise NoQuicklook(f"the result holds no {name}")
    # Not ds[name]: a DataArray with its coordinates takes longer to make than these cells to draw.
    variable = ds.variables[name]
    if set(variable.dims) != set(dims):
        raise NoQuicklook(
            f"{name} has dimensions {variable.dims}, not {' and '.join(map(str, dims))}"
        )
    return variable.transpose(*dims).values


def _polarisations(ds: xr.Dataset) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Each polarisation's name, linear sigma0 and, where it is there, digital number."""
    if "pol" not in ds.variables:
        raise NoQuicklook("the result does not say of which polarisation sigma0 is")
    dims = (*ds.variables["pol"].dims, "line", "sample")
    names = np.atleast_1d(ds.variables["pol"].values)
    shape = (len(names), ds.sizes["line"], ds.sizes["sample"])
    sigma0 = _values(ds, "sigma0", *dims).reshape(shape)
    has_counts = "digital_number" in ds.variables
    counts = _values(ds, "digital_number", *dims).reshape(shape) if has_counts else None
    for number, name in enumerate(names):
        pol = str(name).upper()
        if len(pol) != 2 or not set(pol) <= {"H", "V"}:
            raise NoQuicklook(f"{pol} is no polarisation")
        yield pol, sigma0[number], None if counts is None else counts[number]
