"""The recipe: the settings that decide what is in a product.

The recipe of the products in ``output_dir`` is kept in one small file there, whose name holds a
digest of it. Other settings mean another name, so that the file is missing, Snakemake makes it,
and with it every product again. Products older than the file belong to an earlier recipe, also
when a run was killed half-way, when ``.snakemake`` is gone, or when somebody else goes on.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import function, publish
from .layout import Layout
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


def in_force(layout: Layout) -> tuple[Path, dict[str, str]] | None:
    """File and contents of the recipe that the products were made with; None if none is known."""
    files = sorted(layout.own.glob("recipe-*.json"), key=lambda path: path.stat().st_mtime)
    for path in reversed(files):
        try:
            return path, json.loads(path.read_text())
        except (OSError, ValueError):
            continue
    return None


def put_in_force(path: Path, contents: Mapping[str, str]) -> None:
    """Write the recipe file and remove others: what was made before it counts as outdated.

    Where no recipe was known, products may be there all the same: of a notebook, or because
    somebody tidied up. Those are trusted, so the first recipe is older than all of them.
    """
    others = [other for other in path.parent.glob("recipe-*.json") if other != path]
    publish.write_text(path, json.dumps(contents, indent=2) + "\n")
    if not others:
        os.utime(path, (0, 0))
    for other in others:
        other.unlink(missing_ok=True)


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Each setting that differs, as ``resolution 1000m -> 500m``."""
    return [
        f"{key} {before.get(key)} -> {now.get(key)}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
