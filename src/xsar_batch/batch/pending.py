"""Done or pending: which products are there, and whether they were made with today's settings."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xsar_batch.batch import command_line
from xsar_batch.conversion import outcome
from xsar_batch.conversion import recipe as recipes
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.recipe import Recipe
from xsar_batch.failures import ConfigError

#: What to do about an output folder that cannot be read or written.
ANOTHER_FOLDER = "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"


@dataclass
class Done:
    """What is done and what is not, of the names asked for.

    ``there`` are the names of all products. ``outdated`` are those among ``pending`` that have a
    product of other settings, which is made again for the reason ``why``. ``trusted`` says how
    many count as done though nobody noted their settings.
    """

    there: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    why: str = ""
    trusted: int = 0

    def keep(self, names: Iterable[str]) -> None:
        """Ask for no others than these."""
        wanted = set(names)
        self.pending = [name for name in self.pending if name in wanted]
        self.outdated = [name for name in self.outdated if name in wanted]
        self.trusted = 0


def tell(names: Iterable[str], layout: Layout, recipe: Recipe, remake: bool = False) -> Done:
    """Tell done from pending.

    ``remake`` is the setting: products made with another recipe are made again. Where no recipe is
    known, products may be there all the same: of a notebook, or because somebody tidied up. Those
    are trusted.

    Raises
    ------
    ConfigError
        The folder holds products of another recipe, or cannot be listed.
    """
    done = Done(there=products(layout.output_dir))
    known = recipes.in_force(layout.internal)
    before = known.recipe if known else recipe
    if before != recipe and done.there and not remake:
        raise ConfigError(_refusal(layout.output_dir, before, recipe))
    may_be_mixed = known is not None and (before != recipe or not known.is_first)
    for name in names:
        if name not in done.there:
            done.pending.append(name)
        elif may_be_mixed and not _is_made_with(recipe, name, layout):
            done.pending.append(name)
            done.outdated.append(name)
        elif known is None:
            done.trusted += 1
    if done.outdated:
        changes = recipes.changes(before, recipe)
        done.why = "; ".join(changes) or "an earlier run did not come that far"
    return done


def _refusal(output_dir: Path, before: Recipe, now: Recipe) -> str:
    differences = "; ".join(recipes.changes(before, now))
    return (
        f"output_dir: the products in {output_dir} were made with other settings: {differences}\n"
        f"    write another folder:                     output_dir: {output_dir}_2\n"
        "    or make all products in this one again:   "
        + command_line.again(sys.argv[1:], setting="remake=true")
    )


def _is_made_with(recipe: Recipe, name: str, layout: Layout) -> bool:
    """Whether the product that is there was made with ``recipe``: its record tells, and where
    there is none the product itself."""
    made = outcome.of_product(outcome.read(layout.outcome(name)) or {})
    known = made.get("recipe") if made else recipes.of_product(layout.product(name))
    return known == recipe


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
            f"output_dir: cannot list {output_dir}: {error.strerror}\n{ANOTHER_FOLDER}"
        ) from None


def _is_product(entry: os.DirEntry) -> bool:
    try:
        return entry.name.endswith(".nc") and entry.is_file() and entry.stat().st_size > 0
    except FileNotFoundError:
        # Removed meanwhile: a run is making it again.
        return False
