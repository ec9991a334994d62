"""The audit of a product that is there: of this workflow, or of the old notebook.

The checks are those that a product of this workflow passes before it gets its name
(:mod:`xsar_batch.product.verify`). Positions are compared with the annotation of the SAFE. Without
the SAFE a product can be found to be bad, but not to be right.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from packaging.version import InvalidVersion, Version

from xsar_batch.audit import labels
from xsar_batch.conversion import outcome
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.user_function import OURS
from xsar_batch.failures import BadProduct, BadSafe, Unsupported
from xsar_batch.product import read, verify
from xsar_batch.product.variables import names
from xsar_batch.sentinel1 import annotation, files
from xsar_batch.sentinel1.annotation import Annotation
from xsar_batch.sentinel1.cell_size import pixels_per_cell
from xsar_batch.sentinel1.product_name import parse

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

#: Incidence in degrees that some Sentinel-1 mode has (Sentinel-1 Product Definition,
#: S1-RS-MDA-52-7440: stripmap 18.3 to 46.8, IW 29.1 to 46.0, EW 18.9 to 47.0), with a margin.
INCIDENCE = (15.0, 50.0)

POLARISATIONS = {"SV": ["VV"], "SH": ["HH"], "DV": ["VV", "VH"], "DH": ["HH", "HV"]}


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
        ds = read.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Verdict(path, "unknown", cause=f"cannot be read: {error.strerror or error}")
    except read.Unreadable as error:
        # Without anything inside, only the name can say that this is one of ours.
        if not in_name:
            return Verdict(path, "other", cause=str(error))
        return Verdict(path, "bad", seen, "unreadable", str(error), in_name)
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
    if known["made_by"] not in ("xsar-batch", "notebook"):
        with _judged("empty"):
            verify.check_not_empty(ds)
        _check_place(ds, image)
        return
    is_ours = known["made_by"] == "xsar-batch"
    # Which others a product of the notebook has is a matter of xsar's version, and of what it kept.
    wanted = names() if is_ours else names(lambda variable: variable.is_essential)
    fields = parse(known["safe"])
    assert fields is not None, "what made it is told by the name of its SAFE"
    pols = fields["polarisation"]
    with _judged("incomplete"):
        verify.check_complete(ds, wanted, POLARISATIONS.get(pols, [pols]))
    there = [name for name in names() if name in ds.variables]
    empty = verify.without_values(ds, there)
    if empty:
        more = f", and {len(empty) - 1} more like it" if len(empty) > 1 else ""
        raise _Bad("empty", empty[0] + more)
    for name in names(lambda variable: variable.is_never_zero):
        zeros = int((ds.variables[name].values == 0).sum()) if name in ds.variables else 0
        if zeros:
            raise _Bad("incomplete", f"{name} is zero in {zeros} cells: a part of the file is gone")
    _check_place(ds, image)
    _check_labels(ds, image, is_ours)


def _check_place(ds: xr.Dataset, image: Annotation | None) -> None:
    """Check positions and incidence."""
    with _judged("positions"):
        _check_distinct(ds)
        if "incidence" in ds.variables:
            verify.check_incidence(ds["incidence"], *INCIDENCE)
        if image is not None and {"longitude", "latitude"} <= set(ds.variables):
            verify.check_place(ds, image.grid)


def _check_distinct(ds: xr.Dataset) -> None:
    """Check that quantities are not one and the same array: with dask 2025.9 and later plain xsar
    mixes them up (umr-lops/xsar#261)."""
    distinct = names(lambda variable: variable.is_like_no_other)
    there = [n for n in distinct if n in ds.variables and ds.variables[n].size > 1]
    for alike in _groups(there, lambda name: np.diagonal(np.atleast_2d(ds[name].values)).tobytes()):
        # The diagonal tells different quantities apart at a hundredth of the cost.
        for same in _groups(alike, lambda name: ds[name].values.tobytes()):
            raise BadProduct(
                f"{', '.join(same[:-1])} and {same[-1]} hold the same values "
                "(umr-lops/xsar#261: plain xsar with dask 2025.9 or later)"
            )


def _groups(names: list[str], key: Callable[[str], bytes]) -> list[list[str]]:
    """Names of the same key, where there is more than one of it."""
    groups: dict[bytes, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _check_labels(ds: xr.Dataset, image: Annotation | None, is_ours: bool) -> None:
    """Check that ``line`` and ``sample`` name the pixels that were averaged."""
    with _judged("labels"):
        labels.cell(ds)
        if image is None:
            return
        if is_ours:
            try:
                cell = pixels_per_cell(
                    ds.attrs.get("resolution", "0m"), image.line_spacing, image.sample_spacing
                )
            except (Unsupported, ValueError) as error:
                raise BadProduct(f"resolution: {error}") from None
            verify.check_labels(ds, image, cell)
        labels.check_drift(ds, image.lines, image.samples)


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
