"""The audit as users run it: a folder of notebook products, and the workflow before and after."""

import csv
import shutil
import sys
from pathlib import Path

import pytest
import sentinel1_demo_scenes as demo
import xarray as xr
from audit_products import Maker, aged, renamed
from processes import run
from repository import SCRIPTS
from safes import copy_safe, cut
from work import Work

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")

SCENES = 2
WELL, EACH = 35, 5


def audit(*arguments: object):
    return run(sys.executable, SCRIPTS / "audit.py", *map(str, arguments))


class Notebook:
    """50 products of the notebook: 35 are right, 5 each are wrong in one of three ways.

    Each is converted by the notebook's function, from one of a few scenes; the others are of the
    same scenes under another name.
    """

    def __init__(self, folder: Path, land: Path) -> None:
        self.products, self.archive = folder / "products", folder / "archive"
        safes = [
            demo.make_safe(folder / "scenes", lines=760, samples=850, seed=number, unique_id=name)
            for number, name in enumerate(("AAAA", "BBBB"))
        ]
        made = {
            how: [getattr(Maker(folder / how, land), how)(safe) for safe in safes]
            for how in ("notebook", "mixed_up", "failed", "killed")
        }
        made["cut"] = made["notebook"]
        kinds = ["notebook"] * WELL + ["mixed_up", "cut"] * EACH + ["failed"] * 3 + ["killed"] * 2
        self.kinds = {}
        for number, kind in enumerate(kinds):
            path = renamed(made[kind][number % SCENES], self.products, number, self.archive)
            if kind == "cut":
                cut(path, 0.3 + 0.06 * (number % 11))
                aged(path)
            self.kinds[path.stem] = kind
            annotation = safes[number % SCENES] / "annotation"
            shutil.copytree(annotation, self.archive / f"{path.stem}.SAFE" / "annotation")

    def names(self, *kinds: str) -> set[str]:
        return {name for name, kind in self.kinds.items() if kind in kinds}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory, land_source) -> Notebook:
    return Notebook(tmp_path_factory.mktemp("notebook"), land_source)


CLASSES = {"unreadable": ("cut",), "positions": ("mixed_up",), "empty": ("failed", "killed")}


def named(text: str) -> dict[str, set[str]]:
    """Names by class, of lines ``NAME: class: cause``."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("S1"):
            name, kind, cause = line.split(": ", 2)
            assert cause
            found.setdefault(kind, set()).add(name)
    return found


@pytest.mark.parametrize("jobs", [1, 2])
def test_exactly_those_15_of_50(notebook, jobs, tmp_path):
    table = tmp_path / "audit.csv"
    ran = audit(notebook.products, "--jobs", jobs, "--csv", table)
    assert ran.code == 1
    assert named(ran.out) == {kind: notebook.names(*how) for kind, how in CLASSES.items()}
    assert (
        "xsar-batch: of 50 files 35 are well, 15 are to be made again "
        "(5 unreadable, 5 empty, 5 positions)\n"
    ) in ran.out
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 50
    states = {Path(row["path"]).stem: row["state"] for row in rows}
    assert {name for name, state in states.items() if state == "bad"} == notebook.names(
        "cut", "mixed_up", "failed", "killed"
    )
    assert len(list(notebook.products.iterdir())) == 50, "nothing was asked to be deleted"


def test_other_files_stay(notebook, tmp_path):
    """In a mixed folder, those that are bad go, and nothing else, whatever it looks like."""
    folder = Path(shutil.copytree(notebook.products, tmp_path / "mixed"))
    xr.Dataset({"wind": ("x", [1.0])}).to_netcdf(folder / "wind.nc")
    shutil.copy2(folder / f"{min(notebook.names('cut'))}.nc", folder / "cut.nc")
    (folder / "readme.txt").write_text("ours")
    part = folder / f".{min(notebook.names('cut'))}.nc.host-1.part"
    part.write_bytes(b"\x89HDF")
    outside = Path(shutil.copy2(folder / "cut.nc", tmp_path / f"{min(notebook.kinds)}.nc"))
    (folder / "elsewhere").mkdir()
    link = folder / "elsewhere" / outside.name
    link.symlink_to(outside)
    others = {"wind.nc", "cut.nc", "readme.txt", part.name, "elsewhere"}

    ran = audit(folder, "--move-to", folder / "aside")
    assert ran.code == 1
    assert "wind: not ours: it names no SAFE of Sentinel-1\n" in ran.out
    assert "cut: not ours: damaged: " in ran.out
    assert f"elsewhere/{link.stem} stays: it is a link: " in ran.out
    assert "15 moved to " in ran.out
    left = {path.name for path in folder.iterdir()} - others - {"aside"}
    assert left == {f"{name}.nc" for name in notebook.names("notebook")}
    assert others <= {path.name for path in folder.iterdir()}
    assert len(list((folder / "aside").iterdir())) == 15
    assert link.exists() and outside.exists()

    # What was put aside is looked at no more.
    link.unlink()
    ran = audit(folder, "--move-to", folder / "aside")
    assert (ran.code, named(ran.out)) == (0, {})
    assert "of 37 files 35 are well, 0 are to be made again\n" in ran.out


def test_the_next_run_makes_exactly_those_again(notebook, scene, land_source, tmp_path):
    """Products of the notebook first, then those that the workflow made of them."""
    work = Work.new(tmp_path / "work's", land_source)
    maker = Maker(work.out, land_source)
    safes = [copy_safe(scene(number), work.archive, linked=True) for number in range(3)]
    well, mixed_up, short = (safe.stem for safe in safes)
    aged(maker.notebook(safes[0]))
    aged(maker.mixed_up(safes[1]))
    path = maker.notebook(safes[2])
    cut(path, 0.5)
    aged(path)
    before = work.products

    ran = work.snakemake("audit")
    assert ran.code != 0
    assert named(ran.out) == {"positions": {mixed_up}, "unreadable": {short}}
    assert named(work.log("audit").read_text()) == named(ran.out)
    assert work.products == before

    ran = audit(work.out, "--delete")
    assert "    2 deleted; run snakemake again\n" in ran.out
    ran = work.snakemake()
    assert ran.code == 0, ran.out
    assert ran.scheduled["convert"] == 2
    assert work.products[well] == before[well]

    # Of these there are records, which say that they are done.
    assert work.outcome(short)["state"] == "done"
    cut(path, 0.7)
    aged(path)
    ran = audit(work.out, "--safes", work.archive, "--delete")
    assert named(ran.out) == {"unreadable": {short}}
    dry = work.snakemake("-n")
    assert dry.scheduled["convert"] == 1 and "2 done, 1 pending" in dry.out
