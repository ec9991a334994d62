"""The recipe: the settings that decide what is in a product.

Each recipe that was ever in force for an ``output_dir`` is kept in a small numbered file there.
The one with the highest number is in force. As long as there was only one, every product that is
there was made with it. Afterwards the outcome of each SAFE tells what its product was made with:
not the age of files, which Snakemake, a copy or a restored backup may change. A product without
an outcome was there before the first run, and counts as made with the first recipe.

A new number also is what makes Snakemake run the conversions of outdated products: they wait for
that file, and it is not there yet.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xsar_batch.conversion import user_function
from xsar_batch.system import atomic_write

Recipe = dict[str, str]


@dataclass(frozen=True)
class Numbered:
    """A recipe and the file it is kept in."""

    path: Path
    recipe: Recipe


def recipe(resolution: str, function_: str, land_mask: str, repairs: bool = True) -> Recipe:
    """What a product depends on; not paths, threads and compression: they change no value.

    ``land_mask`` is the identity of the land polygons.
    """
    made = {
        "resolution": resolution,
        "function": user_function.identity(function_),
        "land_mask": land_mask,
    }
    return made if repairs else {**made, "repairs": "off"}


def wants_repairs(of: Mapping[str, str]) -> bool:
    """The setting ``repairs``, as a recipe holds it."""
    return of.get("repairs") != "off"


def digest(of: Any) -> str:
    """A short name for anything that JSON can hold."""
    text = json.dumps(of, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def all_of(folder: Path) -> list[Numbered]:
    """The recipes that were ever in force, the one that is now last."""
    found = []
    for path in _files(folder):
        try:
            found.append(Numbered(path, json.loads(path.read_text())))
        except (OSError, ValueError):
            # Removed meanwhile, or not ours.
            continue
    return found


def next_file(folder: Path) -> Path:
    """The file of the recipe to be put in force next."""
    # Those that cannot be read count too: the file must not be there yet.
    numbers = [int(path.stem.rsplit("-", 1)[1]) for path in _files(folder)]
    return folder / f"recipe-{max(numbers, default=0) + 1:06d}.json"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("recipe-" + 6 * "[0-9]" + ".json"))


def put_in_force(path: Path, contents: Mapping[str, str]) -> None:
    """Write the recipe file; all earlier ones stay."""
    atomic_write.write_text(path, json.dumps(dict(contents), indent=2) + "\n")


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Each setting that differs, as ``resolution 1000m -> 500m``."""
    return [
        f"{key} {before.get(key)} -> {now.get(key)}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
