"""Telling done from pending: which products are there, and whether they are of today's settings."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xsar_batch.conversion import outcome
from xsar_batch.conversion import recipe as recipes
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.recipe import Recipe
from xsar_batch.failures import ConfigError


@dataclass
class Done:
    """What is done and what is not, of the names asked for.

    ``there`` are the names of all products, whatever they are of. ``outdated`` are those among
    ``pending`` that have a product of other settings, for the reason ``why``; ``trusted`` says how
    many are taken for done though nobody noted their settings.
    """

    there: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    why: str = ""
    trusted: int = 0


def tell(names: Iterable[str], layout: Layout, recipe: Recipe) -> Done:
    """Tell done from pending.

    Where no recipe is known, products may be there all the same: of a notebook, or because
    somebody tidied up. Those are trusted.
    """
    done = Done(there=products(layout.output_dir))
    known = recipes.all_of(layout.own)
    is_mixed = any(numbered.recipe != recipe for numbered in known)
    for name in names:
        if name not in done.there:
            done.pending.append(name)
        elif is_mixed and made_with(layout.outcome(name), known[0].recipe) != recipe:
            done.pending.append(name)
            done.outdated.append(name)
        elif not known:
            done.trusted += 1
    if done.outdated:
        changes = recipes.changes(known[-1].recipe, recipe)
        done.why = "; ".join(changes) or "the run after the last change did not come that far"
    return done


def made_with(file: Path, first: Recipe) -> Recipe | None:
    """Recipe of the product that belongs to an outcome; None if it was lost in a kill.

    One without an outcome was there before anything was noted: it counts as made with ``first``.
    """
    record = outcome.read(file)
    return first if record is None else record.get("made_with", first)


def products(output_dir: Path) -> set[str]:
    """Names of the products that are there.

    Raises
    ------
    ConfigError
        The folder cannot be listed.
    """
    try:
        with os.scandir(output_dir) as entries:
            return {entry.name[:-3] for entry in entries if _is_product(entry)}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise ConfigError(
            f"output_dir: cannot list {output_dir}: {error.strerror}\n"
            "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"
        ) from None


def _is_product(entry: os.DirEntry) -> bool:
    try:
        return entry.name.endswith(".nc") and entry.is_file() and entry.stat().st_size > 0
    except FileNotFoundError:
        # Removed meanwhile: a run is making it again.
        return False
