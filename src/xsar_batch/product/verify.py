"""The check of a product before it is published: whole, not empty, and in the right place."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.interpolate import RegularGridInterpolator

from xsar_batch.failures import BadProduct
from xsar_batch.product import quality_flag
from xsar_batch.product.variables import VARIABLES, names
from xsar_batch.sentinel1.annotation import Annotation, GeolocationGrid
from xsar_batch.sentinel1.cell_size import pixels_per_cell
from xsar_batch.sentinel1.safe import Safe

#: Largest distance, in metres, between a cell's position and the annotation's at its centre.
#: xsar interpolates the same grid the same way, so what is more than rounding is an error.
POSITION_TOLERANCE = 15.0

#: The same for incidence angles, in degrees.
INCIDENCE_TOLERANCE = 0.01

#: Metres of a degree of latitude (mean radius of WGS84, 6,371,008.8 m).
METRES_PER_DEGREE = 111_195.08


def check_file(path: Path, written: xr.Dataset) -> None:
    """Read a file back and compare it, value by value, with what was to be written.

    Raises
    ------
    BadProduct
        It cannot be read, or something in it is missing or differs.
    """
    try:
        with xr.open_dataset(path, engine="netcdf4", cache=False) as read:
            if dict(read.sizes) != dict(written.sizes):
                raise BadProduct(f"dimensions in the file: {dict(read.sizes)}")
            for name, variable in written.variables.items():
                if name not in read.variables:
                    raise BadProduct(f"{name} is not in the file")
                if not _equal(read.variables[name].values, variable.values):
                    raise BadProduct(f"{name} in the file differs from what was written")
    except (OSError, RuntimeError, ValueError) as error:
        raise BadProduct(f"the file cannot be read back: {error}") from error


def check_dataset(
    ds: xr.Dataset, safe: Safe, resolution: str | None, flagged: bool = False
) -> None:
    """Check a computed result against the SAFE.

    With ``resolution`` it must be whole as our own function makes it, with ``flagged`` it must hold
    ``quality_flag``. Without, it is of a user's function: then whatever of it is there is checked,
    and that it is not empty.

    Raises
    ------
    BadProduct
        What is wrong, in one line.
    """
    check_not_empty(ds)
    image = safe.annotations[0]
    if resolution is not None:
        check_complete(ds, names(), safe.polarisations)
        empty = without_values(ds, names())
        if empty:
            raise BadProduct(empty[0])
        if flagged or quality_flag.NAME in ds.variables:
            _check_quality(ds)
        cell = pixels_per_cell(resolution, image.line_spacing, image.sample_spacing)
        check_labels(ds, image, cell)
    check_place(ds, image.grid)


def check_not_empty(ds: xr.Dataset) -> None:
    """Check that there is at least one variable with values."""
    if not ds.data_vars:
        raise BadProduct("the result holds no variables")
    sized = [v for v in ds.data_vars.values() if v.ndim]
    if not sized or not any(v.size for v in sized):
        raise BadProduct(f"the result is empty: dimensions {dict(ds.sizes)}")
    floats = [v for v in sized if v.dtype.kind == "f" and v.size]
    if floats and not any(np.isfinite(v.values).any() for v in floats):
        raise BadProduct("all values of the result are NaN")


def check_complete(ds: xr.Dataset, wanted: Sequence[str], polarisations: Sequence[str]) -> None:
    """Check that variables are there, each with its dimensions.

    Raises
    ------
    BadProduct
        What is missing.
    """
    missing = [name for name in wanted if name not in ds.variables]
    if missing:
        raise BadProduct(f"variables are missing: {', '.join(missing)}")
    for name in wanted:
        if set(ds.variables[name].dims) != set(VARIABLES[name].dims):
            raise BadProduct(f"{name} has dimensions {ds.variables[name].dims}")
    if sorted(ds["pol"].values.tolist()) != sorted(polarisations):
        raise BadProduct(
            f"polarisations are {ds['pol'].values.tolist()}, the SAFE's {polarisations}"
        )


def _check_quality(ds: xr.Dataset) -> None:
    """Whether the flag tells where there is no value."""
    if quality_flag.NAME not in ds.variables:
        raise BadProduct(f"variables are missing: {quality_flag.NAME}")
    flag = ds[quality_flag.NAME]
    meanings = VARIABLES[quality_flag.NAME].flags
    values = np.unique(flag)
    if set(flag.dims) != set(ds["sigma0"].dims) or not set(values) <= set(range(len(meanings))):
        raise BadProduct(f"{quality_flag.NAME} has dimensions {flag.dims}, values {values}")
    for name in quality_flag.MASKED:
        without = [meanings.index(meaning) for meaning in VARIABLES[name].missing_where]
        wrong = int((ds[name].isnull() != flag.isin(without)).sum())
        if wrong:
            raise BadProduct(f"{name} does not agree with {quality_flag.NAME} in {wrong} cells")


def without_values(ds: xr.Dataset, wanted: Sequence[str]) -> list[str]:
    """Those of the variables that are all NaN, or digital numbers that are all zero: in words.

    A polarisation counts for itself.
    """
    found = []
    for name in wanted:
        for pol, layer in _layers(ds, name):
            if layer.dtype.kind in "fM" and not np.isfinite(layer).any():
                found.append(f"{name}{pol} is all NaN")
            elif name == "digital_number" and not (layer > 0).any():
                found.append(f"{name}{pol} is all zero")
    return found


def _layers(ds: xr.Dataset, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Values of a variable, one polarisation after the other, and a word that says which."""
    # Without xarray's indexing, which takes longer than the checks.
    variable = ds.variables[name]
    if "pol" not in variable.dims:
        yield "", variable.values
        return
    layers = np.moveaxis(variable.values, variable.dims.index("pol"), 0)
    for pol, layer in zip(ds["pol"].values, layers, strict=True):
        yield f" {pol}", layer


def check_labels(ds: xr.Dataset, image: Annotation, cell: Mapping[str, int]) -> None:
    """Check that ``line`` and ``sample`` are the centres of all whole cells of ``cell`` pixels, and
    that ``lineSpacing`` and ``sampleSpacing`` are their size in metres."""
    for dim, length, spacing in (
        ("line", image.lines, image.line_spacing),
        ("sample", image.samples, image.sample_spacing),
    ):
        expected = np.arange(length // cell[dim]) * cell[dim] + (cell[dim] - 1) / 2
        if not np.array_equal(ds[dim].values, expected):
            raise BadProduct(
                f"{dim} is not the centre of cells of {cell[dim]} pixels: {ds[dim].size} cells "
                f"up to {ds[dim].values[-1]}, expected {expected.size} up to {expected[-1]}"
            )
        size, metres = ds[f"{dim}Spacing"].item(), cell[dim] * spacing
        if abs(size - metres) > 1e-3:
            raise BadProduct(f"{dim}Spacing is {size:g} m; cells are {metres:g} m")


def check_place(ds: xr.Dataset, grid: GeolocationGrid) -> None:
    """Check positions and incidence, as far as there are any, against the annotation's grid.

    Raises
    ------
    BadProduct
        The largest error, and where it is.
    """
    if {"longitude", "latitude"} <= set(ds.variables):
        _check_positions(ds, grid)
    if "incidence" in ds.variables:
        check_incidence(ds["incidence"], grid.incidence.min(), grid.incidence.max())


def _check_positions(ds: xr.Dataset, grid: GeolocationGrid) -> None:
    longitude, latitude = ds["longitude"], ds["latitude"]
    for variable in (longitude, latitude):
        if not variable.size:
            raise BadProduct(f"{variable.name} is empty: dimensions {dict(ds.sizes)}")
        if not np.isfinite(variable.values).all():
            raise BadProduct(f"{variable.name} has cells without a value")
    if not (_on_pixels(longitude) and _on_pixels(latitude)):
        check_in_footprint(longitude.values, latitude.values, grid.longitude, grid.latitude)
        return
    lines, samples = ds["line"].values, ds["sample"].values
    distance = position_error(
        longitude.transpose("line", "sample").values,
        latitude.transpose("line", "sample").values,
        interpolate(grid, unwrapped(grid.longitude), lines, samples),
        interpolate(grid, grid.latitude, lines, samples),
    )
    worst = np.unravel_index(distance.argmax(), distance.shape)
    if distance[worst] > POSITION_TOLERANCE:
        raise BadProduct(
            f"positions are up to {distance[worst]:.0f} m off the annotation's "
            f"(line {lines[worst[0]]:g}, sample {samples[worst[1]]:g})"
        )


def check_in_footprint(
    longitude: np.ndarray, latitude: np.ndarray, around: np.ndarray, above: np.ndarray
) -> None:
    """Of cells that are not on pixels of the image only the rough place can be told.

    ``around`` and ``above`` are longitudes and latitudes of the footprint, in degrees: at least
    its corners.
    """
    margin = 0.1
    south, north = above.min() - margin, above.max() + margin
    west, east = unwrapped(around).min() - margin, unwrapped(around).max() + margin
    # One after the other: on a regular grid of degrees each has a dimension of its own.
    for name, inside in (
        ("latitudes", (latitude >= south) & (latitude <= north)),
        ("longitudes", (longitude - west) % 360 <= east - west),
    ):
        if not inside.all():
            raise BadProduct(f"{(~inside).sum()} of {inside.size} {name} are outside the footprint")


def check_incidence(incidence: xr.DataArray, lowest: float, highest: float) -> None:
    """Check that incidence, in degrees, has a value everywhere, from ``lowest`` to ``highest``."""
    values = incidence.values
    inside = (values >= lowest - INCIDENCE_TOLERANCE) & (values <= highest + INCIDENCE_TOLERANCE)
    if not inside.all():
        raise BadProduct(
            f"incidence is {np.nanmin(values):.2f} to {np.nanmax(values):.2f} degrees, the swath's "
            f"{lowest:.2f} to {highest:.2f}"
        )


def interpolate(
    grid: GeolocationGrid, values: np.ndarray, lines: np.ndarray, samples: np.ndarray
) -> np.ndarray:
    """Bilinear interpolation of ``values`` (n, m) on the grid: (lines.size, samples.size)."""
    f = RegularGridInterpolator(
        (grid.line, grid.sample), values, bounds_error=False, fill_value=None
    )
    return f(np.stack(np.meshgrid(lines, samples, indexing="ij"), axis=-1))


def unwrapped(longitude: np.ndarray) -> np.ndarray:
    """Longitudes without a jump at 180 degrees, relative to the first."""
    first = longitude.flat[0]
    return first + (longitude - first + 180) % 360 - 180


def position_error(
    longitude: np.ndarray,
    latitude: np.ndarray,
    true_longitude: np.ndarray,
    true_latitude: np.ndarray,
) -> np.ndarray:
    """Distance in metres between positions (degrees) that are close to each other."""
    east = (longitude - true_longitude + 180) % 360 - 180
    east *= np.cos(np.radians(true_latitude))
    return METRES_PER_DEGREE * np.hypot(east, latitude - true_latitude)


def _on_pixels(variable: xr.DataArray) -> bool:
    return set(variable.dims) == {"line", "sample"} and {"line", "sample"} <= set(variable.coords)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    may_be_missing = one.dtype.kind in "fcmM" and other.dtype.kind in "fcmM"
    return np.array_equal(one, other, equal_nan=may_be_missing)
