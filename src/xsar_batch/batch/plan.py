"""The plan of a run: what the Snakefile needs to know, worked out once in the main process."""

import gc
import inspect
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xsar_batch.batch import status
from xsar_batch.batch.pending import ANOTHER_FOLDER, Done, tell
from xsar_batch.batch.settings import Settings
from xsar_batch.conversion import forkserver, modules
from xsar_batch.conversion import recipe as recipes
from xsar_batch.conversion.forkserver import client
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.recipe import Recipe
from xsar_batch.conversion.user_function import OURS
from xsar_batch.failures import ConfigError
from xsar_batch.landmask import polygons
from xsar_batch.sentinel1 import cell_size
from xsar_batch.system import module_file

if TYPE_CHECKING:
    # pandas and the listing of the archive are for the main process alone.
    from xsar_batch.batch.catalogue import Catalogue


@dataclass
class Plan:
    """Settings, places and, in the main process, the SAFEs that are to be converted."""

    settings: Settings
    layout: Layout
    run_file: Path
    recipe: Recipe = field(default_factory=dict)
    # Only a job has none, and asks for none.
    catalogue: "Catalogue" = None  # type: ignore[assignment]
    done: Done = field(default_factory=Done)

    @classmethod
    def of_job(cls, config: Mapping[str, Any]) -> "Plan":
        """The plan as a job's Snakemake needs it: places, and nothing of archive or recipe.

        All else a job finds in its run file, as the main process left it there.
        """
        settings = Settings.from_config(config, in_job=True)
        layout = Layout(settings.output_dir)
        forkserver.announce(settings.warm)
        modules.check()
        return cls(settings, layout, layout.run(recipes.digest(config)))

    @classmethod
    def of_main_process(cls, config: Mapping[str, Any], schema: Path) -> "Plan":
        """Check the settings, list the archive, and tell done from pending. Nothing is written.

        Raises
        ------
        ConfigError, LandMaskError
            Something in the settings is wrong, or what they name is not there.
        """
        from xsar_batch.batch import catalogue

        # Snakemake makes dozens of objects a job that live to the end. At Python's default, looking
        # through all of them for garbage, over and over, took a fifth of planning 20,000 jobs.
        gc.set_threshold(200_000, 50, 100)

        settings = Settings.from_config(config, schema)
        layout = Layout(settings.output_dir)
        layout.check()
        land = polygons.identity(settings.land_mask)
        recipe = recipes.recipe(settings.resolution, settings.function, land, settings.repairs)
        found = catalogue.read(
            settings.safes, settings.select, settings.duplicates, settings.exclude
        )
        if settings.function == OURS:
            kinds = found.safes[["mode", "product_type"]].drop_duplicates()
            cell_size.check(settings.resolution, list(kinds.itertuples(index=False, name=None)))
        is_done = tell(found.safes.index, layout, recipe, settings.remake)
        if "state" in settings.select:
            is_done.keep(status.in_state(is_done.pending, settings.select["state"], layout))
            found.keep(is_done.pending)
        run_file = layout.run(recipes.digest(config))
        forkserver.announce(settings.warm)
        return cls(settings, layout, run_file, recipe, found, is_done)

    def warm_up(self) -> None:
        """Import xsar now, for the conversions to come, while this Snakemake still makes up its
        mind: on a parallel file system either takes a minute."""
        client.start(self.settings.threads)

    def begin_at_once(self, is_local: bool) -> None:
        """In the main process, as soon as it knows that there is something to convert: here, or
        elsewhere."""
        if not self.done.pending:
            return
        modules.announce(is_made=not is_local)
        if is_local:
            self.warm_up()

    def check_output_dir(self) -> None:
        """Check, before anything is made, that products can be written.

        Raises
        ------
        ConfigError
            The folder, or that in which it would be made, cannot be written.
        """
        place = self.layout.output_dir.absolute()
        while not place.exists():
            place = place.parent
        if self.done.pending and not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            why = "Permission denied" if place.is_dir() else "Not a directory"
            raise ConfigError(f"output_dir: cannot write to {place}: {why}\n{ANOTHER_FOLDER}")

    def products(self, everything: bool = False) -> list[str]:
        """Products to make: those that are pending, or ``everything`` that is selected."""
        if self.catalogue is None:
            return []
        # 100,000 of them: text costs a tenth of Path objects.
        folder = os.fspath(self.layout.output_dir)
        names = self.catalogue.safes.index if everything else self.done.pending
        return [f"{folder}/{name}.nc" for name in names]

    @cached_property
    def recipe_file(self) -> Path:
        """The recipe in force, or the one to be put in force: a file that is not there yet.

        Settled once, since as soon as the file is there, the next one would be meant.
        """
        known = recipes.in_force(self.layout.internal)
        if known and known.recipe == self.recipe and not self.done.outdated:
            return known.path
        return recipes.next_file(self.layout.internal)

    @property
    def land_mask_file(self) -> Path:
        """Every conversion reads it."""
        return self.layout.land_mask(recipes.digest(self.recipe.get("land_mask")))

    # Snakemake looks for the rule behind every input of every job. Conversions therefore wait for
    # one file, which waits for the other. It stays their input once it is there: a job whose inputs
    # differ is another job to Snakemake, and a PBS job of a killed run is taken over only if it
    # does the same.

    @cached_property
    def inputs_of_conversions(self) -> list[Any]:
        """What must be made before the first conversion."""
        if self.catalogue is None:
            return []
        if not self.recipe_file.exists():
            return [self.recipe_file]
        # Only the Snakefile asks, where Snakemake is loaded anyway.
        from snakemake.io import ancient

        # A product that is older than the recipe, as after a restore, is not made again for that.
        known = ancient(os.fspath(self.recipe_file))
        return [known] if self.land_mask_file.exists() else [known, self.land_mask_file]

    @property
    def inputs_of_recipe(self) -> list[Any]:
        """The land mask. It stays the recipe's input once it is there: otherwise Snakemake, without
        a profile, takes the recipe for outdated, and makes that instead of products."""
        from snakemake.io import ancient

        return [ancient(os.fspath(self.land_mask_file))]

    def command(self, script: Path) -> str:
        """Shell command of a conversion, but for threads and name."""
        # A command must be the same in each run that does the same, with a module file or without.
        starter = f'${{{module_file.VARIABLE}:+-S "${module_file.VARIABLE}"}}'
        words = shlex.join([os.fspath(script), "--run", os.fspath(self.run_file)])
        return _braced(f"{shlex.quote(sys.executable)} {starter} {words}")

    # By `shell`, like all rules: Snakemake's `script` does not quote the path of Python.

    def recipe_command(self, script: Path) -> str:
        """Shell command that puts the recipe in force."""
        return _shell(script, os.fspath(self.recipe_file), json.dumps(self.recipe))

    def land_mask_command(self, script: Path) -> str:
        """Shell command that makes the land mask, but for its log."""
        source = self.settings.land_mask
        given = () if source is None else (f"--source={source}",)
        return _shell(script, os.fspath(self.land_mask_file), *given)

    def audit_command(self, script: Path) -> str:
        """Shell command that checks the products that are there."""
        places = (f"--safes={place}" for place in self.settings.safes)
        return _shell(script, os.fspath(self.layout.output_dir), *places)


def script_command(script: Path, config: Mapping[str, Any], *words: str) -> str:
    """Shell command of a script that wants to know the settings."""
    return _shell(script, *words, "--settings", json.dumps(config, default=str))


def _shell(script: Path, *words: str) -> str:
    """Shell command of a script."""
    return _braced(shlex.join([sys.executable, os.fspath(script), *words]))


def _braced(command: str) -> str:
    """Its braces mean themselves, not Snakemake's wildcards."""
    return command.replace("{", "{{").replace("}", "}}")


def per_attempt(amount: int) -> Callable[..., int]:
    """A resource of a rule: ``amount`` at the first attempt, twice that at the second, …"""

    def asked(wildcards: object, attempt: int) -> int:
        return amount * attempt

    # Snakemake looks at the signature three times for each job and resource: a tenth of planning
    # 100,000 jobs, unless it is there already.
    # (Functions may have attributes, which mypy does not know.)
    asked.__signature__ = inspect.signature(asked)  # type: ignore[attr-defined]
    return asked
