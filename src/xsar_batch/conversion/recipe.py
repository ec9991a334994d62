"""The recipe of an output folder: the settings that decide what is in its products.

It is kept in a small numbered file in the folder. With other settings a run is refused, unless the
user asks for all products to be made again. Then the next number is written: Snakemake runs the
conversions that wait for that file. From the second number on products of two recipes may lie side
by side, and the outcome of each SAFE, or else the product itself, tells what it was made with. The
age of files tells nothing: Snakemake, a copy or a restored backup may change it.
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
class InForce:
    """The recipe of an output folder, and the file it is kept in."""

    path: Path
    recipe: Recipe

    @property
    def is_first(self) -> bool:
        """Whether the folder never had another recipe."""
        return _number(self.path) == 1


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


def of_product(path: Path) -> Recipe | None:
    """The recipe that a product's attributes tell; None where they do not."""
    # Most runs never ask for it, and it takes a while to import.
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            made = {
                "resolution": file.resolution,
                "function": file.function,
                "land_mask": file.land_mask_source,
            }
            return made if file.repairs == "on" else {**made, "repairs": "off"}
    except (OSError, RuntimeError, AttributeError):
        return None


def wants_repairs(of: Mapping[str, str]) -> bool:
    """The setting ``repairs``, as a recipe holds it."""
    return of.get("repairs") != "off"


def digest(of: Any) -> str:
    """A short name for anything that JSON can hold."""
    text = json.dumps(of, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def in_force(folder: Path) -> InForce | None:
    """The recipe of the output folder; None if it has none yet."""
    for path in reversed(_files(folder)):
        try:
            return InForce(path, json.loads(path.read_text()))
        except (OSError, ValueError):
            # Removed meanwhile, or not ours.
            continue
    return None


def next_file(folder: Path) -> Path:
    """The file of the recipe to be put in force next; it is not there yet."""
    # Files that cannot be read count too.
    number = max(map(_number, _files(folder)), default=0) + 1
    return folder / f"recipe-{number:06d}.json"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("recipe-" + 6 * "[0-9]" + ".json"))


def _number(path: Path) -> int:
    return int(path.stem.rsplit("-", 1)[1])


def put_in_force(path: Path, contents: Mapping[str, str]) -> None:
    """Write the recipe file, and remove earlier ones."""
    atomic_write.write_text(path, json.dumps(dict(contents), indent=2) + "\n")
    for earlier in _files(path.parent):
        if earlier.name < path.name:
            earlier.unlink(missing_ok=True)


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Each setting that differs, as ``resolution 1000m -> 500m``."""
    return [
        f"{key} {before.get(key)} -> {now.get(key)}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
