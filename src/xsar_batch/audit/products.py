"""The audit of a product that is there: of this workflow, or of the old notebook.

The checks are those that a product of this workflow passes before it gets its name
(:mod:`xsar_batch.product.verify`). Positions and labels are compared with the annotation of the
SAFE. Without the SAFE a product can be found to be bad, but not to be right.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from packaging.version import InvalidVersion, Version

from xsar_batch.conversion import outcome
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.user_function import OURS
from xsar_batch.failures import BadProduct, BadSafe, Unsupported
from xsar_batch.product import verify
from xsar_batch.product.variables import names
from xsar_batch.sentinel1 import annotation, files
from xsar_batch.sentinel1.annotation import Annotation
from xsar_batch.sentinel1.cell_size import pixels_per_cell
from xsar_batch.sentinel1.product_name import parse, polarisations

#: What may be wrong with a product, in the order in which it is looked for.
KINDS = {
    "unreadable": "no netCDF, cut short, or damaged inside",
    "name": "its name is that of another SAFE",
    "incomplete": "variables, polarisations or parts of the file are missing",
    "empty": "variables that are all NaN or all zero",
    "positions": "positions or incidence are wrong",
    "labels": "cells are of other pixels than they say",
    "version": "made by an older version than asked for",
}

#: The reader of xsar notes in a comment which resolution it was asked for. Only with whole pixels
#: does it average those that its labels name.
_ASKED_FOR = re.compile(r'resampled at "(.+?)" with ')
_WHOLE_PIXELS = re.compile(r"\{'line': \d+, 'sample': \d+\}")


#: What tells a file from one that takes its name later: inode, bytes, time of its last write in ns.
Identity = tuple[int, int, int]


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one file.

    ``state`` is ``well``, ``bad`` (to be made again, for the reason ``kind`` and ``cause``),
    ``other`` (no product of Sentinel-1) or ``unknown`` (it could not be read, or its SAFE is not
    at hand). ``identity`` is that of the file when its reading began.
    """

    path: Path
    state: str
    identity: Identity | None = None
    kind: str = ""
    cause: str = ""
    safe: str = ""
    made_by: str = ""


class _Bad(Exception):
    """Kind and cause."""


@contextmanager
def _judged(kind: str) -> Iterator[None]:
    try:
        yield
    except BadProduct as error:
        raise _Bad(kind, str(error)) from None


def check(
    path: Path,
    safes: Callable[[str], str | None] = lambda name: None,
    at_least: Mapping[str, str] | None = None,
) -> Verdict | None:
    """Check one file; None if it is not there any more.

    Parameters
    ----------
    path
        The file.
    safes
        Path of the SAFE of that name (without ``.SAFE``), or None. Failing that, the path is tried
        that the record beside the product has, or the product itself if the notebook made it.
    at_least
        Package (``xsar``, ``xsar_batch``, …) -> the oldest version that will do.
    """
    in_name = path.stem if parse(path.stem) else ""
    try:
        seen = identity(path)
        path.open("rb").close()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Verdict(path, "unknown", cause=f"cannot be read: {error.strerror or error}")
    try:
        # All values: HDF5 compares checksums of compressed ones when they are read.
        ds = xr.load_dataset(path, engine="netcdf4", decode_times=False)
    except Exception as error:
        # The libraries have no end of words for damage, and of types.
        if not path.exists():
            return None
        text = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
        cause = f"damaged: {text}"
        # Without anything inside, only the name can say that this is one of ours.
        if not in_name:
            return Verdict(path, "other", cause=cause)
        return Verdict(path, "bad", seen, "unreadable", cause, in_name)
    in_file = _safe_name(ds)
    if not (in_name or in_file):
        return Verdict(path, "other", cause="it names no SAFE of Sentinel-1")
    known = {"safe": in_file or in_name, "made_by": _made_by(ds)}
    try:
        if in_name and in_file and in_name != in_file:
            raise _Bad("name", f"this is a product of {in_file}")
        image = _image(known["safe"], (safes(known["safe"]), *_noted(path, known["safe"], ds)))
        _check(ds, known, image)
        _check_versions(ds, at_least or {})
    except _Bad as bad:
        kind, cause = bad.args
        return Verdict(path, "bad", seen, kind, cause, **known)
    if image is None:
        cause = "its SAFE was not found, so positions were not checked; say where: --safes FOLDER"
        return Verdict(path, "unknown", seen, cause=cause, **known)
    return Verdict(path, "well", seen, **known)


def identity(path: Path) -> Identity:
    """Of the file that has this name now."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _safe_name(ds: xr.Dataset) -> str:
    """Name of the SAFE that the attributes name (xsar's ``safe``), if it is one of Sentinel-1."""
    name = str(ds.attrs.get("safe", "")).removesuffix(".SAFE")
    return name if parse(name) else ""


def _made_by(ds: xr.Dataset) -> str:
    """``xsar-batch``, the function of a user, or ``notebook`` for what has no provenance."""
    function = str(ds.attrs.get("function", ""))
    return {"": "notebook", OURS: "xsar-batch"}.get(function, function)


def _noted(path: Path, name: str, ds: xr.Dataset) -> Iterator[str | None]:
    """Where the SAFE was when the product was made."""
    yield (outcome.read(Layout(path.parent).outcome(name)) or {}).get("safe")
    noted = re.fullmatch(r"SENTINEL1_DS:(.*):\w*", str(ds.attrs.get("name", "")))
    yield noted and noted[1]


def _image(name: str, folders: Iterable[str | None]) -> Annotation | None:
    """Annotation of the SAFE, if that is in one of the folders and can be read."""
    for folder in folders:
        if not folder or Path(folder).name.removesuffix(".SAFE") != name:
            continue
        for file in sorted(Path(folder).glob("annotation/*.xml")):
            try:
                shown_as = f"annotation/{file.name}"
                root, _ = files.read_xml(Path(folder), shown_as, "product")
                return annotation.read(root, shown_as)
            except BadSafe:
                # A SAFE that is damaged by now says nothing of its product.
                continue
    return None


def _check(ds: xr.Dataset, known: Mapping[str, str], image: Annotation | None) -> None:
    """All checks but that of versions."""
    is_ours = known["made_by"] == "xsar-batch"
    if is_ours or known["made_by"] == "notebook":
        _check_whole(ds, known["safe"], is_ours)
    else:
        with _judged("empty"):
            verify.check_not_empty(ds)
    if image is None:
        return
    with _judged("positions"):
        verify.check_place(ds, image.grid)
    with _judged("labels"):
        if is_ours:
            _check_labels(ds, image)
        elif known["made_by"] == "notebook":
            _check_drift(ds, image)


def _check_whole(ds: xr.Dataset, safe: str, is_ours: bool) -> None:
    # Which others a product of the notebook has is a matter of xsar's version, and of what it kept.
    wanted = names() if is_ours else names(lambda variable: variable.is_essential)
    fields = parse(safe)
    assert fields is not None, "what made it is told by the name of its SAFE"
    with _judged("incomplete"):
        verify.check_complete(ds, wanted, list(polarisations(fields["polarisation"])))
    empty = verify.without_values(ds, [name for name in names() if name in ds.variables])
    if empty:
        more = f", and {len(empty) - 1} more like it" if len(empty) > 1 else ""
        raise _Bad("empty", empty[0] + more)
    for name in names(lambda variable: variable.is_never_zero):
        zeros = int((ds.variables[name].values == 0).sum()) if name in ds.variables else 0
        if zeros:
            raise _Bad("incomplete", f"{name} is zero in {zeros} cells: a part of the file is gone")


def _check_labels(ds: xr.Dataset, image: Annotation) -> None:
    """Check that ``line`` and ``sample`` are the centres of whole cells."""
    try:
        cell = pixels_per_cell(
            ds.attrs.get("resolution", "0m"), image.line_spacing, image.sample_spacing
        )
    except (Unsupported, ValueError) as error:
        raise BadProduct(f"resolution: {error}") from None
    verify.check_labels(ds, image, cell)


def _check_drift(ds: xr.Dataset, image: Annotation) -> None:
    """Check that ``line`` and ``sample`` name the pixels that were averaged.

    For a resolution in metres plain xsar averages the whole image, but labels the cells as if what
    remains at the far edges had been cut off (:mod:`xsar_batch.xsar_fixes.whole_pixels`). Labels
    and positions agree with each other then: it is sigma0 that is of other pixels.
    """
    noted = (str(variable.attrs.get("comment", "")) for variable in ds.variables.values())
    asked = next((found[1] for text in noted if (found := _ASKED_FOR.search(text))), None)
    is_grid = min(ds["line"].size, ds["sample"].size) > 1
    if asked is None or _WHOLE_PIXELS.fullmatch(asked) or not is_grid:
        return
    drift = []
    for dim, pixels, metres in (
        ("line", image.lines, image.line_spacing),
        ("sample", image.samples, image.sample_spacing),
    ):
        labels = ds[dim].values
        rest = pixels % (labels[1] - labels[0])
        # The rest is shared out among all cells; the last one's centre lies half a cell before.
        drift.append(metres * rest * (1 - 0.5 / labels.size))
    if max(drift) > verify.POSITION_TOLERANCE:
        raise BadProduct(
            f"the farthest cells are of pixels {drift[0]:.0f} m along and {drift[1]:.0f} m "
            f"across track from their labels and positions: xsar was asked for {asked!r}"
        )


def _check_versions(ds: xr.Dataset, at_least: Mapping[str, str]) -> None:
    for package, wanted in at_least.items():
        found = ds.attrs.get(f"{package.replace('-', '_')}_version")
        if found is None:
            raise _Bad("version", f"it does not say by which {package} it was made")
        try:
            is_old = Version(str(found)) < Version(wanted)
        except InvalidVersion:
            is_old = True
        if is_old:
            raise _Bad("version", f"made by {package} {found}, not {wanted} or later")
