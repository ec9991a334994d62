"""The plan of a run: what the Snakefile needs to know, worked out once in the main process."""

import datetime as dt
import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import land_mask, publish, recipe, run_file
from .failures import ConfigError
from .layout import Layout
from .settings import Settings

if TYPE_CHECKING:
    # pandas and the listing of the archive are for the main process alone.
    from .catalogue import Catalogue

#: Seconds after which the run file of other settings is taken for left over.
FORGOTTEN_AFTER = 30 * 86_400


@dataclass
class Plan:
    """Settings, places and, in the main process, the SAFEs that are to be converted."""

    settings: Settings
    layout: Layout
    recipe: dict[str, str]
    catalogue: "Catalogue | None" = None
    pending: list[str] = field(default_factory=list)
    outdated: int = 0
    changes: list[str] = field(default_factory=list)
    started: str = ""

    @classmethod
    def of_job(cls, config: Mapping[str, Any]) -> "Plan":
        """The plan as a job's Snakemake needs it: where its files are, and nothing of the archive.

        The recipe is the one in force, not one worked out again: a function file that is edited
        during a run must not lead half of its jobs to another recipe.
        """
        settings = Settings.from_config(config)
        layout = Layout(settings.output_dir)
        known = recipe.in_force(layout.own)
        return cls(settings, layout, known.recipe if known else _recipe(settings))

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
        plan._tell_done_from_pending()
        return plan

    def _tell_done_from_pending(self) -> None:
        """Done is a product that was made with the recipe in force, or before any was known."""
        made = _products(self.layout.output_dir)
        recipe.remove_superseded(self.layout.own)
        known = recipe.in_force(self.layout.own)
        since = 0.0 if known is None else known.since
        if known is not None and known.recipe != self.recipe:
            since = float("inf")
            self.changes = recipe.changes(known.recipe, self.recipe)
        for name in self.catalogue.safes.index:
            written = made.get(name)
            if written is None or written < since:
                self.pending.append(name)
                self.outdated += written is not None

    # -- what the rules ask for ----------------------------------------------------------------

    def products(self, everything: bool = False) -> list[str]:
        """Products to make: those that are pending, or ``everything`` that is selected."""
        if everything and self.catalogue is not None:
            self.pending = list(self.catalogue.safes.index)
        # 100,000 of them: text costs a tenth of Path objects.
        folder = os.fspath(self.layout.output_dir)
        return [f"{folder}/{name}.nc" for name in self.pending]

    @property
    def recipe_file(self) -> Path:
        """A new one makes all products outdated."""
        return self.layout.recipe(recipe.digest(self.recipe))

    @property
    def land_mask_file(self) -> Path:
        """Every conversion reads it."""
        return self.layout.land_mask(recipe.digest(self.recipe["land_mask"]))

    @property
    def run_file(self) -> Path:
        """Named after the settings, so that two runs with different ones do not share it."""
        return self.layout.run(recipe.digest(self._known()))

    # Snakemake looks for the rule behind every input of every job. Conversions therefore wait
    # only for what is not there yet, and at first for one file, which waits for the other.

    @property
    def inputs_of_conversions(self) -> list[Path]:
        """What must be made before the first conversion, or makes products outdated."""
        if self.catalogue is None or not self.pending:
            return []
        has_recipe, has_land_mask = self.recipe_file.exists(), self.land_mask_file.exists()
        inputs = [self.recipe_file] if self.outdated or not has_recipe else []
        return inputs + ([self.land_mask_file] if has_recipe and not has_land_mask else [])

    @property
    def inputs_of_recipe(self) -> list[Path]:
        """The land mask, where both are still to be made."""
        missing = not self.recipe_file.exists() and not self.land_mask_file.exists()
        return [self.land_mask_file] if missing else []

    def command(self, script: Path) -> str:
        """Shell command of a conversion, but for threads and name. Braces mean themselves."""
        words = [sys.executable, os.fspath(script), "--run", os.fspath(self.run_file)]
        return shlex.join(words).replace("{", "{{").replace("}", "}}")

    # -- before the first job ------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the folders, clear what killed runs left, and write the run file.

        Raises
        ------
        ConfigError
            ``output_dir`` cannot be written.
        """
        self.started = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        logs = self.layout.output_dir / "logs"
        try:
            for folder in (self.layout.own, logs):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.layout.output_dir, self.layout.own, logs):
                publish.remove_stale(folder)
            for other in self.layout.own.glob("run-*.sqlite"):
                if time.time() - other.stat().st_mtime > FORGOTTEN_AFTER:
                    other.unlink(missing_ok=True)
            safes = self.catalogue.safes
            paths = dict(zip(safes.index, safes["path"], strict=True))
            run_file.write(self.run_file, self._known(), paths)
        except OSError as error:
            raise ConfigError(
                f"output_dir: cannot write to {self.layout.output_dir}: {error.strerror}\n"
                "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"
            ) from None

    def _known(self) -> dict[str, Any]:
        """What all jobs have in common, in terms of :class:`xsar_batch.convert.Job`."""
        return {
            "output_dir": str(self.layout.output_dir.absolute()),
            "land_mask": str(self.land_mask_file.absolute()),
            "recipe_file": str(self.recipe_file.absolute()),
            "recipe": self.recipe,
            "function": self.settings.function,
            "compression": self.settings.compression,
            # So that runs over other archives have run files of their own.
            "archive": [self.settings.safes, self.settings.select, self.settings.duplicates],
        }


def _recipe(settings: Settings) -> dict[str, str]:
    return recipe.recipe(settings, land_mask.identity(settings.land_mask))


def _products(output_dir: Path) -> dict[str, float]:
    """Names of the products that are there, with the time they were written."""
    try:
        with os.scandir(output_dir) as entries:
            return {
                entry.name[:-3]: entry.stat().st_mtime
                for entry in entries
                if entry.name.endswith(".nc") and not entry.name.startswith(".")
            }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(
            f"output_dir: cannot list {output_dir}: {error.strerror}\n"
            "    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b"
        ) from None
