"""Where things are below ``output_dir``."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from xsar_batch.failures import ConfigError

#: What the name of a SAFE may be, as a pattern, to be a file's name and a word in a shell.
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Layout:
    """Paths of everything that belongs to one ``output_dir``.

    Logs and outcomes stand beside the products rather than in the working directory: two runs
    with different settings have two output folders, and each keeps its own account.
    """

    output_dir: Path

    def product(self, name: str) -> Path:
        """The product of the SAFE called ``name`` (without ``.SAFE``)."""
        return self.output_dir / f"{name}.nc"

    @property
    def logs(self) -> Path:
        """Logs and outcomes."""
        return self.output_dir / "logs"

    def log(self, name: str) -> Path:
        """What its conversion printed; the last line says how it ended."""
        return self.logs / f"{name}.log"

    def outcome(self, name: str) -> Path:
        """How its last conversion ended, as JSON."""
        return self.logs / f"{name}.json"

    @property
    def status(self) -> Path:
        """How it stands with every SAFE. See :mod:`xsar_batch.batch.status`."""
        return self.output_dir / "status.csv"

    @property
    def report(self) -> Path:
        """The same to look at."""
        return self.output_dir / "report.html"

    @property
    def geojson(self) -> Path:
        """Its footprints, for QGIS. See :mod:`xsar_batch.report.geojson`."""
        return self.output_dir / "status.geojson"

    @property
    def quicklooks(self) -> Path:
        """Pictures of the products. See :mod:`xsar_batch.quicklook`."""
        return self.output_dir / "quicklooks"

    def quicklook(self, name: str) -> Path:
        """The picture of its product."""
        return self.quicklooks / f"{name}.png"

    @property
    def internal(self) -> Path:
        """What the workflow keeps for itself."""
        return self.output_dir / ".xsar_batch"

    @property
    def lock(self) -> Path:
        """There while a run is at work. See :mod:`xsar_batch.batch.lock`."""
        return self.internal / "running.json"

    @property
    def previous(self) -> Path:
        """Products that are being made again. See :mod:`xsar_batch.batch.previous`."""
        return self.internal / "previous"

    def check(self) -> None:
        """Whether these folders can be.

        Raises
        ------
        ConfigError
            A file is where one of them should be.
        """
        for folder in (self.internal, self.logs, self.previous):
            if folder.exists() and not folder.is_dir():
                raise ConfigError(
                    f"output_dir: {folder} is a file, and should be a folder.\n"
                    f"    move it away:  mv {quote(str(folder))} {quote(str(folder) + '.old')}"
                )

    def land_mask(self, digest: str) -> Path:
        """Land polygons, tiled and indexed. See :mod:`xsar_batch.landmask.polygons`."""
        return self.internal / f"land_mask-{digest}.fgb"

    def run(self, digest: str) -> Path:
        """What the jobs of a run must know. See :mod:`xsar_batch.conversion.job_table`."""
        return self.internal / f"run-{digest}.sqlite"
