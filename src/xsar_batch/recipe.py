"""The recipe: the settings that decide what is in a product.

The recipe of the products in ``output_dir`` is kept in one small file there, whose name holds a
digest of it. Other settings mean another name, so that the file is missing, Snakemake makes it,
and with it every product again. Products older than the file belong to an earlier recipe, also
when a run was killed half-way, when ``.snakemake`` is gone, or when somebody else goes on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import function, publish
from .settings import Settings


def recipe(settings: Settings, land_mask: str) -> dict[str, str]:
    """What a product depends on; not paths, threads and compression: they change no value.

    ``land_mask`` is the identity of the land polygons.
    """
    return {
        "resolution": settings.resolution,
        "function": function.identity(settings.function),
        "land_mask": land_mask,
    }


def digest(of: Mapping[str, Any] | str) -> str:
    """A short name for a recipe, or for anything that JSON can hold."""
    text = json.dumps(of, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class InForce:
    """The recipe in force: its file, its contents, and since when (seconds since 1970)."""

    path: Path
    recipe: dict[str, str]
    since: float


def in_force(folder: Path) -> InForce | None:
    """The recipe that the products were made with, in ``Layout.own``; None if none is known.

    Products that were written earlier than ``since`` belong to another one.
    """
    known = [found for path in folder.glob("recipe-*.json") if (found := read(path))]
    return max(known, key=lambda found: found.since, default=None)


def read(path: Path) -> InForce | None:
    """What a recipe file says; None if it is not there."""
    try:
        contents = json.loads(path.read_text())
        return InForce(path, contents["recipe"], contents["since"])
    except (OSError, ValueError, LookupError):
        return None


def put_in_force(path: Path, contents: Mapping[str, str]) -> None:
    """Write the recipe file: what was made before now under another recipe is outdated.

    Where no recipe was known, products may be there all the same: of a notebook, or because
    somebody tidied up. Those are trusted, so the first recipe is in force since ever.
    """
    known = in_force(path.parent)
    if known and known.path == path:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with publish.published(path) as temporary:
        temporary.touch()
        # By the clock of the file system, which dates the products too.
        since = max(temporary.stat().st_mtime, known.since + 0.001) if known else 0.0
        text = json.dumps({"recipe": dict(contents), "since": since}, indent=2)
        temporary.write_text(text + "\n")


def remove_superseded(folder: Path) -> None:
    """Remove all recipe files but the one in force.

    An old one would be taken for made already as soon as its settings came back. It is not
    :func:`put_in_force` that does this, because the one that is new then may yet go: Snakemake
    removes what an interrupted job has written.
    """
    newest = in_force(folder)
    for path in folder.glob("recipe-*.json"):
        if newest and path != newest.path:
            path.unlink(missing_ok=True)


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Each setting that differs, as ``resolution 1000m -> 500m``."""
    return [
        f"{key} {before.get(key)} -> {now.get(key)}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
