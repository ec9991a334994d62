"""The small modules, each on real files and processes."""

import datetime as dt
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xsar_batch import (
    function,
    messages,
    outcome,
    publish,
    recipe,
    resolution,
    run_file,
    safe_name,
    threads,
)
from xsar_batch.failures import BadSafe, ConfigError, Unsupported
from xsar_batch.layout import Layout
from xsar_batch.plan import Plan

SCHEMA_FILE = Path(__file__).parents[1] / "workflow" / "schemas" / "config.schema.yaml"
NAME = "S1A_IW_GRDH_1SDV_20240301T180000_20240301T180025_052792_0671C0_ABCD"


def name(number):
    return NAME.replace("20240301", f"202403{number:02}")


# -- safe_name -------------------------------------------------------------------------------


def test_name_taken_apart():
    assert safe_name.parse(NAME) == {
        "mission": "S1A",
        "mode": "IW",
        "product_type": "GRDH",
        "level": "1",
        "product_class": "S",
        "polarisation": "DV",
        "start": "20240301T180000",
        "stop": "20240301T180025",
        "orbit": "052792",
        "datatake": "0671C0",
        "unique_id": "ABCD",
    }
    assert tuple(safe_name.parse(NAME)) == safe_name.FIELDS


@pytest.mark.parametrize(
    ("real", "mode", "product_type", "polarisation"),
    [
        ("S1B_EW_GRDM_1SDH_20210809T173953_20210809T174018_039156_049F13_6FF8", "EW", "GRDM", "DH"),
        ("S1A_S3_GRDH_1SSV_20210809T173953_20210809T174018_039156_049F13_6FF8", "S3", "GRDH", "SV"),
        ("S1C_IW_SLC__1SDV_20250809T173953_20250809T174018_039156_049F13_6FF8", "IW", "SLC_", "DV"),
        ("S1A_WV_OCN__2SSV_20210809T173953_20210809T174018_039156_049F13_6FF8", "WV", "OCN_", "SV"),
        ("S1A_IW_RAW__0SDV_20210809T173953_20210809T174018_039156_049F13_6FF8", "IW", "RAW_", "DV"),
    ],
)
def test_names_of_other_kinds(real, mode, product_type, polarisation):
    fields = safe_name.parse(real)
    found = (fields["mode"], fields["product_type"], fields["polarisation"])
    assert found == (mode, product_type, polarisation)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        f"{NAME}.SAFE",
        f"{NAME}_COG",
        f"x{NAME}",
        NAME[:-1],
        NAME.lower(),
        "S2" + NAME[2:],
    ],
)
def test_no_names(wrong):
    assert safe_name.parse(wrong) is None


# -- resolution ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "spacing", "cell"),
    [
        ("1000m", (10, 10), (100, 100)),
        (1000, (10, 10), (100, 100)),
        (1000.0, (40.0, 40.0), (25, 25)),
        ("1000m", (25, 25), (40, 40)),
        ("500m", (10, 20), (50, 25)),
        ("10m", (10, 10), (1, 1)),
        ("0.3m", (0.1, 0.1), (3, 3)),  # 0.3 / 0.1 is less than 3 in binary
        ("1000m", (10.000009, 9.999991), (100, 100)),
    ],
)
def test_whole_pixels(asked, spacing, cell):
    found = resolution.pixels_per_cell(asked, *spacing)
    assert found == {"line": cell[0], "sample": cell[1]}
    # xsar looks at the type: with floats it takes another, wrong way.
    assert [type(count) for count in found.values()] == [int, int]


@pytest.mark.parametrize(
    ("asked", "spacing", "why"),
    [
        (
            "1005m",
            (10, 10),
            "of 10 m pixels; take for example 1000m or 1010m",
        ),
        (
            "1000m",
            (10, 15),
            "of 15 m pixels; take for example 990m or 1005m",
        ),
        ("5m", (10, 10), "of 10 m pixels; take for example 10m or 20m"),
        ("1000m", (10.0001, 10), "of 10.0001 m pixels"),
        (
            1050,
            (40, 40),
            "of 40 m pixels; take for example 1040m or 1080m",
        ),
    ],
)
def test_no_whole_pixels(asked, spacing, why):
    with pytest.raises(Unsupported) as error:
        resolution.pixels_per_cell(asked, *spacing)
    metres = str(asked).removesuffix("m")
    assert str(error.value).startswith(f"a resolution of {metres}m is no whole number {why}")


@pytest.mark.parametrize(("asked", "spacing"), [("1005m", 10), ("5m", 10), ("1050m", 40)])
def test_suggestions_can_be_taken(asked, spacing):
    with pytest.raises(Unsupported) as error:
        resolution.pixels_per_cell(asked, spacing, spacing)
    for suggestion in re.findall(r"\S+m\b", str(error.value).split("for example ")[1]):
        resolution.pixels_per_cell(suggestion, spacing, spacing)


# -- publish ---------------------------------------------------------------------------------


def part(path, host=None, pid=None):
    host = host or os.uname().nodename.split(".")[0]
    return path.with_name(f".{path.name}.{host}-{pid or os.getpid()}.part")


def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a.nc"
    path.write_text("old")
    with publish.published(path) as temporary:
        assert temporary.parent == tmp_path  # a rename across file systems is none
        assert temporary.name.startswith(".") and not temporary.name.endswith(".nc")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", ["old", None])
def test_a_failure_leaves_all_as_it_was(tmp_path, before):
    path = tmp_path / "a.nc"
    if before:
        path.write_text(before)
    with pytest.raises(KeyboardInterrupt), publish.published(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert [f.read_text() for f in tmp_path.iterdir()] == ([before] if before else [])


def test_nothing_written_is_a_failure(tmp_path):
    with pytest.raises(FileNotFoundError), publish.published(tmp_path / "a.nc"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_killed_writer_leaves_nothing_under_the_name(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from xsar_batch.publish import published\n"
        "with published(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    path = tmp_path / "a.nc"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "ready\n"
        # While it lives, its file is not stale.
        assert publish.remove_stale(tmp_path) == 0
        writer.send_signal(signal.SIGKILL)
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 1
    assert publish.remove_stale(tmp_path) == 1
    assert not list(tmp_path.iterdir())


def test_only_what_is_stale_is_removed(tmp_path):
    old, young = time.time() - publish.STALE_AFTER - 60, time.time() - publish.STALE_AFTER + 60
    files = {
        part(tmp_path / "own-dead.nc", pid=dead_pid()): None,
        part(tmp_path / "own-alive.nc"): old,
        part(tmp_path / "other-old.nc", host="r1i2n3", pid=1): old,
        part(tmp_path / "other-young.nc", host="r1i2n3", pid=1): young,
        part(tmp_path / "other-with-dash.nc", host="node-7", pid=1): old,
        # Not ours to judge:
        tmp_path / "movie.part": old,
        tmp_path / ".movie.part": old,
        tmp_path / "a.nc": old,
        tmp_path / ".a.nc.host-12": old,
    }
    for file, mtime in files.items():
        file.write_text("")
        if mtime:
            os.utime(file, (mtime, mtime))
    assert publish.remove_stale(tmp_path) == 3
    gone = {file.name.split(".")[1] for file in files if not file.exists()}
    assert gone == {"own-dead", "other-old", "other-with-dash"}


def test_stale_files_of_a_folder_that_is_not_there(tmp_path):
    assert publish.remove_stale(tmp_path / "gone") == 0


def test_write_text_makes_the_folder(tmp_path):
    publish.write_text(tmp_path / "a" / "b" / "c.json", "{}")
    assert (tmp_path / "a" / "b" / "c.json").read_text() == "{}"


# -- run_file --------------------------------------------------------------------------------

KNOWN = {"recipe": {"resolution": "1000m"}, "compression": 4, "archive": [["/a"], {}, "latest"]}


def test_run_file_round_trip(tmp_path):
    path = tmp_path / "own folder? #1%" / "run.sqlite"
    safes = {
        NAME: f"/archive/{NAME}.SAFE",
        'it\'s "quoted"; DROP TABLE safes': '/archive/it\'s "there"',
        "é": "/archive/é",
    }
    run_file.write(path, KNOWN, safes)
    assert {name: run_file.read(path, name) for name in safes} == {
        name: (KNOWN, place) for name, place in safes.items()
    }
    assert run_file.read(path, "unknown") == (KNOWN, None)
    assert run_file.read(path, NAME.lower()) == (KNOWN, None)
    # No journal, no lock, no temporary file: only the table.
    assert list(path.parent.iterdir()) == [path]


def test_run_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "run.sqlite"
    run_file.write(path, KNOWN, {"a": "/1", "b": "/2"})
    run_file.write(path, {}, {"b": "/3"})
    assert run_file.read(path, "a") == ({}, None)
    assert run_file.read(path, "b") == ({}, "/3")


def test_run_file_of_no_safes(tmp_path):
    run_file.write(tmp_path / "run.sqlite", KNOWN, {})
    assert run_file.read(tmp_path / "run.sqlite", NAME) == (KNOWN, None)


def test_missing_run_file_is_not_taken_for_an_unknown_name(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        run_file.read(tmp_path / "gone.sqlite", NAME)
    assert not list(tmp_path.iterdir())


# -- recipe ----------------------------------------------------------------------------------

FIRST = {"resolution": "1000m", "function": "xsar_batch.l1b:l1b", "land_mask": "GSHHG"}
SECOND = {**FIRST, "resolution": "500m"}


def put_in_force(layout, contents):
    path = layout.recipe(recipe.digest(contents))
    recipe.put_in_force(path, contents)
    return path


def test_digest_is_stable():
    # Pinned: another digest of the same recipe would make a whole archive again.
    assert recipe.digest(FIRST) == "5d6360e1156b"
    assert recipe.digest(dict(reversed(FIRST.items()))) == recipe.digest(FIRST)
    assert recipe.digest(SECOND) != recipe.digest(FIRST)
    assert re.fullmatch(r"[0-9a-f]{12}", recipe.digest("any text"))


def test_recipe_names_what_changes_values_and_no_paths(settings):
    one = recipe.recipe(settings(), "GSHHG")
    assert one == FIRST
    same = settings(threads=4, compression=9, output_dir="/elsewhere", safes=["/other"])
    assert recipe.recipe(same, "GSHHG") == FIRST
    assert recipe.recipe(settings(resolution="500m"), "GSHHG") == SECOND
    assert recipe.recipe(settings(), "mine.shp") == {**FIRST, "land_mask": "mine.shp"}


def test_no_recipe_in_force(tmp_path):
    assert recipe.in_force(Layout(tmp_path).own) is None
    (tmp_path / ".xsar_batch").mkdir()
    (tmp_path / ".xsar_batch" / "recipe-0.json").write_text("{half")
    assert recipe.in_force(Layout(tmp_path).own) is None


def test_first_recipe_is_older_than_everything(tmp_path):
    layout = Layout(tmp_path)
    path = put_in_force(layout, FIRST)
    assert recipe.in_force(layout.own) == recipe.InForce(path, FIRST, 0.0)


def test_later_recipe_is_in_force_and_in_the_end_the_only_one(tmp_path):
    layout = Layout(tmp_path)
    put_in_force(layout, FIRST)
    before = time.time()
    path = put_in_force(layout, SECOND)
    found = recipe.in_force(layout.own)
    assert (found.path, found.recipe) == (path, SECOND)
    # Clocks of file systems tick every few milliseconds.
    assert before - 0.1 < found.since <= time.time()
    recipe.remove_superseded(layout.own)
    assert list(layout.own.glob("*.json")) == [path]


def test_back_to_an_earlier_recipe_is_newer_too(tmp_path):
    layout = Layout(tmp_path)
    put_in_force(layout, FIRST)
    put_in_force(layout, SECOND)
    before = time.time()
    path = put_in_force(layout, FIRST)
    found = recipe.in_force(layout.own)
    assert (found.path, found.recipe) == (path, FIRST)
    assert found.since > before - 0.1


def test_putting_it_in_force_again_changes_nothing(tmp_path):
    layout = Layout(tmp_path)
    put_in_force(layout, FIRST)
    put_in_force(layout, SECOND)
    before = recipe.in_force(layout.own)
    put_in_force(layout, SECOND)
    assert recipe.in_force(layout.own) == before


def test_touching_the_file_changes_nothing(tmp_path):
    # `snakemake --touch`, or an archive that was copied without its times.
    layout = Layout(tmp_path)
    path = put_in_force(layout, FIRST)
    os.utime(path)
    assert recipe.in_force(layout.own).since == 0


@pytest.fixture
def killed_half_way(tmp_path):
    """The writer of the second recipe was killed before it removed the first."""
    layout = Layout(tmp_path)
    first = put_in_force(layout, FIRST)
    kept = first.read_text()
    second = put_in_force(layout, SECOND)
    first.write_text(kept)
    return layout, first, second


def test_of_two_recipes_the_younger_is_in_force(killed_half_way):
    layout, _, second = killed_half_way
    assert recipe.in_force(layout.own).path == second


def test_superseded_recipe_is_removed(killed_half_way):
    layout, first, second = killed_half_way
    recipe.remove_superseded(layout.own)
    assert second.exists() and not first.exists()
    recipe.remove_superseded(layout.own)
    assert second.exists()


def test_changes():
    assert recipe.changes(FIRST, FIRST) == []
    assert recipe.changes(FIRST, SECOND) == ["resolution 1000m -> 500m"]
    assert recipe.changes({"b": "1"}, {"a": "2", "b": "1"}) == ["a None -> 2"]


# -- function --------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """Write a user's function file; returns `path:name`."""

    def write(text, folder=tmp_path, called="l1b", file="mine.py"):
        folder.mkdir(exist_ok=True)
        (folder / file).write_text(text)
        return f"{folder / file}:{called}"

    return write


def complaint(of):
    with pytest.raises(ConfigError) as error:
        function.identity(of)
    return str(error.value)


def test_identity_of_ours_is_its_name():
    assert function.identity(function.OURS) == "xsar_batch.l1b:l1b"


def test_identity_does_not_import_xsar():
    # It is asked for in the main process and before the SAFE's check.
    program = (
        "import sys; from xsar_batch import function; function.identity(function.OURS);"
        "assert 'xsar' not in sys.modules and 'xsar_batch.l1b' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_identity_follows_contents_and_not_the_place(own, tmp_path):
    here = function.identity(own("def l1b(safe, resolution): return 1\n"))
    assert re.fullmatch(r"mine\.py:l1b sha256:[0-9a-f]{12}", here)
    there = own("def l1b(safe, resolution): return 1\n", folder=tmp_path / "moved")
    assert function.identity(there) == here
    changed = own("def l1b(safe, resolution): return 2\n")
    assert function.identity(changed) != here
    both = own("def l1b(): 1\ndef other(): 2\n")
    assert function.identity(both) != function.identity(both.replace(":l1b", ":other"))


@pytest.mark.parametrize(
    "text",
    [
        "async def l1b(): pass",
        "class l1b: pass",
        "l1b = lambda safe, resolution: None",
        "from functools import partial\nl1b: object = partial(print)",
        "l1b, other = print, print",
        "from json import loads as l1b",
        "import sys\nif sys.version_info > (3,):\n    def l1b(): pass",
        "try:\n    from fast import l1b\nexcept ImportError:\n    def l1b(): pass",
    ],
)
def test_every_way_to_define_it_counts(own, text):
    assert function.identity(own(text + "\n")).startswith("mine.py:l1b sha256:")


def test_file_without_the_function(own):
    mine = own("import numpy as np\ndef to_l1b(): pass\ndef helper():\n    def l1b(): pass\n")
    path = mine.removesuffix(":l1b")
    assert complaint(mine) == (
        f"function: {path} defines no 'l1b' (its functions: helper, to_l1b).\n"
        f"    write:  function: {path}:to_l1b"
    )


def test_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint("own/mine.py:convert").splitlines() == [
        "function: cannot read own/mine.py: No such file or directory",
        "    relative paths start at the folder where snakemake runs; write for example:  "
        f"function: {tmp_path}/my_function.py:convert",
    ]


def test_file_with_a_syntax_error(own):
    mine = own("x = 1\ndef l1b(:\n")
    path = mine.removesuffix(":l1b")
    first, second = complaint(mine).splitlines()
    assert first.startswith(f"function: {path}, line 2: ")
    assert second == f"    check it with:  python -m py_compile {path}"


@pytest.mark.parametrize("module", ["no_such_module", "no_such_package.l1b", "xsar_batch.gone"])
def test_module_that_is_not_there(module):
    assert complaint(f"{module}:convert").splitlines() == [
        f"function: there is no module {module!r} in this Python environment.",
        "    write:  function: xsar_batch.l1b:l1b    (ours)",
        "    or:     function: path/to/file.py:convert",
    ]


def test_module_without_the_function():
    first, second = complaint("xsar_batch.l1b:lib").splitlines()
    assert "xsar_batch.l1b" in first and "'lib'" in first
    assert second.startswith("    write:  function: xsar_batch.l1b:l1b")


def test_load_from_a_module():
    assert function.load("xsar_batch.safe_name:parse") is safe_name.parse


def test_load_from_a_file_that_imports_its_neighbour(own, tmp_path, monkeypatch):
    (tmp_path / "neighbour_of_mine.py").write_text("ANSWER = 42\n")
    mine = own(
        "from dataclasses import dataclass\nfrom neighbour_of_mine import ANSWER\n"
        "@dataclass\nclass Result:\n    answer: int\n"
        "def l1b(safe, resolution): return Result(ANSWER), safe, resolution\n",
        file="own_function_file.py",
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    result, *arguments = function.load(mine)("a.SAFE", "1000m")
    assert (result.answer, arguments) == (42, ["a.SAFE", "1000m"])
    sys.modules.pop("own_function_file", None)
    sys.modules.pop("neighbour_of_mine")


def test_load_passes_on_what_the_import_raises(own, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ZeroDivisionError):
        function.load(own("1 / 0\ndef l1b(): pass\n", file="own_broken_file.py"))


# -- threads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_blas_keeps_to_the_threads(count):
    # A process of its own: numpy reads the limit when it is loaded.
    program = (
        "import os, sys; from xsar_batch import threads; threads.limit(int(sys.argv[1]))\n"
        "import numpy as np; a = np.ones((500, 500)); a @ a\n"
        "print(len(os.listdir('/proc/self/task')))"
    )
    free = {k: v for k, v in os.environ.items() if k not in threads.VARIABLES}
    out = subprocess.run(
        [sys.executable, "-c", program, str(count)], check=True, capture_output=True, env=free
    )
    # OpenBLAS starts no more threads than there are cores.
    assert int(out.stdout) == min(count, len(os.sched_getaffinity(0)))


def test_all_libraries_are_told(monkeypatch):
    for variable in threads.VARIABLES:
        monkeypatch.setenv(variable, "28")
    threads.limit(2)
    assert {os.environ[variable] for variable in threads.VARIABLES} == {"2"}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS"} <= {*threads.VARIABLES}


# -- outcome ---------------------------------------------------------------------------------


def test_running(tmp_path, monkeypatch):
    monkeypatch.setenv("PBS_JOBID", "123.datarmor")
    before = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    outcome.Outcome(tmp_path / "logs" / "a.json", NAME, threads=2)
    record = outcome.read(tmp_path / "logs" / "a.json")
    assert before <= record["started"] <= dt.datetime.now(dt.UTC).isoformat()
    assert record | {"started": None} == {
        "name": NAME,
        "state": "running",
        "class": None,
        "cause": None,
        "exit_code": None,
        "started": None,
        "ended": None,
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "pbs_job": "123.datarmor",
        "attempt": 1,
        "threads": 2,
    }


def test_attempts_are_counted_until_one_succeeds(tmp_path):
    path = tmp_path / "a.json"

    def attempt():
        one = outcome.Outcome(path, NAME)
        return one, outcome.read(path)["attempt"]

    first, number = attempt()
    assert number == 1
    first.failed(BadSafe("x"))
    second, number = attempt()
    assert number == 2
    second.done()
    assert attempt()[1] == 1


def test_done(tmp_path):
    one = outcome.Outcome(tmp_path / "a.json", NAME)
    time.sleep(0.06)
    assert re.fullmatch(rf"DONE {NAME} in 0\.\d s", one.done(product_bytes=5))
    record = outcome.read(tmp_path / "a.json")
    assert (record["state"], record["exit_code"], record["class"]) == ("done", 0, None)
    assert record["product_bytes"] == 5
    assert record["ended"] > record["started"]
    assert 0.06 <= record["seconds"] < 10
    assert record["cpu_seconds"] > 0
    assert 10 < record["peak_memory_mb"] < 10_000


def test_failed(tmp_path):
    one = outcome.Outcome(tmp_path / "a.json", NAME)
    line = one.failed(BadSafe("measurement/x.tiff\n   is empty"))
    assert line == "FAILED bad-safe: measurement/x.tiff is empty"
    record = outcome.read(tmp_path / "a.json")
    assert (record["state"], record["class"], record["exit_code"]) == ("failed", "bad-safe", 65)
    assert record["cause"] == "measurement/x.tiff is empty"
    assert record["seconds"] >= 0


def test_interrupted(tmp_path):
    one = outcome.Outcome(tmp_path / "a.json", NAME)
    assert one.interrupted("SIGTERM", 143) == "INTERRUPTED by SIGTERM"
    record = outcome.read(tmp_path / "a.json")
    found = [record[key] for key in ("state", "class", "cause", "exit_code")]
    assert found == ["interrupted", None, "SIGTERM", 143]


def test_no_record_asked_for():
    assert outcome.Outcome(None, NAME).failed(BadSafe("x")) == "FAILED bad-safe: x"


def test_record_that_cannot_be_written_hides_nothing(tmp_path):
    (tmp_path / "logs").write_text("a file where the folder should be")
    one = outcome.Outcome(tmp_path / "logs" / "a.json", NAME)
    assert one.failed(BadSafe("the reason")) == "FAILED bad-safe: the reason"


def test_stale_record_goes_when_it_cannot_be_replaced(tmp_path):
    path = tmp_path / "a.json"
    one = outcome.Outcome(path, NAME)
    # Where the temporary file would go is a folder: this fails for root too.
    part(path).mkdir()
    part(path).joinpath("x").write_text("")
    assert one.done().startswith("DONE")
    assert outcome.read(path) is None


@pytest.mark.parametrize("text", [None, "", '{"state": "do'])
def test_record_that_is_not_whole(tmp_path, text):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    assert outcome.read(tmp_path / "a.json") is None


# -- layout, plan, messages: on a real folder ------------------------------------------------


@pytest.fixture
def config(tmp_path):
    """Settings of an archive of four SAFEs."""
    for number in range(1, 5):
        (tmp_path / "archive" / f"{name(number)}.SAFE").mkdir(parents=True)
    return {"safes": [str(tmp_path / "archive")], "output_dir": str(tmp_path / "out")}


@pytest.fixture
def settings():
    from xsar_batch.settings import Settings

    base = {"safes": ["/archive"], "output_dir": "/out"}
    return lambda **changes: Settings.from_config({**base, **changes}, SCHEMA_FILE)


def plan_of(config, **changes):
    return Plan.of_main_process({**config, **changes}, SCHEMA_FILE)


def make_products(plan, *numbers):
    plan.layout.output_dir.mkdir(exist_ok=True)
    for number in numbers:
        plan.layout.product(name(number)).write_text("")


def text(lines):
    return "\n".join(lines)


def test_layout():
    layout = Layout(Path("/out"))
    assert layout.product("a") == Path("/out/a.nc")
    assert layout.log("a") == Path("/out/logs/a.log")
    assert layout.outcome("a") == Path("/out/logs/a.json")
    own = [layout.recipe("1"), layout.land_mask("2"), layout.run("3")]
    assert own == [
        Path(f"/out/.xsar_batch/{file}")
        for file in ("recipe-1.json", "land_mask-2.fgb", "run-3.sqlite")
    ]


def test_plan_of_a_new_folder(config, tmp_path):
    plan = plan_of(config)
    assert plan.pending == [name(n) for n in range(1, 5)]
    assert plan.products() == [f"{tmp_path}/out/{name(n)}.nc" for n in range(1, 5)]
    assert not (tmp_path / "out").exists()  # a dry run writes nothing


def test_plan_tells_done_from_pending(config):
    make_products(plan_of(config), 1, 3)
    plan = plan_of(config)
    assert plan.pending == [name(2), name(4)]
    assert plan.outdated == 0
    assert len(plan.products(everything=True)) == 4


def test_temporary_files_are_not_done(config):
    plan = plan_of(config)
    make_products(plan)
    part(plan.layout.product(name(1))).write_text("")
    plan.layout.product(name(2)).with_name(f".{name(2)}.nc").write_text("")
    assert len(plan_of(config).pending) == 4


def test_products_of_another_recipe_are_outdated(config):
    plan = plan_of(config)
    make_products(plan, 1, 2)
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    assert len(plan_of(config).pending) == 2
    other = plan_of(config, resolution="500m")
    assert (len(other.pending), other.outdated) == (4, 2)
    assert "2 of the pending are there and will be made again: resolution 1000m -> 500m" in text(
        messages.preview(other)
    )
    # What changes no value makes nothing again.
    assert len(plan_of(config, threads=2, compression=9).pending) == 2


def test_half_way_through_a_new_recipe(config):
    plan = plan_of(config)
    make_products(plan, 1, 2)
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    other = plan_of(config, resolution="500m")
    for number in (1, 2):
        os.utime(other.layout.product(name(number)), (1e9, 1e9))
    recipe.put_in_force(other.recipe_file, other.recipe)
    make_products(other, 2)
    again = plan_of(config, resolution="500m")
    assert again.pending == [name(1), name(3), name(4)]
    assert again.outdated == 1
    assert "the run after the last change did not come that far" in text(messages.preview(again))


def test_editing_the_function_file_makes_products_outdated(config, own):
    mine = own("def l1b(safe, resolution): return 1\n")
    plan = plan_of(config, function=mine)
    make_products(plan, 1, 2, 3, 4)
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    assert plan_of(config, function=mine).pending == []
    own("def l1b(safe, resolution): return 2\n")
    other = plan_of(config, function=mine)
    assert (len(other.pending), other.outdated) == (4, 4)
    assert "function mine.py:l1b sha256:" in text(messages.preview(other))


def test_moving_the_archive_makes_nothing_again(config, tmp_path):
    plan = plan_of(config)
    make_products(plan, 1, 2, 3, 4)
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    (tmp_path / "archive").rename(tmp_path / "moved")
    assert plan_of(config, safes=[str(tmp_path / "moved")]).pending == []


def test_a_job_finds_its_safe_without_the_archive(config, tmp_path):
    plan = plan_of(config, compression=7)
    plan.prepare()
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    (tmp_path / "archive").rename(tmp_path / "moved")  # a job that listed it would fail
    known, path = run_file.read(plan.run_file, name(2))
    assert path == str(tmp_path / "archive" / f"{name(2)}.SAFE")
    assert known["recipe"] == plan.recipe
    assert known["recipe_file"] == str(plan.recipe_file)
    assert (known["function"], known["compression"]) == ("xsar_batch.l1b:l1b", 7)
    assert run_file.read(plan.run_file, "unknown")[1] is None
    job = Plan.of_job({**config, "compression": 7})
    assert job.catalogue is None
    files = ("recipe_file", "land_mask_file", "run_file")
    assert [getattr(job, file) for file in files] == [getattr(plan, file) for file in files]


def test_runs_with_other_settings_have_other_run_files(config):
    base = plan_of(config)
    changes = [{"resolution": "500m"}, {"compression": 9}, {"select": {"mode": "IW"}}]
    files = {plan_of(config, **change).run_file for change in changes}
    assert len(files | {base.run_file}) == 4
    assert plan_of(config, threads=2).run_file == base.run_file


def test_forgotten_run_files_are_removed(config):
    plan = plan_of(config)
    plan.prepare()
    days = {"old": 31, "young": 29}
    for digest, age in days.items():
        plan.layout.run(digest).write_text("")
        then = time.time() - age * 86_400
        os.utime(plan.layout.run(digest), (then, then))
    plan_of(config, compression=9).prepare()
    assert not plan.layout.run("old").exists()
    assert plan.layout.run("young").exists() and plan.run_file.exists()


def test_conversions_wait_for_what_is_not_there_yet(config):
    plan = plan_of(config)
    # The recipe waits for the land mask, and the conversions for the recipe.
    assert plan.inputs_of_conversions == [plan.recipe_file]
    assert plan.inputs_of_recipe == [plan.land_mask_file]
    make_products(plan, 1)
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    assert plan.inputs_of_conversions == [plan.land_mask_file]
    plan.land_mask_file.write_text("")
    assert plan.inputs_of_conversions == plan.inputs_of_recipe == []
    other = plan_of(config, resolution="500m")
    assert (other.outdated, other.inputs_of_conversions) == (1, [other.recipe_file])
    make_products(plan, 2, 3, 4)
    assert plan_of(config).inputs_of_conversions == []


def test_command_of_a_conversion_means_what_it_says(config, tmp_path):
    plan = plan_of(config, output_dir=str(tmp_path / "a {wild} 'place'"))
    # Snakemake formats it, and the shell takes it apart.
    words = shlex.split(plan.command(Path("/scripts/convert.py")).format(wild="WRONG"))
    assert words == [sys.executable, "/scripts/convert.py", "--run", str(plan.run_file)]


def test_a_job_goes_by_the_recipe_in_force(config, own):
    mine = own("def l1b(safe, resolution): return 1\n")
    plan = plan_of(config, function=mine)
    recipe.put_in_force(plan.recipe_file, plan.recipe)
    own("def l1b(safe, resolution): return 2\n")
    assert Plan.of_job({**config, "function": mine}).recipe == plan.recipe


def test_prepare_clears_what_was_killed(config):
    plan = plan_of(config)
    make_products(plan, 1)
    stale = part(plan.layout.product(name(2)), pid=dead_pid())
    stale.write_text("half")
    plan.prepare()
    assert not stale.exists()
    assert plan.layout.product(name(1)).exists()
    assert (plan.layout.output_dir / "logs").is_dir()


@pytest.mark.parametrize("step", ["list", "write"])
def test_output_dir_that_cannot_be(config, tmp_path, step):
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" if step == "list" else tmp_path / "file" / "below"
    with pytest.raises(ConfigError) as error:
        plan_of(config, output_dir=str(output)).prepare()
    first, second = str(error.value).splitlines()
    assert first.startswith("output_dir: cannot ") and str(output) in first
    assert second == ("    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b")


def test_preview(config, tmp_path):
    (tmp_path / "archive" / f"{name(1)[:-4]}0000.SAFE").mkdir()
    (tmp_path / "archive" / f"{name(1).replace('IW', 'EW')}.SAFE").mkdir()
    (tmp_path / "empty").mkdir()
    for number in range(5):
        (tmp_path / "archive" / f"LANDSAT{number}.SAFE").mkdir()
    gone = f"/gone/{name(9)}.SAFE"
    (tmp_path / "list.txt").write_text(f"{gone}\n{gone}\n")
    make_products(plan_of(config), 2)
    safes = [*config["safes"], str(tmp_path / "list.txt"), str(tmp_path / "empty")]
    plan = plan_of(config, safes=safes, select={"mode": "IW"})
    archive = tmp_path / "archive"
    assert list(messages.preview(plan)) == [
        "xsar-batch: 13 SAFEs found, 5 selected, 1 duplicates; 1 done, 4 pending"
        f" -> {tmp_path}/out",
        "    1 left out: not asked for by `select`",
        "    1 left out: listed or found twice",
        "    5 not a Sentinel-1 name, left out: "
        f"{archive}/LANDSAT0.SAFE, {archive}/LANDSAT1.SAFE, {archive}/LANDSAT2.SAFE and 2 more",
        f"    1 nothing found in: {tmp_path}/empty",
        f"    1 listed but not there, will fail: {gone}",
    ]


def test_preview_says_no_more_than_there_is(config, tmp_path):
    assert list(messages.preview(plan_of(config))) == [
        f"xsar-batch: 4 SAFEs found, 4 selected, 0 duplicates; 0 done, 4 pending -> {tmp_path}/out"
    ]


def test_end(config, tmp_path):
    plan = plan_of(config)
    # Of an earlier run, so it says nothing of this one.
    outcome.Outcome(plan.layout.outcome(name(4)), name(4)).done()
    time.sleep(0.002)
    plan.prepare()
    outcome.Outcome(plan.layout.outcome(name(1)), name(1)).done()
    outcome.Outcome(plan.layout.outcome(name(2)), name(2)).failed(BadSafe("x.tiff is empty"))
    outcome.Outcome(plan.layout.outcome(name(3)), name(3))
    assert list(messages.end(plan)) == [
        "xsar-batch: 1 done, 2 failed (1 bad-safe, 1 killed), 1 not tried",
        f"    {name(2)}: bad-safe: x.tiff is empty",
        f"    {name(3)}: killed: ended without a word, out of memory or by a signal",
        f"    logs are in {tmp_path}/out/logs; the same command tries these again",
    ]


def test_end_of_a_run_without_a_failure(config):
    plan = plan_of(config)
    plan.prepare()
    for number in range(1, 5):
        outcome.Outcome(plan.layout.outcome(name(number)), name(number)).done()
    assert list(messages.end(plan)) == ["xsar-batch: 4 done, 0 failed"]


def test_end_with_many_failures_is_short(config):
    plan = plan_of(config)
    plan.prepare()
    plan.pending = [f"safe{number}" for number in range(25)]
    for one in plan.pending:
        outcome.Outcome(plan.layout.outcome(one), one).failed(BadSafe("x"))
    lines = list(messages.end(plan))
    assert lines[0] == "xsar-batch: 0 done, 25 failed (25 bad-safe)"
    assert lines[-2] == "    and 5 more"
    assert len(lines) == 1 + messages.SHOWN + 2


def test_say_prints_to_stderr(capfd):
    messages.say(["one", "two"])
    assert capfd.readouterr() == ("", "one\ntwo\n")
