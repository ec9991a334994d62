"""What conversions cost, against the notebook's function, on products of our own making.

All run in turn, so that a busy machine slows all; the ratios are what counts. Files are in the
page cache.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas
import sentinel1_demo_scenes as demo
import yaml

from benchmarks.dry_run import REPO, median
from xsar_batch.landmask import gshhg, polygons

#: Full size of an IW GRDH product, in pixels.
FULL = (16_676, 26_144)

NOTEBOOK_DASK = "2025.7.0"


def notebook_python(folder: Path) -> Path:
    """A venv with the versions of the lock, but for dask: made once."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        lines = (REPO / "requirements.lock").read_text().splitlines()
        old = {name: f"{name}=={NOTEBOOK_DASK}" for name in ("dask", "distributed")}
        lock = folder / "requirements.lock"
        lock.write_text("\n".join(old.get(line.split("==")[0], line) for line in lines))
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", lock]
        subprocess.run(install, check=True)
        (folder / "ready").touch()
    return python


def scenes(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """SAFEs of two different contents, under ``count`` names: the pages of the rest are shared."""
    made = sorted(folder.glob("*.SAFE"))
    if len(made) == count:
        return made
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines, samples = size
    first = dt.datetime(2024, 3, 1, 18)
    originals = [
        demo.make_safe(folder, lines=lines, samples=samples, start=first + dt.timedelta(days=day))
        for day in range(2)
    ]
    for number in range(2, count):
        original = originals[number % 2]
        # Another last four digits: the same acquisition, processed again.
        copy = original.with_name(f"{original.stem[:-4]}{number:04X}.SAFE")
        shutil.copytree(original, copy, copy_function=os.link)
    return sorted(folder.glob("*.SAFE"))


def coastline(folder: Path) -> Path:
    """The file that Ifremer's users give to xsar: GSHHG at high resolution, not cut into tiles."""
    path = folder / "GSHHS_h_L1.shp"
    if not path.exists():
        polygons = gshhg.read("h", (1,))
        geopandas.GeoDataFrame(geometry=list(polygons), crs=4326).to_file(path)
    return path


class Bench:
    """A working directory with scenes, land and settings."""

    def __init__(self, folder: Path, count: int, size: tuple[int, int]) -> None:
        self.folder, self.count = folder, count
        self.python = notebook_python(folder / "notebook-venv")
        self.safes = scenes(folder / f"archive-{count}-{size[0]}", count, size)
        self.land = folder / "land.fgb"
        if not self.land.exists():
            polygons.build(None, self.land)
        self.coastline = coastline(folder)
        for name in ("Snakefile", "config", "profiles", "workflow"):
            source, target = REPO / name, folder / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
        settings = {
            "safes": [str(self.safes[0].parent)],
            "duplicates": "all",
            "output_dir": "products",
            "land_mask": str(self.land),
            # Once a run, whatever its size: `python -m benchmarks report` measures it.
            "report": False,
        }
        (folder / "bench.yaml").write_text(yaml.safe_dump(settings))

    def measure(self, *command: str | os.PathLike, **environment: str) -> dict[str, float]:
        """CPU and wall seconds of a command with all that it starts.

        Raises
        ------
        RuntimeError
            It failed; the text is what it printed.
        """
        result = self.folder / "cost.json"
        words = [sys.executable, "-m", "benchmarks.measured", result, *command]
        done = subprocess.run(
            [os.fspath(word) for word in words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(REPO), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command} failed:\n{done.stdout[-4000:]}")
        return json.loads(result.read_text())

    def notebook(self) -> dict[str, float]:
        """Two warm workers."""
        output = self.folder / "notebook"
        output.mkdir(exist_ok=True)
        command = [self.python, REPO / "benchmarks" / "notebook.py", self.coastline, "2", output]
        done = subprocess.run(
            [*command, *self.safes], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
        return json.loads(done.stdout)

    def workflow(self, profile: str, *options: str, **environment: str) -> dict[str, float]:
        """All SAFEs by the workflow, from nothing but the land mask, to products."""
        for name in ("products", ".snakemake", "logs"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        snakemake = [sys.executable, "-m", "snakemake", "--configfile", "bench.yaml"]
        snakemake += ["--profile", f"profiles/{profile}"]
        self._prepare_land(snakemake)
        cost = self.measure(*snakemake, *options, **environment)
        outcomes = [
            json.loads(path.read_text())
            for path in (self.folder / "products" / "logs").glob("S1*.json")
        ]
        assert len(outcomes) == self.count and all(one["state"] == "done" for one in outcomes)
        cost["conversions"] = sum(one["cpu_seconds"] for one in outcomes)
        cost["memory"] = max(one["peak_memory_mb"] for one in outcomes)
        return cost

    def _prepare_land(self, snakemake: list[str]) -> None:
        """The land mask is made once an output_dir, not once a run: it is not counted."""
        subprocess.run(
            [*snakemake[:3], "--configfile", "bench.yaml", "--cores", "1", "--until", "land_mask"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

    def pack(self) -> dict[str, float]:
        """One PBS job with all SAFEs on two cores, through the stand-in of the tests."""
        from standin.pbs import Server

        root = self.folder / "pbs"
        shutil.rmtree(root, ignore_errors=True)
        server = Server.new(root)
        try:
            cost = self.workflow(
                *("pbs", "--pbs-queue", "omp", "--pbs-pack-cores", "2"),
                **server.environment,
            )
            assert len(server.calls("qsub")) == 1
        finally:
            server.stop()
        return cost

    def local(self) -> dict[str, float]:
        return self.workflow("local", "--cores", "2")

    def alone(self) -> dict[str, float]:
        """One SAFE by the script, in a fresh interpreter."""
        script = REPO / "workflow" / "scripts" / "convert.py"
        product = self.folder / "alone.nc"
        return self.measure(
            sys.executable, script, self.safes[0], product, "--land-mask", self.land
        )

    def bare(self) -> dict[str, float]:
        """The same by the bare function, in a fresh interpreter: imported, called, written."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); from notebook import l1b, warm;"
            "warm(sys.argv[2]); l1b(*sys.argv[3:])"
        )
        return self.measure(
            *(self.python, "-c", code, REPO / "benchmarks", self.coastline),
            *(self.safes[0], self.folder / "bare.nc"),
        )


def run(folder: Path, count: int, size: tuple[int, int], repeats: int) -> list[dict]:
    """Rows of the table: what was measured, its figure, and the goal where there is one."""
    bench = Bench(folder, count, size)
    ways: dict[str, Callable[[], dict[str, float]]] = {
        name: getattr(bench, name) for name in ("notebook", "pack", "local", "bare", "alone")
    }
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            costs[name].append(way())

    def of(name: str, key: str) -> float:
        return median([cost[key] for cost in costs[name]])

    start = (of("pack", "cpu") - of("pack", "conversions")) / count
    return [
        {"benchmark": "CPU s a product, notebook", "figure": of("notebook", "cpu") / count},
        {"benchmark": "CPU s a product, pack", "figure": of("pack", "cpu") / count},
        {"benchmark": "CPU s a product, local", "figure": of("local", "cpu") / count},
        {"benchmark": "CPU s a conversion itself", "figure": of("pack", "conversions") / count},
        _ratio(
            "CPU, conversion / notebook", of("pack", "conversions"), of("notebook", "cpu"), 0.12
        ),
        _ratio("CPU, pack / notebook", of("pack", "cpu"), of("notebook", "cpu"), 0.20),
        _ratio("wall, pack / notebook", of("pack", "wall"), of("notebook", "wall"), 0.25),
        _ratio("CPU, local / notebook", of("local", "cpu"), of("notebook", "cpu"), 0.20),
        _ratio("wall, local / notebook", of("local", "wall"), of("notebook", "wall"), 0.25),
        {"benchmark": "CPU s a product beside it, pack", "figure": start, "goal": 0.6},
        _ratio("CPU, alone / bare function", of("alone", "cpu"), of("bare", "cpu"), 1.3),
        {"benchmark": "peak memory, MB", "figure": of("pack", "memory"), "goal": 450},
    ]


def _ratio(what: str, ours: float, theirs: float, goal: float) -> dict:
    return {"benchmark": what, "figure": ours / theirs, "goal": goal}
