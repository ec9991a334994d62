"""The small modules that know of no other, each on real files and processes."""

import datetime as dt
import os
import pickle
import py_compile
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from plan_helpers import NAME, NO_PROCESS

from xsar_batch.conversion import job_table, outcome, user_function
from xsar_batch.failures import BadSafe, ConfigError, Unsupported
from xsar_batch.sentinel1 import cell_size, product_name
from xsar_batch.system import atomic_write, threads

# -- safe_name -------------------------------------------------------------------------------


def test_name_taken_apart():
    assert product_name.parse(NAME) == {
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
    assert tuple(product_name.parse(NAME)) == product_name.FIELDS


@pytest.mark.parametrize(
    ("real", "fields"),
    [
        ("S1B_EW_GRDM_1SDH_20210809T173953_20210809T174018_039156_049F13_6FF8", "EW GRDM DH"),
        ("S1A_S3_GRDH_1SSV_20210809T173953_20210809T174018_039156_049F13_6FF8", "S3 GRDH SV"),
        ("S1C_IW_SLC__1SDV_20250809T173953_20250809T174018_039156_049F13_6FF8", "IW SLC_ DV"),
        ("S1A_WV_OCN__2SSV_20210809T173953_20210809T174018_039156_049F13_6FF8", "WV OCN_ SV"),
        ("S1A_IW_RAW__0SDV_20210809T173953_20210809T174018_039156_049F13_6FF8", "IW RAW_ DV"),
    ],
)
def test_names_of_other_kinds(real, fields):
    found = product_name.parse(real)
    assert f"{found['mode']} {found['product_type']} {found['polarisation']}" == fields


def test_no_names():
    ends = [NAME[:-1], f"{NAME}.SAFE", f"{NAME}_GOC", f"{NAME}_COG_COG"]
    for wrong in ("", f"x{NAME}", NAME.lower(), "S2" + NAME[2:], *ends):
        assert product_name.parse(wrong) is None, wrong


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
        # Lines of real products before IPF 2.50.
        *(("1000m", (spacing, 10), (100, 100)) for spacing in (10.00088, 9.998647, 10.00479)),
        ("1000m", (3.5, 3.5), (286, 286)),  # 1001 m
        ("1005m", (10, 10), (100, 100)),
    ],
)
def test_whole_pixels(asked, spacing, cell):
    found = cell_size.pixels_per_cell(asked, *spacing)
    assert found == {"line": cell[0], "sample": cell[1]}
    # xsar looks at the type: with floats it takes another, wrong way.
    assert [type(count) for count in found.values()] == [int, int]


@pytest.mark.parametrize(
    ("asked", "spacing", "why"),
    [
        ("504m", (10, 10), "of 10 m pixels; take for example 500m or 510m"),
        # Both spacings must fit.
        ("100m", (10, 15), "of 15 m pixels; take for example 90m or 120m"),
        ("5m", (10, 10), "of 10 m pixels; take for example 10m"),
        ("504m", (10.00479, 10), "of 10.0048 m pixels; take for example 500m or 510m"),
        (1050, (40, 40), "of 40 m pixels; take for example 1040m or 1080m"),
        ("505m", (10.03, 9.97), ""),
    ],
)
def test_no_whole_pixels(asked, spacing, why):
    with pytest.raises(Unsupported) as error:
        cell_size.pixels_per_cell(asked, *spacing)
    metres = str(asked).removesuffix("m")
    assert str(error.value).startswith(f"a resolution of {metres}m is no whole number {why}")
    # What it suggests can be taken.
    suggestions = re.findall(r"\S+m\b", str(error.value).split("for example ")[1])
    assert suggestions
    for suggestion in suggestions:
        cell_size.pixels_per_cell(suggestion, *spacing)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1000m", "1000m"),
        ("1000.0m", "1000m"),
        ("1000.00m", "1000m"),
        ("12.50m", "12.5m"),
        ("100000000m", "100000000m"),
    ],
)
def test_each_resolution_has_one_name(written, meant):
    assert cell_size.normalised(written) == meant
    assert cell_size.normalised(meant) == meant
    assert cell_size.metres(written) == cell_size.metres(meant)


IW, EW, EW_HIGH = ("IW", "GRDH"), ("EW", "GRDM"), ("EW", "GRDH")


@pytest.mark.parametrize(
    ("asked", "kinds", "why"),
    [
        ("1000m", [IW, EW, EW_HIGH], None),
        ("1000m", [("S1", "GRDF"), ("S6", "GRDH")], None),
        ("1000m", [("S3", "GRDF")], None),  # 286 pixels of 3.5 m
        ("10m", [IW], None),
        ("40m", [EW], None),
        ("25m", [EW_HIGH], None),
        ("50m", [EW, IW], None),  # of one of them: the others fail one by one, and say so
        ("1005m", [("IW", "SLC_"), ("N3", "GRDH")], None),  # nothing is known of these
        ("1005m", [], None),
        ("504m", [IW], r"IW GRDH: .* 504m is .* of 10 m pixels; take .* 500m or 510m"),
        ("50m", [("IW", "SLC_"), EW], r"EW GRDM: .* 50m is .* of 40 m pixels; take .* 40m or 80m"),
        ("100m", [("S3", "GRDF")], r"S3 GRDF: .* 100m is .* of 3.5 m pixels; take .* 98m or 102m"),
        ("33m", [IW, EW_HIGH], r"IW GRDH: .* 33m is .* 30m or 40m; EW GRDH: .* 33m .* 25m or 50m"),
    ],
)
def test_resolution_is_refused_that_fits_no_kind(asked, kinds, why):
    if why is None:
        cell_size.check(asked, kinds)
    else:
        with pytest.raises(ConfigError, match=f"^resolution: {why}$"):
            cell_size.check(asked, kinds)


# -- publish ---------------------------------------------------------------------------------


def part(path, host=None, pid=None):
    host = host or os.uname().nodename.split(".")[0]
    return path.with_name(f".{path.name}.{host}-{pid or os.getpid()}.part")


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a.nc"
    path.write_text("old")
    with atomic_write.published(path) as temporary:
        assert temporary.parent == tmp_path  # a rename across file systems is none
        assert temporary.name.startswith(".") and not temporary.name.endswith(".nc")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", ["old", None])
@pytest.mark.parametrize("why", [KeyboardInterrupt, FileNotFoundError])
def test_a_failure_leaves_all_as_it_was(tmp_path, before, why):
    path = tmp_path / "a.nc"
    if before:
        path.write_text(before)
    with pytest.raises(why), atomic_write.published(path) as temporary:
        # Nothing written is a failure too.
        if why is KeyboardInterrupt:
            temporary.write_text("half")
            raise KeyboardInterrupt
    assert [f.read_text() for f in tmp_path.iterdir()] == ([before] if before else [])


def test_a_killed_writer_leaves_nothing_under_the_name(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from xsar_batch.system.atomic_write import published\n"
        "with published(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    path = tmp_path / "a.nc"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "ready\n"
        # While it lives, its file is not stale.
        assert atomic_write.remove_stale(tmp_path) == 0
        writer.send_signal(signal.SIGKILL)
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 1
    assert atomic_write.remove_stale(tmp_path) == 1
    assert not list(tmp_path.iterdir())


def test_only_what_is_stale_is_removed(tmp_path):
    old, young = (
        time.time() - atomic_write.STALE_AFTER - 60,
        time.time() - atomic_write.STALE_AFTER + 60,
    )
    files = {
        part(tmp_path / "own-dead.nc", pid=NO_PROCESS): None,
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
    assert atomic_write.remove_stale(tmp_path) == 3
    assert atomic_write.remove_stale(tmp_path / "gone") == 0
    gone = {file.name.split(".")[1] for file in files if not file.exists()}
    assert gone == {"own-dead", "other-old", "other-with-dash"}


def test_write_text_makes_the_folder(tmp_path):
    atomic_write.write_text(tmp_path / "a" / "b" / "c.json", "{}")
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
    job_table.write(path, KNOWN, safes)
    assert {name: job_table.read(path, name) for name in safes} == {
        name: (KNOWN, place) for name, place in safes.items()
    }
    assert job_table.read(path, "unknown") == (KNOWN, None)
    assert job_table.read(path, NAME.lower()) == (KNOWN, None)
    # No journal, no lock, no temporary file: only the table.
    assert list(path.parent.iterdir()) == [path]
    # It is replaced as a whole.
    job_table.write(path, {}, {"é": "/other"})
    assert (job_table.read(path, NAME), job_table.read(path, "é")) == (({}, None), ({}, "/other"))
    job_table.write(path, KNOWN, {})
    assert job_table.read(path, "é") == (KNOWN, None)


def test_missing_run_file_is_not_taken_for_an_unknown_name(tmp_path):
    with pytest.raises(ConfigError) as error:
        job_table.read(tmp_path / "gone.sqlite", NAME)
    gone = tmp_path / "gone.sqlite"
    assert str(error.value) == f"{gone} is not there; it is written when a run starts"
    assert not list(tmp_path.iterdir())


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
        user_function.identity(of)
    return str(error.value)


def test_identity_of_ours_is_its_name():
    # It is asked for in the main process and before the SAFE's check.
    program = (
        "import sys; from xsar_batch.conversion import user_function as f\n"
        "assert f.identity(f.OURS) == 'xsar_batch.l1b:l1b'\n"
        "assert 'xsar' not in sys.modules and 'xsar_batch.l1b' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_identity_follows_contents_and_not_the_place(own, tmp_path):
    here = user_function.identity(own("def l1b(safe, resolution): return 1\n"))
    assert re.fullmatch(r"mine\.py:l1b sha256:[0-9a-f]{12}", here)
    there = own("def l1b(safe, resolution): return 1\n", folder=tmp_path / "moved")
    assert user_function.identity(there) == here
    changed = own("def l1b(safe, resolution): return 2\n")
    assert user_function.identity(changed) != here
    both = own("def l1b(): 1\ndef other(): 2\n")
    assert user_function.identity(both) != user_function.identity(both.replace(":l1b", ":other"))


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
    assert user_function.identity(own(text + "\n")).startswith("mine.py:l1b sha256:")


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


@pytest.fixture
def imports(monkeypatch):
    """What a test imports is forgotten."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for module in set(sys.modules) - before:
        if module.startswith(("function_of_the_user_", "neighbour_of_mine")):
            del sys.modules[module]


def load(of):
    return user_function.load(of, user_function.identity(of))


def test_load_from_a_module():
    assert load("xsar_batch.sentinel1.product_name:parse") is product_name.parse


def test_load_from_a_file_that_imports_its_neighbour(own, tmp_path, imports):
    (tmp_path / "neighbour_of_mine.py").write_text("ANSWER = 42\n")
    mine = own(
        "from dataclasses import dataclass\nfrom neighbour_of_mine import ANSWER\n"
        "@dataclass\nclass Result:\n    answer: int\n"
        "def l1b(safe, resolution): return Result(ANSWER), safe, resolution\n"
    )
    result, *arguments = load(mine)("a.SAFE", "1000m")
    assert (result.answer, arguments) == (42, ["a.SAFE", "1000m"])
    assert pickle.loads(pickle.dumps(result)) == result


def test_load_from_a_relative_path(own, tmp_path, monkeypatch, imports):
    own("def l1b(): return __file__\n")
    monkeypatch.chdir(tmp_path)
    assert load("./mine.py:l1b")() == load("mine.py:l1b")() == str(tmp_path / "mine.py")


def test_load_from_a_link(own, tmp_path, imports):
    own("def l1b(): return 1\n", file="version_2.py")
    (tmp_path / "current.py").symlink_to("version_2.py")
    assert load(f"{tmp_path}/current.py:l1b")() == 1


def test_load_passes_on_what_the_import_raises(own, imports):
    with pytest.raises(ZeroDivisionError):
        load(own("1 / 0\ndef l1b(): pass\n"))


def test_load_refuses_a_file_that_was_changed_or_went_away(own, imports):
    mine = own("def l1b(): return 1\n")
    expected = user_function.identity(mine)
    path = Path(mine.removesuffix(":l1b"))
    own("raise SystemExit('it was run')\ndef l1b(): return 2\n")
    with pytest.raises(ConfigError, match=rf"^{path} was changed during the run: start it again$"):
        user_function.load(mine, expected)
    path.unlink()
    with pytest.raises(ConfigError, match=r"^function: cannot read .*: No such file or directory"):
        user_function.load(mine, expected)


def test_what_was_compared_is_what_is_run(own, tmp_path):
    # A pipe gives its text once: whoever opens it again waits for ever.
    mine = own("def l1b(): return 'as it was read'\n")
    expected = user_function.identity(mine)
    whole = (tmp_path / "mine.py").rename(tmp_path / "whole.py")
    os.mkfifo(tmp_path / "mine.py")
    program = "import sys; from xsar_batch.conversion.user_function import load\n"
    program += "print(load(*sys.argv[1:])())"
    with subprocess.Popen(["sh", "-c", 'cat "$0" > "$1"', whole, tmp_path / "mine.py"]):
        ran = subprocess.run(
            [sys.executable, "-c", program, mine, expected],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert ran.stdout == "as it was read\n"


def test_stale_compilation_is_not_used(own, tmp_path, imports):
    mine = own("def l1b(): return 'old'\n")
    # One that Python believes without a look at the file, as after a copy that kept its time.
    py_compile.compile(
        str(tmp_path / "mine.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    own("def l1b(): return 'new'\n")
    ran = subprocess.run(
        [sys.executable, "-c", "import mine; print(mine.l1b())"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "old\n", "this compilation deceives nobody"
    assert load(mine)() == "new"


def test_file_called_xsar_takes_nobody_s_place(own, imports):
    import xsar

    mine = own("import xsar\ndef l1b(): return xsar\n", file="xsar.py")
    # In a conversion xsar is imported before, as here.
    assert load(mine)() is xsar
    assert sys.modules["xsar"] is xsar


# -- threads ---------------------------------------------------------------------------------


def test_all_libraries_are_told(monkeypatch):
    for variable in threads.VARIABLES:
        monkeypatch.setenv(variable, "28")
    monkeypatch.setenv("GDAL_NUM_THREADS", "28")
    threads.limit(2)
    assert {os.environ[variable] for variable in threads.VARIABLES} == {"2"}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"} <= {*threads.VARIABLES}
    assert os.environ["GDAL_NUM_THREADS"] == "1"


# -- outcome ---------------------------------------------------------------------------------

FIRST = {"resolution": "1000m", "function": "xsar_batch.l1b:l1b", "land_mask": "GSHHG"}
SECOND = {**FIRST, "resolution": "500m"}


def test_attempts_are_counted_until_one_succeeds(tmp_path):
    path = tmp_path / "a.json"
    for number, succeeds in ((1, False), (2, True), (1, True)):
        one = outcome.Outcome(path, NAME)
        assert outcome.read(path)["attempt"] == number
        if succeeds:
            one.done()
        else:
            one.failed(BadSafe("x"))


#: How an attempt ends, what that returns, and state, class, cause and exit code of its record.
ENDS = {
    "done": (
        lambda one: one.done(product_bytes=5),
        rf"DONE {NAME} in \d\.\d s",
        ["done", None, None, 0],
    ),
    "failed": (
        lambda one: one.failed(BadSafe("measurement/x.tiff\n   is empty")),
        r"FAILED bad-safe: measurement/x\.tiff is empty",
        ["failed", "bad-safe", "measurement/x.tiff is empty", 65],
    ),
    "interrupted": (
        lambda one: one.interrupted("SIGTERM", 143),
        "INTERRUPTED by SIGTERM",
        ["interrupted", None, "SIGTERM", 143],
    ),
}


@pytest.mark.parametrize(("end", "line", "expected"), ENDS.values(), ids=ENDS)
def test_record_of_an_attempt(end, line, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("PBS_JOBID", "123.datarmor")
    path = tmp_path / "logs" / "a.json"
    before = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    one = outcome.Outcome(path, NAME, threads=2)
    running = outcome.read(path)
    assert before <= running["started"] <= dt.datetime.now(dt.UTC).isoformat()
    assert running | {"started": None} == {
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
    while dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds") <= running["started"]:
        pass
    assert re.fullmatch(line, end(one))
    record = outcome.read(path)
    assert [record[key] for key in ("state", "class", "cause", "exit_code")] == expected
    assert record["ended"] > record["started"] == running["started"]
    assert 0.001 <= record["seconds"] < 10
    assert record["cpu_seconds"] > 0
    assert 10 < record["peak_memory_mb"] < 10_000
    assert record.get("product_bytes") == (5 if record["state"] == "done" else None)


@pytest.mark.parametrize("path", [None, "a file where the folder should be/a.json"])
def test_record_that_cannot_be_written_hides_nothing(path, tmp_path):
    (tmp_path / "a file where the folder should be").write_text("")
    one = outcome.Outcome(path and tmp_path / path, NAME)
    assert one.failed(BadSafe("the reason")) == "FAILED bad-safe: the reason"


def test_record_is_written_in_place_when_it_cannot_be_replaced(tmp_path):
    # As on a full disk. Longer or shorter, it is whole, and knows what it knew of the product.
    path = tmp_path / "a.json"
    outcome.Outcome(path, NAME, recipe=FIRST).done()
    one = outcome.Outcome(path, NAME, recipe=SECOND)
    # Where the temporary file would go is a folder: this fails for root too.
    part(path).mkdir()
    part(path).joinpath("x").write_text("")
    for reason in ("the reason", "a longer reason " * 20, "short"):
        assert one.failed(BadSafe(reason)) == f"FAILED bad-safe: {reason.strip()}"
        record = outcome.read(path)
        assert (record["state"], record["cause"]) == ("failed", reason.strip())
        assert record["product_record"]["recipe"] == FIRST


@pytest.mark.parametrize("text", [None, "", '{"state": "do'])
def test_record_that_is_not_whole(tmp_path, text):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    assert outcome.read(tmp_path / "a.json") is None


def made_with(path):
    made = outcome.of_product(outcome.read(path))
    return made and made["recipe"]


def test_a_product_is_made_with_the_recipe_of_its_conversion(tmp_path):
    path = tmp_path / "a.json"
    for recipe in (FIRST, SECOND):
        one = outcome.Outcome(path, NAME, recipe=recipe)
        one.forget_old_product()
        assert made_with(path) is None
        one.done()
        assert made_with(path) == recipe


@pytest.mark.parametrize("end", ["failed", "interrupted", "killed"])
def test_an_attempt_that_makes_nothing_leaves_the_product_as_it_was(tmp_path, end):
    path = tmp_path / "a.json"
    outcome.Outcome(path, NAME, recipe=FIRST).done()
    for _ in range(2):
        one = outcome.Outcome(path, NAME, recipe=SECOND)
        assert made_with(path) == FIRST
        if end != "killed":
            ENDS[end][0](one)
        assert made_with(path) == FIRST


def test_while_the_product_is_replaced_nobody_knows(tmp_path):
    path = tmp_path / "a.json"
    outcome.Outcome(path, NAME, recipe=FIRST).done()
    one = outcome.Outcome(path, NAME, recipe=SECOND)
    one.forget_old_product()
    assert (outcome.read(path)["state"], made_with(path)) == ("running", None)
    # Killed here, the next attempt does not know either.
    assert outcome.of_product(outcome.Outcome(path, NAME, recipe=FIRST).record) is None
    one.done()
    assert made_with(path) == SECOND


# -- layout ----------------------------------------------------------------------------------


# -- annotation ------------------------------------------------------------------------------
