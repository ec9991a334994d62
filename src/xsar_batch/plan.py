"""The plan of a run: what the Snakefile needs to know, worked out once in the main process."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from . import catalogue_file, publish, recipe
from .failures import ConfigError
from .layout import Layout
from .settings import Settings

# pandas and the listing of the archive are for the main process: see `Plan.of_main_process`.


@dataclass
class Plan:
    """Settings, places and, in the main process, the SAFEs that are to be converted."""

    settings: Settings
    layout: Layout
    recipe: dict[str, str]
    catalogue: Any = None
    pending: tuple[str, ...] = ()
    outdated: int = 0
    started: str = ""

    @classmethod
    def of_job(cls, config: Mapping[str, Any]) -> "Plan":
        """The plan as a job sees it: the main process has checked the settings and listed all.

        The recipe is the one in force, not one worked out again: a function file that is edited
        during a run must not lead half of its jobs to another recipe.
        """
        settings = Settings.from_config(config)
        layout = Layout(settings.output_dir)
        known = recipe.in_force(layout)
        return cls(settings, layout, known[1] if known else _recipe(settings))

    @classmethod
    def of_main_process(cls, config: Mapping[str, Any], schema: Path) -> "Plan":
        """Check the settings, list the archive, and tell done from pending.

        Raises
        ------
        ConfigError, LandMaskError
            Before anything was written.
        """
        from . import catalogue

        settings = Settings.from_config(config, schema)
        plan = cls(settings, Layout(settings.output_dir), _recipe(settings))
        plan.catalogue = catalogue.read(settings.safes, settings.select, settings.duplicates)
        done = plan._done()
        plan.pending = tuple(name for name in plan.catalogue.safes.index if name not in done)
        return plan

    def products(self, everything: bool = False) -> list[Path]:
        """Products to make: those that are pending, or ``everything`` that is selected."""
        if everything and self.catalogue is not None:
            self.pending = tuple(self.catalogue.safes.index)
        return [self.layout.product(name) for name in self.pending]

    def prepare(self) -> None:
        """Before the first job: make the folders, clear what was killed, write the catalogue.

        Raises
        ------
        ConfigError
            ``output_dir`` cannot be written.
        """
        self.started = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        try:
            for folder in (self.layout.own, self.layout.output_dir / "logs"):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (
                self.layout.output_dir,
                self.layout.output_dir / "logs",
                self.layout.own,
            ):
                publish.remove_stale(folder)
            catalogue_file.write(self.catalogue_file, self.paths)
        except OSError as error:
            raise ConfigError(
                f"output_dir: cannot write to {self.layout.output_dir}: {error.strerror}\n"
                "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"
            ) from None

    def _done(self) -> set[str]:
        """Names with a product that was made with the recipe in force."""
        try:
            with os.scandir(self.layout.output_dir) as entries:
                made = {
                    entry.name[:-3]: entry.stat().st_mtime
                    for entry in entries
                    if entry.name.endswith(".nc") and not entry.name.startswith(".")
                }
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise ConfigError(
                f"output_dir: cannot list {self.layout.output_dir}: {error.strerror}\n"
                "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"
            ) from None
        known = recipe.in_force(self.layout)
        if known is None:
            return set(made)
        path, before = known
        oldest = path.stat().st_mtime if before == self.recipe else float("inf")
        done = {name for name, time in made.items() if time >= oldest}
        self.outdated = sum(name in made for name in self.catalogue.safes.index) - sum(
            name in done for name in self.catalogue.safes.index
        )
        return done

    @cached_property
    def paths(self) -> dict[str, str]:
        """SAFE name -> path, of all that are selected."""
        return dict(zip(self.catalogue.safes.index, self.catalogue.safes["path"], strict=True))

    # -- files -------------------------------------------------------------------------------

    @property
    def recipe_file(self) -> Path:
        """Input of every conversion: a new one makes all products outdated."""
        return self.layout.recipe(recipe.digest(self.recipe))

    @property
    def land_mask_file(self) -> Path:
        """Input of every conversion."""
        return self.layout.land_mask(recipe.digest(self.recipe["land_mask"]))

    @property
    def catalogue_file(self) -> Path:
        """Named after the settings that lead to it, so that a job finds it without listing."""
        wanted = [self.settings.safes, self.settings.select, self.settings.duplicates]
        return self.layout.catalogue(recipe.digest(wanted))

    def safe(self, name: str) -> str:
        """Path of a SAFE. A name nobody listed gives the name itself, which is then not there."""
        if self.catalogue is None:
            return catalogue_file.find(self.catalogue_file, name) or f"{name}.SAFE"
        return self.paths.get(name, f"{name}.SAFE")


def _recipe(settings: Settings) -> dict[str, str]:
    from . import land_mask

    return recipe.recipe(settings, land_mask.identity(settings.land_mask))
