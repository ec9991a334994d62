"""The table of kinds of broken SAFE: what each is, and what may become of it.

A kind is a function on the folder of a SAFE's copy and a seeded random generator. It may return
another path to convert. Modules of kinds register theirs with :func:`kind` or :func:`file_kind`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

from safes import copy_safe, only, seal

Damage = Callable[[Path, random.Random], Path | None]


@dataclass(frozen=True)
class Kind:
    """One kind. ``damage`` breaks; its docstring, or ``text``, says how.

    ``fate``: what may become of it.

    - ``refused``: no product, whatever the seed.
    - ``right``: always a product, with the values of the whole SAFE.
    - ``either``: refused, or a product with the values that its metadata and the whole SAFE's
      pixels make.
    - ``pixels``: refused, or a product with the values that its own pixels make. That a pixel is
      wrong nobody can know who does not read the whole file for its checksum.

    ``sealed``: whether sizes and checksums are put right again afterwards. If not said, with half
    of the seeds.
    """

    name: str
    damage: Damage
    text: str
    fate: str
    sealed: bool | None

    def apply(self, safe: Path, seed: int) -> Path:
        """Break a copy of a SAFE; returns the path to convert."""
        chance = random.Random(f"{self.name} {seed}")
        path = self.damage(safe, chance) or safe
        if self.is_sealed(seed):
            seal(path)
        return path

    def is_sealed(self, seed: int) -> bool:
        return bool(seed % 2 == 0) if self.sealed is None else self.sealed


KINDS: dict[str, Kind] = {}


def kind(fate: str = "refused", sealed: bool | None = None) -> Callable[[Damage], Damage]:
    """Put a function into the table, under its name."""

    def register(damage: Damage) -> Damage:
        name = damage.__name__.replace("_", "-")
        assert name not in KINDS and fate in ("refused", "right", "either", "pixels")
        assert damage.__doc__, name
        KINDS[name] = Kind(name, damage, " ".join(damage.__doc__.split()), fate, sealed)
        return damage

    return register


def file_kind(
    *files: str, fate: str = "refused", sealed: bool | None = None
) -> Callable[[Damage], Damage]:
    """The same for a function that is given one of these `FILES` (any) of either polarisation."""

    def register(damage: Damage) -> Damage:
        @wraps(damage)
        def of_safe(safe: Path, chance: random.Random) -> Path | None:
            return damage(any_file(safe, chance, *files), chance)

        return kind(fate, sealed)(of_safe)

    return register


# -- what kinds of several modules need ------------------------------------------------------

FILES = {
    "manifest": "manifest.safe",
    "annotation": "annotation/*-{}-*.xml",
    "calibration": "annotation/calibration/calibration-*-{}-*.xml",
    "noise": "annotation/calibration/noise-*-{}-*.xml",
    "measurement": "measurement/*-{}-*.tiff",
}
METADATA = ("annotation", "calibration", "noise")


def file_of(safe: Path, kind: str, chance: random.Random) -> Path:
    """The file of that kind, of either polarisation."""
    return only(safe, FILES[kind].format(chance.choice(["vv", "vh"])))


def any_file(safe: Path, chance: random.Random, *kinds: str) -> Path:
    if len(kinds) != 1:
        kinds = (chance.choice(kinds or list(FILES)),)
    return file_of(safe, *kinds, chance)


def safe_of(path: Path) -> Path:
    """The SAFE that a file is in."""
    return next(folder for folder in (path, *path.parents) if folder.suffix == ".SAFE")


def secret(path: Path, name: str = "secret.txt") -> Path:
    """A file outside of the SAFE that nobody may open: see ``safe_cases``."""
    return safe_of(path).parent / "outside" / name


def copy_outside(path: Path) -> Path:
    """A whole copy of the SAFE at the place that nobody may open."""
    safe = safe_of(path)
    return copy_safe(safe, safe.parent / "outside")
