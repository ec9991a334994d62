"""Runs whose environment, or whose archive, is on a slow file system: ``slowfs.c``, a FUSE one.

That is no part of this repository: it is looked for beside it, in ``shared/tools``. Needs fuse3,
its headers and a C compiler (Debian: fuse3 libfuse3-dev pkg-config gcc), and the right to mount.
The environment is a copy of this one with Python itself, as conda makes them. It is mounted anew
when a PBS job begins: a cold node.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.dry_run import REPO, median
from benchmarks.speed import FULL, scenes
from xsar_batch.landmask import polygons

SOURCE = REPO.parent / "shared" / "tools" / "slowfs.c"

#: Scenes of a pack, at most.
MOST = 24

#: Folders of the repository that a run reads.
PARTS = ("Snakefile", "config", "profiles", "workflow", "src", "plugins", "demo_scenes")


class SlowEnvironment:
    """A copy of this environment that can be mounted with a latency."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.real, self.mount = folder, folder / "real", folder / "mount"
        self.mount.mkdir(parents=True, exist_ok=True)
        self.python = self.mount / "env" / "bin" / f"python3.{sys.version_info.minor}"
        self.slowfs = build(folder)
        self.land = folder / "land.fgb"
        if not self.land.exists():
            polygons.build(None, self.land)
        self._copy()

    def _copy(self) -> None:
        lib = Path("lib") / f"python3.{sys.version_info.minor}"
        target, half = self.real / "env" / lib, self.real / "half"
        if not target.exists():
            shutil.rmtree(half, ignore_errors=True)
            (half / "bin").mkdir(parents=True)
            shutil.copy2(Path(sys.executable).resolve(), half / "bin")
            skipped = shutil.ignore_patterns("test", "site-packages")
            shutil.copytree(Path(sys.base_prefix) / lib, half / lib, ignore=skipped)
            packages, editable = Path(sys.prefix) / lib / "site-packages", "__editable__*.pth"
            ignored = shutil.ignore_patterns(editable)
            shutil.copytree(packages, half / lib / "site-packages", ignore=ignored)
            half.rename(self.real / "env")
        shutil.rmtree(self.real / "repo", ignore_errors=True)
        (self.real / "repo").mkdir()
        for name in PARTS:
            source, copy = REPO / name, self.real / "repo" / name
            shutil.copytree(source, copy) if source.is_dir() else shutil.copy2(source, copy)
        places = ["src", "demo_scenes/src"]
        places += [f"plugins/{one.name}/src" for one in (REPO / "plugins").iterdir()]
        lines = "".join(f"{self.mount}/repo/{place}\n" for place in places)
        (target / "site-packages" / "repo.pth").write_text(lines)
        with mounted(self.slowfs, self.real, self.mount):
            # Compiled where they will be read from.
            compiled = [self.python, "-m", "compileall", "-q", self.mount / "repo"]
            subprocess.run(compiled, stdout=subprocess.DEVNULL, check=False, env=environment())

    def pack(self, count: int, ms: float, with_file: bool = True) -> dict[str, float]:
        """One PBS job of ``count`` small scenes: metadata operations on the environment, and
        seconds from the job's begin to the end of the run."""
        from standin.pbs import Server

        work, counts = self.folder / "work", self.folder / f"counts-{time.time_ns()}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        made = scenes(self.folder / "scenes", MOST, (700, 800))[:count]
        (work / "safes.txt").write_text("".join(f"{safe}\n" for safe in made))
        settings = {
            **{"safes": ["safes.txt"], "duplicates": "all", "output_dir": "products"},
            **{"land_mask": str(self.land), "report": False},
        }
        (work / "settings.yaml").write_text(json.dumps(settings))
        mount = f"SLOWFS_FROM={self.real} SLOWFS_MS={ms} SLOWFS_COUNTS={counts} {self.slowfs}"
        before = f"{mount} {self.mount}; date +%s.%N > {work}/began"
        command = [self.python, "-m", "snakemake", "-s", self.mount / "repo" / "Snakefile"]
        command += ["--profile", self.mount / "repo" / "profiles" / "pbs"]
        command += ["--configfile", "settings.yaml", "--pbs-pack-wait", "1"]
        command += ["--seconds-between-status-checks", "1", "--pbs-pack-size", str(count)]
        root = self.folder / "pbs"
        shutil.rmtree(root, ignore_errors=True)
        server = Server.new(root)
        cache = {"XDG_CACHE_HOME": str(self.mount / "cache")}
        if not with_file:
            cache["PYTHON_STARTER"] = ""
        try:
            with mounted(self.slowfs, self.real, self.mount):
                env = environment(**server.environment, **cache)
                quiet = {"cwd": work, "env": env, "check": True, "stdout": subprocess.DEVNULL}
                if with_file:
                    self._make_module_file(env)
                subprocess.run(
                    [*command, "--precommand", before], **quiet, stderr=subprocess.DEVNULL
                )
                took = time.time() - float((work / "began").read_text())
                tell(counts)
        finally:
            server.stop()
        assert len(list((work / "products").glob("*.nc"))) == count
        known = dict(line.split() for line in counts.read_text().splitlines())
        return {"operations": float(known["metadata"]), "wall": took}

    def _make_module_file(self, env: dict[str, str]) -> None:
        code = (
            "from xsar_batch.conversion import modules, modules_made; from xsar_batch.system "
            "import module_file; modules_made.main(module_file.of_environment(modules.PACKAGES))"
        )
        (self.real / "cache" / "xsar-batch").mkdir(parents=True, exist_ok=True)
        subprocess.run([self.python, "-c", code], env=env, check=True, stdout=subprocess.DEVNULL)


def build(folder: Path) -> Path:
    """Compile slowfs."""
    if not SOURCE.is_file():
        raise FileNotFoundError(f"{SOURCE} is not there; this benchmark needs it")
    made = folder / "slowfs"
    flags = subprocess.run(
        ["pkg-config", "fuse3", "--cflags", "--libs"], check=True, capture_output=True, text=True
    ).stdout.split()
    subprocess.run(["cc", "-O2", "-o", made, SOURCE, *flags], check=True)
    return made


def environment(**more: str) -> dict[str, str]:
    """Without what this process was told of Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | more


@contextmanager
def mounted(slowfs: Path, real: Path, mount: Path, **settings: str) -> Iterator[None]:
    """``real`` seen at ``mount``, with settings of slowfs (FROM, MS, MBS, COUNTS)."""
    given = {f"SLOWFS_{name}": value for name, value in settings.items()}
    subprocess.run(
        [slowfs, mount], env={**os.environ, "SLOWFS_FROM": str(real), **given}, check=True
    )
    try:
        yield
    finally:
        # What a job mounted on top, too.
        while os.path.ismount(mount):
            subprocess.run(["fusermount3", "-u", "-z", mount], check=True)


def tell(counts: Path) -> None:
    """Have the file system that counts there write its counts."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_it = f"SLOWFS_COUNTS={counts}".encode() in (process / "environ").read_bytes()
            if is_it and (process / "comm").read_text().strip() == "slowfs":
                os.kill(int(process.name), signal.SIGUSR1)
        except OSError:
            continue
    until = time.monotonic() + 10
    while not (counts.exists() and "bytes_read" in counts.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)


def archive(folder: Path, count: int = 6) -> dict[str, float]:
    """Seconds of a local run on one core with a cold archive of 300 MB/s, and of ``cat``.

    The land mask is made before: once an ``output_dir``, whatever the number of SAFEs.
    """
    slowfs, real, mount = build(folder), folder / f"archive-{count}-{FULL[0]}", folder / "archive"
    scenes(real, count, FULL)
    mount.mkdir(exist_ok=True)
    land, work = folder / "land.fgb", folder / "work"
    if not land.exists():
        polygons.build(None, land)
    speed = {"MS": "0.2", "MBS": "300"}
    with mounted(slowfs, real, mount, **speed):
        tiffs = sorted(map(str, mount.glob("*.SAFE/measurement/*.tiff")))
        begin = time.monotonic()
        subprocess.run(["cat", *tiffs], stdout=subprocess.DEVNULL, check=True)
        took = {"cat": time.monotonic() - begin}
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    settings = {
        **{"safes": [str(mount)], "duplicates": "all", "output_dir": "products"},
        **{"land_mask": str(land), "report": False},
    }
    (work / "settings.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "snakemake", "-s", REPO / "Snakefile", "--cores", "1"]
    command += ["--profile", REPO / "profiles" / "local", "--configfile", "settings.yaml"]
    quiet = {"cwd": work, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with mounted(slowfs, real, mount):
        subprocess.run([*command, "--until", "land_mask"], **quiet)
    with mounted(slowfs, real, mount, **speed):
        begin = time.monotonic()
        subprocess.run(["taskset", "-c", "0", *command], **quiet)
        took["run"] = time.monotonic() - begin
    assert len(list((work / "products").glob("*.nc"))) == count
    return took


def run(folder: Path, repeats: int) -> list[dict]:
    """Rows of the table. Walls are medians of ``repeats``; operations are the same each time."""
    slow = SlowEnvironment(folder / "slow")
    plain = slow.pack(MOST, 0, with_file=False)["operations"]
    many, one = slow.pack(MOST, 0)["operations"], slow.pack(1, 0)["operations"]
    # In turn, so that a busy machine slows both.
    pairs = [[slow.pack(12, ms)["wall"] for ms in (0, 5)] for _ in range(repeats)]
    quick, delayed = (median(list(walls)) for walls in zip(*pairs, strict=True))
    cold = archive(folder)
    return [
        {"benchmark": "operations, PBS job of 24, without the file", "figure": plain},
        {"benchmark": "operations, PBS job of 24", "figure": many, "goal": 1500},
        {"benchmark": "operations a SAFE after the first", "figure": (many - one) / 23, "goal": 30},
        {"benchmark": "wall of 12, 0 ms: s", "figure": quick},
        {"benchmark": "wall of 12, 5 ms / 0 ms", "figure": delayed / quick, "goal": 1.5},
        {
            "benchmark": "wall, cold archive of 300 MB/s / cat",
            "figure": cold["run"] / cold["cat"],
            "goal": 1.15,
        },
    ]
