"""One conversion, by hand, as a process of its own: every way it can end."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from fault_helpers import fill, mounted
from processes import TIMEOUT, Ran, environment, run, until
from repository import SCRIPTS, last_line, outcome
from safes import BROKEN, copy_safe, damage_pixels

from xsar_batch.failures import EXIT_CODES

#: What a user's function file starts with. That of ours is what most of them change.
HEAD = """
import time
from pathlib import Path

import numpy as np
import xarray as xr

from xsar_batch.l1b import l1b


def convert(safe, resolution):
"""


class Place:
    """A folder for products, and the command that converts one SAFE into it."""

    def __init__(self, safe: Path, land_mask: Path, folder: Path) -> None:
        self.safe, self.land_mask, self.folder = safe, land_mask, folder
        self.product = folder / "out" / f"{safe.stem}.nc"
        self.log, self.outcome = folder / "logs" / "one.log", folder / "logs" / "one.json"

    def command(self, body: str | None = None, *more: str) -> list[str]:
        """``body``: of a function of the user's; None for ours."""
        command = [sys.executable, SCRIPTS / "convert.py", self.safe, self.product]
        command += ["--land-mask", self.land_mask, "--log", self.log, "--outcome", self.outcome]
        if body is not None:
            file = self.folder / "mine.py"
            file.write_text(HEAD + "".join(f"    {line}\n" for line in body.splitlines()))
            command += ["--function", f"{file}:convert"]
        return [os.fspath(part) for part in (*command, *more)]

    def convert(self, body: str | None = None, *more: str) -> Ran:
        return run(*self.command(body, *more))

    def start(self, body: str) -> subprocess.Popen:
        return subprocess.Popen(self.command(body), env=environment(), stderr=subprocess.DEVNULL)

    @property
    def left(self) -> list[str]:
        """What is in the folder of the products, temporary files too."""
        folder = self.product.parent
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def check_failed(self, ran: Ran, failure: str, reason: str) -> dict:
        """Failed in the same words everywhere, with nothing left behind."""
        line = last_line(self.log)
        assert line.startswith(f"FAILED {failure}: "), self.log.read_text()
        assert re.search(reason, line), line
        assert ran.code == EXIT_CODES[failure]
        assert ran.out == f"{self.safe.stem}: {line}\n"
        record = outcome(self.outcome)
        assert record["state"] == "failed"
        assert f"FAILED {record['class']}: {record['cause']}" == line
        assert record["exit_code"] == ran.code
        assert self.left == []
        return record


@pytest.fixture
def place(scene, land_mask_file, tmp_path) -> Place:
    return Place(scene(), land_mask_file, tmp_path)


# -- it works --------------------------------------------------------------------------------


def test_whole_safe_becomes_a_product(place):
    ran = place.convert(None, "--threads", "2")

    assert ran.code == 0, place.log.read_text()
    assert ran.out == ""
    assert re.fullmatch(rf"DONE {place.safe.stem} in \d+\.\d s", last_line(place.log))
    assert place.left == [place.product.name]
    with xr.open_dataset(place.product) as ds:
        assert dict(ds.sizes) == {"pol": 2, "line": 7, "sample": 8}
        assert (ds["sigma0"].notnull() == (ds["quality_flag"] <= 1)).all()
        assert ds.attrs["source"] == place.safe.name

    record = outcome(place.outcome)
    assert (record["name"], record["state"], record["exit_code"]) == (place.safe.stem, "done", 0)
    assert record["class"] is None
    assert record["cause"] is None
    assert record["safe"] == str(place.safe)
    assert record["product"] == str(place.product)
    assert record["product_bytes"] == place.product.stat().st_size
    assert (record["ipf"], record["attempt"], record["threads"]) == ("003.71", 1, 2)
    assert record["recipe"]["resolution"] == "1000m"
    assert record["versions"]["xsar_version"] == ds.attrs["xsar_version"]
    assert record["started"] < record["ended"]
    assert record["host"] == os.uname().nodename
    assert record["cpu_seconds"] > 0
    assert 0 < record["seconds"] < TIMEOUT
    assert 100 < record["peak_memory_mb"] < 2000


def test_without_log_it_says_so_on_the_terminal(place):
    command = place.command(None, "--resolution", "500m")
    at = command.index("--log")
    del command[at : at + 2]

    ran = run(*command)

    assert ran.code == 0, ran.out
    assert re.fullmatch(rf"DONE {place.safe.stem} in \d+\.\d s", ran.out.splitlines()[-1])
    assert not place.log.exists()
    with xr.open_dataset(place.product) as ds:
        assert dict(ds.sizes) == {"pol": 2, "line": 14, "sample": 16}


def test_function_of_the_user_gives_what_it_returns(place):
    ran = place.convert(
        "whole = l1b(safe, resolution)\nreturn whole[['sigma0', 'longitude', 'latitude']]"
    )

    assert ran.code == 0, place.log.read_text()
    with xr.open_dataset(place.product) as ds:
        assert list(ds.data_vars) == ["sigma0"]
        assert re.fullmatch(r"mine\.py:convert sha256:[0-9a-f]{12}", ds.attrs["function"])


# -- stripmap, and old IPF -------------------------------------------------------------------


@pytest.fixture
def old_stripmap(scene, place) -> Place:
    safe = scene(mode="S6", ipf="002.36", pols=("HV",))
    return Place(safe, place.land_mask, place.folder)


def test_stripmap_of_an_old_processor(old_stripmap):
    ran = old_stripmap.convert()

    assert ran.code == 0, old_stripmap.log.read_text()
    with xr.open_dataset(old_stripmap.product) as ds:
        assert dict(ds.sizes) == {"pol": 1, "line": 7, "sample": 8}
        assert {"stripmap_without_merging", "noise_as_annotated"} < {
            *ds.attrs["xsar_workarounds"].split()
        }
        assert ds.attrs["comment"].startswith("IPF 002.36 annotated next to no noise")
        xr.testing.assert_allclose(ds["sigma0"], ds["sigma0_raw"])
    assert "annotated next to no noise" in old_stripmap.log.read_text()


def test_stripmap_without_repairs_fails_before_xsar_is_loaded(old_stripmap):
    ran = old_stripmap.convert(None, "--no-repairs")

    record = old_stripmap.check_failed(ran, "unsupported", r"\(S6 GRDH\).*set repairs: true$")
    assert record["cpu_seconds"] < 1


# -- the SAFE --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tiff empty", "SLC"])
def test_broken_safe_fails_before_xsar_is_loaded(kind, place, tmp_path):
    broken = BROKEN[kind]
    path = copy_safe(place.safe, tmp_path)
    place.safe = broken.damage(path) or path

    record = place.check_failed(place.convert(), broken.failure, "")

    assert re.search(broken.reason, record["cause"])
    assert record["cpu_seconds"] < 1
    # Of this process, not of the one that started it, which pytest is, or a big Snakemake.
    assert record["peak_memory_mb"] < 150
    # The traceback of a failure that is understood tells nobody anything.
    assert "Traceback" not in place.log.read_text()


def test_damage_that_only_shows_when_the_pixels_are_read(place, tmp_path):
    place.safe = copy_safe(place.safe, tmp_path)
    damage_pixels(place.safe)

    place.check_failed(place.convert(), "bad-safe", r"the pixels cannot be read: ")


def test_safe_that_goes_away_while_it_is_read(place, tmp_path):
    place.safe = copy_safe(place.safe, tmp_path)

    ran = place.convert("import shutil\nshutil.rmtree(safe)\nreturn l1b(safe, resolution)")

    place.check_failed(ran, "bad-safe", r"\.SAFE went away while it was read$")


def test_function_that_is_not_there(place):
    ran = place.convert(None, "--function", "nowhere.py:convert")

    assert ran.code == 78
    assert re.search(r"FAILED config: .*nowhere\.py", ran.out)
    assert "Traceback" not in ran.out
    assert place.left == []


# -- the land mask ---------------------------------------------------------------------------


def test_land_mask_that_cannot_be_read(place, tmp_path):
    place.land_mask = tmp_path / "garbage.fgb"
    place.land_mask.write_bytes(b"these are no polygons\n" * 100)

    place.check_failed(place.convert(), "land-mask", r"cannot read the land polygons: .*garbage")


def test_land_mask_that_is_not_there(place, tmp_path):
    """Said on the terminal, before anything is begun; in a run: see end_to_end/test_workflow.py."""
    place.land_mask = tmp_path / "nowhere.fgb"

    ran = place.convert()

    assert ran.code == EXIT_CODES["land-mask"]
    assert re.search(r"FAILED land-mask: .*nowhere\.fgb", ran.out)
    assert "Traceback" not in ran.out
    assert place.left == []


# -- the result ------------------------------------------------------------------------------

#: One of each place that refuses it: what else is wrong with a result is in product/test_verify.py.
BAD_RESULTS = {
    "nothing": (
        "l1b(safe, resolution)",
        r"mine\.py:convert returned a NoneType, expected an xarray\.Dataset$",
    ),
    "only NaN": (
        "ds = l1b(safe, resolution)[['sigma0']]\nreturn ds * np.nan",
        r"all values of the result are NaN$",
    ),
    "longitude shifted": (
        "ds = l1b(safe, resolution)\nds['longitude'] = ds['longitude'] + 0.01\nreturn ds",
        # 0.01 degree is 739 m at 48.4 degrees north.
        r"positions are up to 7[34]\d m off the annotation's \(line \d+\.5, sample \d+\.5\)$",
    ),
}


@pytest.mark.parametrize(("body", "reason"), BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_bad_result_is_not_published(body, reason, place):
    place.check_failed(place.convert(body), "bad-product", reason)


def test_failed_conversion_leaves_an_earlier_product_as_it_was(place):
    place.product.parent.mkdir()
    place.product.write_bytes(b"an earlier product")
    before = place.product.stat()

    ran = place.convert("return xr.Dataset()")

    assert ran.code == EXIT_CODES["bad-product"]
    assert place.left == [place.product.name]
    assert place.product.read_bytes() == b"an earlier product"
    assert place.product.stat().st_mtime_ns == before.st_mtime_ns


# -- what nobody foresaw ---------------------------------------------------------------------


def test_exception_of_the_function_is_unknown_and_has_its_traceback(place):
    ran = place.convert("raise ValueError('no wind\\n  today')")

    place.check_failed(ran, "unknown", r"unknown: ValueError: no wind today$")
    log = place.log.read_text()
    assert "Traceback (most recent call last)" in log
    assert re.search(r'File ".*mine\.py", line \d+, in convert', log)


def test_product_folder_that_cannot_be(place, tmp_path):
    """Its parent is a file. (That it is read-only would not keep root out.)"""
    (tmp_path / "file").write_text("")
    place.product = tmp_path / "file" / "out" / place.product.name

    place.check_failed(place.convert(), "unknown", r"NotADirectoryError: .*file")


# -- memory ----------------------------------------------------------------------------------


def test_lack_of_memory(place):
    ran = place.convert(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "return xr.Dataset({'a': ('x', np.ones(8 << 30))})"
    )

    record = place.check_failed(
        ran, "out-of-memory", r"memory ran out \(.*Unable to allocate 64\.0 GiB"
    )
    assert "the next attempt asks for more" in record["cause"]


# -- disk ------------------------------------------------------------------------------------


def test_full_disk(place, tmp_path):
    with mounted(tmp_path / "disk", options="size=4m") as disk:
        fill(disk, leave=40_000)
        place.product = disk / "out" / place.product.name

        place.check_failed(place.convert(), "disk-full", r"no space left in .*disk/out$")


def test_disk_that_is_full_only_while_the_product_is_there(place, tmp_path):
    """Once the unfinished file is removed there is room again, for anything but the product."""
    with mounted(tmp_path / "disk", options="size=12m") as disk:
        place.product = disk / "out" / place.product.name

        ran = place.convert(
            "noise = np.random.default_rng(0).random((1500, 1500))\n"
            "return xr.Dataset({'a': (('x', 'y'), noise)})"
        )

        place.check_failed(ran, "disk-full", r"no space left in .*disk/out$")


def test_full_disk_that_holds_the_log_too(place, tmp_path):
    """As it is in the workflow. Not a byte can be logged: the exit code must say it."""
    with mounted(tmp_path / "disk", options="size=1m") as disk:
        place.product = disk / "out" / place.product.name
        place.log, place.outcome = disk / "logs" / "one.log", disk / "logs" / "one.json"
        for folder in ("out", "logs"):
            (disk / folder).mkdir()
        fill(disk, leave=0)

        ran = place.convert()

        assert ran.code == EXIT_CODES["disk-full"], ran.out
        assert re.fullmatch(rf"{place.safe.stem}: FAILED disk-full: no space left in .*\n", ran.out)
        assert place.left == []
        # None at all is better than one that says "running" for ever.
        assert not place.outcome.exists()


# -- stopped ---------------------------------------------------------------------------------

SLEEP = """
Path(__file__).with_name("reached").touch()
time.sleep(100)
"""

#: Incompressible, so that writing takes seconds; sigma0 is there to have real variables too.
LONG_TO_WRITE = """
ds = l1b(safe, resolution)[["sigma0"]].load()
noise = np.random.default_rng(0).random((8, 1000, 2000))
return ds.assign({f"noise_{n}": (("x", "y"), noise[n]) for n in range(8)})
"""

#: Python makes a RuntimeError of whatever is raised there.
MAKE_A_CLASS = """
class Slow:
    def __set_name__(self, owner, name):
        Path(__file__).with_name("reached").touch()
        time.sleep(100)
class Interrupted:
    one = Slow()
"""


@pytest.mark.parametrize("body", [SLEEP, MAKE_A_CLASS], ids=["asleep", "making a class"])
@pytest.mark.parametrize(
    ("signum", "code", "by"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)
def test_stopped_in_the_middle(body, signum, code, by, place, tmp_path):
    """The batch system's time is up, or the user has had enough: no fault of the SAFE."""
    with place.start(body) as process:
        until((tmp_path / "reached").exists, process)
        assert outcome(place.outcome)["state"] == "running"
        process.send_signal(signum)
        assert process.wait(20) == code

    assert last_line(place.log) == f"INTERRUPTED by {by}"
    record = outcome(place.outcome)
    assert (record["state"], record["class"], record["cause"]) == ("interrupted", None, by)
    assert record["exit_code"] == code
    assert place.left == []


def test_stopped_while_it_writes(place):
    with place.start(LONG_TO_WRITE) as process:
        until(lambda: any(name.endswith(".part") for name in place.left), process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143

    assert last_line(place.log) == "INTERRUPTED by SIGTERM"
    assert place.left == []


def test_resolution_by_hand_that_is_no_length(place):
    ran = place.convert(None, "--resolution", "1km")

    assert (ran.code, place.left) == (78, [])
    assert ran.out == (
        "FAILED config: resolution: '1km' is no length in metres; write: --resolution 1000m\n"
    )
