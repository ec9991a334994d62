"""What one conversion is asked for: the job of a run, or what somebody types."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xsar_batch.conversion import job_table, recipe, user_function
from xsar_batch.conversion.layout import Layout
from xsar_batch.failures import BadSafe, ConfigError
from xsar_batch.landmask import polygons
from xsar_batch.sentinel1.cell_size import normalised


@dataclass(frozen=True)
class Job:
    """One conversion.

    ``recipe`` holds resolution, identity of the function and of the land mask. ``recipes`` is the
    folder in which it must be in force, ``run`` the run it belongs to: None for a conversion by
    hand. Its parent ends it after so many ``minutes``; ``memory_mb`` is
    what it was given, which is only noted. ``quicklook`` is where the picture of the
    product goes, None for none.
    """

    safe: Path
    product: Path
    land_mask: Path
    recipe: Mapping[str, str]
    recipes: Path | None = None
    function: str = user_function.OURS
    threads: int = 1
    compression: int = 4
    quicklook: Path | None = None
    log: Path | None = None
    outcome: Path | None = None
    run: str | None = None
    minutes: float = 0
    memory_mb: float = 0

    @property
    def name(self) -> str:
        return self.safe.name.removesuffix(".SAFE")

    @classmethod
    def of_run(
        cls, file: Path, name: str, threads: int, minutes: float = 0, memory_mb: float = 0
    ) -> "Job":
        """The conversion of the SAFE called ``name``, as one job of a run."""
        known, safe_path = job_table.read(file, name)
        layout = Layout(Path(known["output_dir"]))
        if safe_path is None:
            raise BadSafe(f"{name} is in none of the places that the setting safes names")
        return cls(
            safe=Path(safe_path),
            product=layout.product(name),
            land_mask=Path(known["land_mask"]),
            recipe=known["recipe"],
            recipes=layout.internal,
            function=known["function"],
            threads=threads,
            compression=known["compression"],
            quicklook=layout.quicklook(name) if known["quicklooks"] else None,
            log=layout.log(name),
            outcome=layout.outcome(name),
            run=known.get("run"),
            minutes=minutes,
            memory_mb=memory_mb,
        )

    @classmethod
    def by_hand(
        cls,
        safe: Path,
        product: Path,
        land_mask: Path,
        resolution: str,
        function: str,
        repairs: bool = True,
        **others: Any,
    ) -> "Job":
        """A conversion that somebody types; ``others`` are fields of :class:`Job`.

        Raises
        ------
        ConfigError, LandMaskError
            The function or the land polygons are not there, or the resolution is no length.
        """
        try:
            resolution = normalised(resolution)
        except ValueError:
            raise ConfigError(
                f"resolution: {resolution!r} is no length in metres; write: --resolution 1000m"
            ) from None
        made_with = recipe.recipe(resolution, function, polygons.identity(land_mask), repairs)
        return cls(safe, product, land_mask, made_with, function=function, **others)
