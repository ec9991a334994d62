"""The real Snakemake over small archives: what is made, what is not, and what is said.

All paths in the settings are relative, so that a finished run can be copied, with Snakemake's own
records, and each test goes on from there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import agree
import pytest
import xarray as xr
import yaml
from processes import TIMEOUT, Ran, python, until
from repository import copy_workflow, last_line, run_snakemake
from safes import BROKEN, TIFF, copy_safe, damage_pixels, only
from work import BESIDE, CHATTY, USUAL, Work, ending, preview

# -- broken ones among good ones -------------------------------------------------------------

#: Of each file of a SAFE one; all kinds are in sentinel1/test_safe.py.
KINDS = ("annotation cut in the middle", "tiff missing", "tiff empty", "SLC")
GOOD = 3

#: Kinds of good ones: parameters, and cells of 1000 m in 700 x 800 pixels.
MODES = (
    ({}, (7, 8)),
    ({"mode": "EW", "product": "GRDM", "pols": ("HH", "HV")}, (28, 32)),
    ({"mode": "S4", "pols": ("HH", "HV")}, (7, 8)),
)


class Mixed:
    """A run over good SAFEs, one of each of `KINDS`, one that is only listed, and others."""

    def __init__(self, work: Work, scene) -> None:
        self.work = work
        self.good, self.broken = {}, {}
        for number, (parameters, cells) in enumerate(MODES):
            # Below folders of years and days, as archives are.
            folder = work.archive / "2024" / f"{number:03d}"
            folder.mkdir(parents=True)
            path = copy_safe(scene(number, **parameters), folder, linked=True)
            self.good[path.stem] = cells
        for number, kind in enumerate(KINDS, GOOD):
            path = copy_safe(scene(number), work.archive)
            path = BROKEN[kind].damage(path)
            self.broken[path.stem] = (kind, BROKEN[kind].failure, BROKEN[kind].reason)
        number += 1
        missing = work.archive / scene(number).name
        listed = work.folder / "listing.txt"
        listed.write_text(f"# of last week\n{missing}\n\n{work.archive}/{min(self.good)}.SAFE\n")
        self.broken[missing.stem] = ("listed", "bad-safe", r"\.SAFE is not there$")
        pixels = copy_safe(scene(number + 1), work.archive)
        damage_pixels(pixels)
        self.broken[pixels.stem] = ("pixels", "bad-safe", r"^the pixels cannot be read")
        (work.archive / "S2A_MSIL1C_20240301T110921.SAFE").mkdir()
        work.change(safes=["archive", "listing.txt"], report=True)
        self.ran = work.snakemake()

    def name(self, kind: str) -> str:
        (name,) = (name for name, (of, *_) in self.broken.items() if of == kind)
        return name


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, scene, land_source) -> Mixed:
    return Mixed(Work.new(tmp_path_factory.mktemp("mixed"), land_source), scene)


def test_broken_ones_stop_nobody_else(mixed):
    assert mixed.ran.code != 0
    # Good, broken, the listed one and the one that is no Sentinel-1; one good one is listed too.
    found, selected = GOOD + len(mixed.broken) + 2, GOOD + len(mixed.broken)
    assert preview(mixed.ran).startswith(f"xsar-batch: {found} SAFEs found, {selected} selected, ")
    assert set(mixed.work.products) == set(mixed.good)
    for name, (lines, samples) in mixed.good.items():
        assert mixed.work.outcome(name)["state"] == "done"
        with xr.open_dataset(mixed.work.out / f"{name}.nc") as ds:
            assert dict(ds.sizes) == {"pol": 2, "line": lines, "sample": samples}
            assert (ds["sigma0"].notnull() == (ds["quality_flag"] <= 1)).all()


def test_each_broken_one_has_its_class_and_reason(mixed):
    for name, (kind, failure, reason) in mixed.broken.items():
        record = mixed.work.outcome(name)
        assert (record["state"], record["class"]) == ("failed", failure), kind
        assert re.search(reason, record["cause"]), kind
        assert last_line(mixed.work.log(name)) == f"FAILED {failure}: {record['cause']}"
        assert "Traceback" not in mixed.work.log(name).read_text()
        assert f"    {name}: {record['class']}: {record['cause']}\n" in ending(mixed.ran)


def test_failures_leave_no_file(mixed):
    made = {f"{name}.nc" for name in mixed.good}
    report = {"report.html", "status.geojson", "status.qml"}
    # The last is of a page that renews itself, in a run of more than a few seconds.
    assert mixed.work.left - {"report-data.js"} == {*made, *BESIDE, *report}
    pictures = {path.name for path in (mixed.work.out / "quicklooks").iterdir()}
    assert pictures == {f"{name}.png" for name in mixed.good}


def test_all_accounts_agree(mixed):
    agree.check(mixed.work, {*mixed.good, *mixed.broken}, end=ending(mixed.ran))


def test_second_run_does_only_what_is_left(mixed, scene, tmp_path):
    """A broken one is mended; it alone is selected, so that the others need not fail again."""
    work = mixed.work.copy(tmp_path / "work")
    # Its listing names the archive by absolute path, so it may find what the copy has as well.
    (work.folder / "listing.txt").write_text("")
    before = work.products
    mended = mixed.name("tiff missing")
    tiff = only(scene(GOOD + KINDS.index("tiff missing")), TIFF)
    shutil.copy2(tiff, work.archive / f"{mended}.SAFE" / "measurement")

    dry = work.snakemake("-n")
    # One that was only listed is no more, and the one that was not there neither.
    pending = len(mixed.broken) - 1
    assert f"{GOOD} done, {pending} pending" in preview(dry)
    assert dry.scheduled["convert"] == pending

    ran = work.snakemake("--config", f"select={{name: '{mended}'}}")
    assert ran.code == 0, ran.out
    assert ran.scheduled == {"convert": 1, "all": 1}
    assert "of 1 pending, 1 made, 0 failed\n" in ending(ran)
    assert work.products == {**before, mended: work.products[mended]}


# -- nothing is made again -------------------------------------------------------------------


@pytest.fixture(scope="module")
def converted(tmp_path_factory, scene, land_source) -> Work:
    """Three good SAFEs converted with a function of the user's; to be copied, not changed."""
    folder, safes = tmp_path_factory.mktemp("converted"), map(scene, range(GOOD))
    work = Work.new(folder, land_source, safes, function="mine.py:convert")
    ran = work.snakemake()
    assert ran.code == 0, ran.out
    assert len(work.products) == GOOD
    assert f"of {GOOD} pending, {GOOD} made, 0 failed\n" in ending(ran)
    return work


@pytest.fixture
def work(converted, tmp_path) -> Work:
    return converted.copy(tmp_path / "work")


def touch_everything(work: Work) -> None:
    """As `git pull` and backups do: the workflow, the function file, and the archive."""
    for place in (".", "config", "profiles", "workflow", "archive"):
        for path in (work.folder / place).glob("*" if place == "." else "**/*"):
            if path.name not in ("out", ".snakemake"):
                path.touch()


def edit_scripts(work: Work) -> None:
    """A new version of the workflow that makes the same products."""
    for path in [work.folder / "Snakefile", *work.folder.glob("workflow/scripts/*.py")]:
        path.write_text(path.read_text() + "\n# a comment\n")


def move_archive(work: Work) -> None:
    (work.folder / "elsewhere").mkdir()
    work.archive.rename(work.folder / "elsewhere" / "archive")
    work.change(safes=["elsewhere"])


def move_function_and_land(work: Work) -> None:
    (work.folder / "lib").mkdir()
    for name in ("mine.py", "land.geojson"):
        (work.folder / name).rename(work.folder / "lib" / name)
    work.change(function="lib/mine.py:convert", land_mask="lib/land.geojson")


def remove_records_of_snakemake(work: Work) -> None:
    shutil.rmtree(work.folder / ".snakemake")


def remove_land_mask(work: Work) -> None:
    """It can be made again at any time, which is no reason to make products again."""
    only(work.out, ".xsar_batch/land_mask-*.fgb").unlink()


def remove_everything_of_ours(work: Work) -> None:
    """Products of which nothing is known are trusted."""
    shutil.rmtree(work.out / ".xsar_batch")
    shutil.rmtree(work.folder / ".snakemake")


def change_what_changes_no_value(work: Work) -> None:
    work.change(threads=2, compression=9)


@pytest.mark.parametrize(
    "change",
    [
        touch_everything,
        edit_scripts,
        move_archive,
        move_function_and_land,
        remove_records_of_snakemake,
        remove_land_mask,
        remove_everything_of_ours,
        change_what_changes_no_value,
    ],
)
def test_nothing_is_made_again_after(change, work):
    before = work.products
    change(work)

    ran = work.snakemake()

    assert ran.code == 0, ran.out
    assert "convert" not in ran.scheduled
    assert f"{GOOD} done, 0 pending" in preview(ran)
    assert "made again" not in preview(ran)
    assert work.products == before


def test_done_product_that_is_asked_for_by_name_is_not_made_again(work):
    """While others are pending, and after a change of the scripts and of the archive's place."""
    first, other, *_ = sorted(work.products)
    (work.out / f"{other}.nc").unlink()
    edit_scripts(work)
    move_archive(work)

    ran = work.snakemake(f"out/{first}.nc", "-n")
    assert ran.code == 0, ran.out
    assert "convert" not in ran.scheduled, ran.out

    ran = work.snakemake("-n")
    assert f"{GOOD - 1} done, 1 pending" in preview(ran)
    assert ran.scheduled["convert"] == 1
    assert f"out/{other}.nc" in ran.out


def test_nothing_is_made_again_with_the_default_triggers_either(work):
    """Without the profile, Snakemake would look at code, parameters and software as well."""
    before = work.products
    touch_everything(work)
    edit_scripts(work)
    work.change(threads=2)

    ran = run_snakemake(work.folder, "--cores", "2", *CHATTY)

    assert ran.scheduled == {"all": 1}
    assert work.products == before


# -- what is made again, and what is said of it ----------------------------------------------


def other_resolution(work: Work) -> None:
    work.change(resolution="500m")


def other_function(work: Work) -> None:
    work.change(function="xsar_batch.l1b:l1b")


def other_contents_of_the_function_file(work: Work) -> None:
    with (work.folder / "mine.py").open("a") as file:
        file.write("\n# another threshold\n")


def other_land(work: Work) -> None:
    path = work.folder / "land.geojson"
    path.write_text(path.read_text().replace("-4.0", "-4.25"))


DIGEST = "sha256:[0-9a-f]{12}"


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (other_resolution, "resolution 1000m -> 500m"),
        (other_function, rf"function mine\.py:convert {DIGEST} -> xsar_batch\.l1b:l1b"),
        (
            other_contents_of_the_function_file,
            rf"function mine\.py:convert ({DIGEST}) -> mine\.py:convert (?!\1){DIGEST}",
        ),
        (other_land, r"land_mask land\.geojson \(\d+ bytes\) -> land\.geojson \(\d+ bytes\)"),
    ],
)
def test_preview_says_what_is_made_again_and_why(change, difference, work):
    before, files = work.products, work.left
    change(work)

    refused = work.snakemake("-n")
    assert refused.code != 0
    assert re.search(f"were made with other settings: {difference}$", refused.out, re.MULTILINE)
    assert "--config remake=true" in refused.out
    work.change(remake=True)
    ran = work.snakemake("-n")

    assert ran.code == 0, ran.out
    assert f"0 done, {GOOD} pending" in preview(ran)
    assert re.search(
        rf"^    {GOOD} of the pending are there and will be made again: {difference}$",
        preview(ran),
        re.MULTILINE,
    ), preview(ran)
    assert ran.scheduled["convert"] == GOOD
    # It is a preview: nothing changes, not even the recipe in force.
    assert (work.products, work.left) == (before, files)
    assert work.snakemake("-n").scheduled["convert"] == GOOD


def test_change_of_settings_that_stops_half_way(work):
    before = work.products
    first, *rest = sorted(before)
    work.change(resolution="500m", remake=True)

    ran = work.snakemake("--force", f"out/{first}.nc")
    assert ran.code == 0, ran.out
    assert ran.scheduled["convert"] == 1
    assert work.products == {**before, first: work.products[first]}
    assert work.products[first] > before[first]

    # Whoever goes on may have other records of Snakemake, or none.
    remove_records_of_snakemake(work)
    half = work.products
    ran = work.snakemake()
    assert ran.code == 0, ran.out
    assert f"1 done, {GOOD - 1} pending" in preview(ran)
    assert (
        f"{GOOD - 1} of the pending are there and will be made again: "
        "an earlier run did not come that far" in preview(ran)
    )
    assert ran.scheduled == {"recipe": 1, "convert": GOOD - 1, "all": 1}
    assert work.products[first] == half[first]
    for name in rest:
        assert work.products[name] > half[name]
    for name in before:
        with xr.open_dataset(work.out / f"{name}.nc") as ds:
            assert dict(ds.sizes) == {"pol": 2, "line": 14, "sample": 16}
            assert ds.attrs["resolution"] == "500m"

    assert "convert" not in work.snakemake("-n").scheduled


def test_products_outlive_a_function_that_fails(work):
    """A slip in the settings must not cost what is there; nor may its way back. What may pass is
    tried twice: that a useless second try is not made is in test_what_users_type.py."""
    before = {name: (work.out / f"{name}.nc").read_bytes() for name in work.products}
    (work.folder / "slip.py").write_text("def convert(safe, resolution):\n    raise KeyError(1)\n")

    ran = work.snakemake("--retries", "1", "--config", "function=slip.py:convert", "remake=true")

    assert ran.code != 0
    assert f"of {GOOD} pending, 0 made, {GOOD} failed ({GOOD} unknown)" in ending(ran)
    assert f"{GOOD} products of earlier settings were kept" in ran.out
    assert [work.outcome(name)["attempt"] for name in before] == [2] * GOOD
    assert {name: (work.out / f"{name}.nc").read_bytes() for name in before} == before
    assert "convert" not in work.snakemake("-n", "--config", "remake=true").scheduled


def test_second_run_in_the_same_place_is_refused(work):
    """From another working directory, so that it is not Snakemake's lock that does it."""
    lock = work.out / ".xsar_batch" / "running.json"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        owner = {"host": os.uname().nodename, "pid": sleeper.pid, "since": "today"}
        lock.write_text(json.dumps(owner))
        ran = work.snakemake("--forceall")
    finally:
        sleeper.kill()
        sleeper.wait()
    assert ran.code != 0
    assert f"process {sleeper.pid} on {owner['host']} since today" in ran.out
    assert len(work.products) == GOOD

    # Its process has ended: nobody has to remove anything.
    assert work.snakemake().code == 0


def test_everything_again_when_nothing_is_noted(work):
    """The land mask is made for it, though nothing was pending."""
    before = work.products
    shutil.rmtree(work.out / ".xsar_batch")

    ran = work.snakemake("--forceall")

    assert ran.code == 0, ran.out
    assert all(work.products[name] > before[name] for name in before)


# -- settings --------------------------------------------------------------------------------


#: One of each module that says it: the settings, the catalogue, the function and the land polygons.
WRONG = {
    "two at once": (
        {"threads": "2x", "compression": 12},
        ["threads: '2x'", "compression: 12 is more than 9", "write:  compression: 9\n"],
    ),
    "no output_dir": ({"output_dir": None}, ["output_dir: is missing"]),
    "no archive": ({"safes": ["nowhere"]}, ["safes: the folder nowhere is not there"]),
    "no such function": (
        {"function": "mine.py:konvert"},
        ["mine.py defines no 'konvert'", "write:  function: mine.py:convert\n"],
    ),
    "no land polygons": ({"land_mask": "nowhere.shp"}, ["land polygons nowhere.shp: No such file"]),
}


@pytest.mark.parametrize(("settings", "said"), WRONG.values(), ids=WRONG)
def test_wrong_setting_is_said_before_anything_is_written(settings, said, converted, tmp_path):
    work = converted.copy(tmp_path / "work")
    shutil.rmtree(work.out)
    work.change(**settings)

    ran = work.snakemake()

    assert ran.code != 0
    for words in said:
        assert words in ran.out
    assert "Traceback" not in ran.out
    assert not work.out.exists()
    assert "Job stats" not in ran.out


def test_shipped_config_says_which_variable_to_set(tmp_path):
    """The values are those of Datarmor; elsewhere the first run must say what is missing."""
    ran = run_snakemake(copy_workflow(tmp_path), "--cores", "1", DATAWORK=None)
    assert ran.code != 0
    assert "the environment variable $DATAWORK in '$DATAWORK/sentinel-1' is not set" in ran.out
    assert "export DATAWORK=" in ran.out


def test_land_polygons_that_cannot_be_read_end_the_run_before_the_first_safe(work):
    shutil.rmtree(work.out)
    (work.folder / "land.geojson").write_text("no polygons")

    ran = work.snakemake()

    assert ran.code != 0
    assert "land-mask: land polygons land.geojson: GDAL cannot read it" in ran.out
    assert work.products == {}
    assert not list(work.out.glob("logs/S1*"))
    assert f"of {GOOD} pending, 0 made, 0 failed, {GOOD} not tried" in ending(ran)


def test_settings_of_the_command_line_and_of_another_file(work):
    other = work.folder / "other.yaml"
    other.write_text("output_dir: ${PLACE}/l1b\nresolution: 500m\nselect: {polarisation: [SV]}\n")

    ran = work.snakemake("-n", "--configfile", "other.yaml", PLACE="else")
    assert ran.code == 0, ran.out
    assert "0 selected" in preview(ran)
    assert f"    {GOOD} left out: not asked for by `select`" in preview(ran)
    assert preview(ran).splitlines()[0].endswith("-> else/l1b")

    ran = work.snakemake(
        *(
            "-n",
            "--configfile",
            "other.yaml",
            "--config",
            "output_dir=out",
            "select={polarisation: DV}",
            "remake=true",
        ),
        PLACE="else",
    )
    # What is on the command line wins over a file given there, and both over config/config.yaml.
    assert ran.code == 0, ran.out
    assert f"{GOOD} selected" in preview(ran)
    assert "resolution 1000m -> 500m" in preview(ran)


# -- a job -----------------------------------------------------------------------------------

#: What a job's Snakemake asks of its plan, and what the conversion itself asks.
JOB = """
import json, os, sys
from pathlib import Path
from xsar_batch.batch.plan import Plan
os.chdir(sys.argv[1])
plan = Plan.of_job(json.loads(sys.argv[2]))
light = sorted(sys.modules)
from xsar_batch.conversion.job import Job
job = Job.of_run(plan.run_file, sys.argv[3], 1)
told = {"safe": str(job.safe), "product": str(job.product), "land_mask": str(job.land_mask)}
print(json.dumps({**told, "light": light, "modules": sorted(sys.modules)}))
"""


def test_job_knows_its_safe_without_the_catalogue_of_all(work):
    name = min(work.products)
    config = yaml.safe_load(work.config.read_text())
    # Written by the main process, even if nothing is pending.
    assert work.snakemake().code == 0
    shutil.rmtree(work.archive)

    told = json.loads(python(JOB, work.folder, json.dumps(config), name).out)

    assert told["safe"] == f"{work.archive}/{name}.SAFE"
    assert told["product"] == f"{work.out}/{name}.nc"
    assert Path(told["land_mask"]).is_file()
    assert not {"numpy", "yaml", "jsonschema", "pandas", "xsar"} & set(told["light"])
    assert not {"pandas", "xsar", "xarray", "geopandas"} & set(told["modules"])
    assert "xsar_batch.batch.catalogue" not in told["modules"]


def test_job_of_a_batch_system_does_not_list_the_archive(work):
    """The command line of a job of any executor plugin; it reads the Snakefile again.

    The listing is gone by then: whoever reads it again fails.
    """
    name = min(work.products)
    listing = work.folder / "listing.txt"
    listing.write_text("".join(f"{path}\n" for path in sorted(work.archive.iterdir())))
    work.change(safes=["listing.txt"])
    # Nothing is pending, but this writes the catalogue.
    assert work.snakemake().code == 0
    listing.unlink()
    assert work.snakemake("-n").code != 0
    before = work.products

    ran = run_snakemake(
        work.folder,
        *("--snakefile", "Snakefile", "--target-jobs", f"convert:name={name}"),
        *("--allowed-rules", "convert", "--cores", "1", "--force", "--nolock", "--no-hooks"),
        *("--ignore-incomplete", "--mode", "remote"),
    )

    assert ran.code == 0, ran.out
    assert "SAFEs found" not in ran.out
    assert work.products == {**before, name: work.products[name]}
    assert work.products[name] > before[name]
    assert work.outcome(name)["safe"] == str(work.archive / f"{name}.SAFE")


@pytest.mark.slow
def test_product_that_is_removed_during_the_run(tmp_path, scene, land_source):
    """Snakemake ends with an error of its own, and tells no part of the workflow."""
    work = Work.new(tmp_path, land_source, map(scene, range(3)), function="mine.py:convert")
    (work.folder / "hold").touch()
    with work.running(*USUAL, "--latency-wait", "1") as process:
        until(lambda: "(Rule: convert)" in work.said, process)
        (name,) = work.products
        (work.out / f"{name}.nc").unlink()
        (work.folder / "hold").unlink()
        process.wait(TIMEOUT)
    said = ending(Ran(process.returncode, work.said))
    assert process.returncode == 1
    assert said.startswith("xsar-batch: of 3 pending, 3 made, 0 failed\n")
    assert f"    1 made, and gone since: {name}\n" in said
    assert "    To go on, run:\n" in said
    assert "2 of 3 SAFEs are done" in said
