"""What users type to see what is pending and to run some of it again: what is said, what is run.

One folder of four SAFEs serves all rows: one is done, one is no whole SAFE and one an SLC, both of
which failed, and one is new.
"""

import base64
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from processes import snakemake_command
from repository import run_snakemake
from safes import copy_safe
from work import Work

#: With the list of jobs, which no profile shows without -p.
DRY = ("-n", "-p", "--cores", "2")


@pytest.fixture(scope="module")
def names(scene):
    """Names of SAFEs, as the rows below call them."""
    done, bad, slc, new = (scene(number).stem for number in range(4))
    slc = slc.replace("GRDH_1", "SLC__1")
    return {"DONE": done, "BAD": bad, "SLC": slc, "NEW": new, "GONE": done.replace("S1A", "S1C")}


@pytest.fixture(scope="module")
def work(tmp_path_factory, scene, names, land_source):
    work = Work.new(tmp_path_factory.mktemp("types"), land_source, report=True)
    for number, name in enumerate(("DONE", "BAD", "SLC", "NEW")):
        if name != "NEW":
            made = copy_safe(scene(number), work.archive, linked=True)
            made.rename(work.archive / f"{names[name]}.SAFE")
    (work.archive / f"{names['BAD']}.SAFE" / "manifest.safe").unlink()
    ran = work.snakemake()
    assert "of 3 pending, 1 made, 2 failed (1 bad-safe, 1 unsupported)" in ran.out
    copy_safe(scene(3), work.archive, linked=True)
    (work.folder / "bad.txt").write_text(f"# known\n{work.archive}/{names['BAD']}.SAFE\n")
    (work.folder / "my.yaml").write_text("compression: 4\n")
    return work


class Row(NamedTuple):
    """Words of a dry run, the SAFEs that it would convert, what it says (patterns), its exit code.

    @NAME stands for the name of a SAFE.
    """

    words: str
    converts: str | None = None
    says: tuple[str, ...] = ()
    code: int = 0


ALL_PENDING = "4 SAFEs found, 4 selected, 0 duplicates; 1 done, 3 pending -> out"
COMMAND = "xsar-batch: this command converts "

ROWS = {
    "what is pending": Row(
        "",
        "@BAD @SLC @NEW",
        (
            ALL_PENDING,
            r"1 of the pending will fail as unsupported: this is a product of type IW SLC",
            r"2 of the pending failed last time \(1 bad-safe, 1 unsupported\)",
        ),
    ),
    "with a profile": Row("--profile profiles/local", "@BAD @SLC @NEW", (ALL_PENDING,)),
    "everything again": Row("--forceall", "@DONE @BAD @SLC @NEW", (COMMAND + "4 SAFEs",)),
    "one rule by force": Row("--forcerun convert --", "@BAD @SLC @NEW"),
    "as far as the land mask": Row("--until land_mask", "", (COMMAND + "0 SAFEs",)),
    "a SAFE by its name": Row("@NEW", "@NEW", (COMMAND + "1 SAFE: @NEW",)),
    "by the name of its folder": Row("@NEW.SAFE", "@NEW", (COMMAND + "1 SAFE: @NEW",)),
    "behind other options": Row("--configfile my.yaml -- @NEW", "@NEW"),
    "by its product": Row("out/@NEW.nc", "@NEW", (COMMAND + "1 SAFE: @NEW",)),
    "one that is done": Row("@DONE", "", (COMMAND + "0 SAFEs",)),
    "one that is done, by force": Row("-f out/@DONE.nc", "@DONE", (COMMAND + "1 SAFE: @DONE",)),
    "no such name": Row("@GONE", None, ("@GONE: no SAFE of this name", "write:  @DONE"), 1),
    "no such rule": Row("peding", None, ("peding: no rule, no SAFE and no", "write:  pending"), 1),
    "nothing like it": Row("frobnicate", None, ("frobnicate: no rule", "write:  pending, fail"), 1),
    "unlock, whatever the settings": Row(
        "--unlock --config safes=/nowhere resolution=500m", None, ("Unlocked working directory",)
    ),
    "by the absolute path of its product": Row("$PWD/out/@NEW.nc", "@NEW"),
    "a done one by force": Row("-f @DONE", "", ("@DONE is done; .*-f out/@DONE.nc",)),
    "settings given twice": Row(
        "--config safes=empty --quiet --config resolution=500m",
        None,
        (r"--config safes=empty resolution=500m --quiet\n",),
        1,
    ),
    "output_dir among the SAFEs": Row(
        "--config output_dir=archive/out", "@DONE @BAD @SLC @NEW", ("output_dir lies in archive",)
    ),
    "no blank after a colon": Row(
        "--config 'select={mode:IW}'", None, ("blank is missing", "write:  mode: IW"), 1
    ),
    "all that failed": Row(
        "--config 'select={state: failed}'", "@BAD @SLC", ("4 SAFEs found, 2 selected",)
    ),
    "one class": Row("--config 'select={state: bad-safe}'", "@BAD", ("1 selected", "1 pending")),
    "a class that nothing has": Row("--config 'select={state: timed-out}'", "", ("0 selected",)),
    "no class": Row("--config 'select={state: odd}'", None, ("select.state", "bad-safe"), 1),
    "without the bad ones": Row(
        "--config 'exclude=[@BAD, \"*_SLC__*\"]'", "@NEW", ("2 left out: excl",)
    ),
    "a list that YAML cannot read": Row(
        "--config 'exclude=[@BAD, *_SLC__*]'", None, ("exclude",), 1
    ),
    "without those of a listing": Row(
        "--config exclude=bad.txt", "@SLC @NEW", ("1 left out: excl",)
    ),
    "a SAFE that is not there": Row(
        "--config 'safes=[archive, /nowhere/@GONE.SAFE]'",
        "@BAD @SLC @NEW @GONE",
        ("1 listed but not there, will fail: /nowhere/@GONE.SAFE",),
    ),
    "a name of no SAFE": Row(
        "--config 'safes=[archive, /nowhere/error.SAFE]'",
        "@BAD @SLC @NEW error",
        ("1 listed but not there, will fail: /nowhere/error.SAFE",),
    ),
    "a name of no SAFE, by itself": Row("--config safes=/nowhere/error.SAFE -- error", "error"),
    "land_mask: null": Row("--config land_mask=null output_dir=other", "@DONE @BAD @SLC @NEW"),
}


@pytest.mark.parametrize("row", ROWS)
def test_dry_run(row, work, names):
    def named(text: str) -> str:
        return re.sub(r"@(\w+)\b", lambda found: names[found[1]], text)

    words, converts, says, code = ROWS[row]
    command = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {named(words)}"],
        cwd=work.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    given = [word for word in command.stdout.split("\0") if word]

    ran = run_snakemake(work.folder, *DRY, *given)

    assert ran.code == code, ran.out
    for pattern in says:
        assert re.search(named(pattern), ran.out), ran.out
    if converts is not None:
        planned = re.findall(r"rule convert:.*?wildcards: name=(\S+)", ran.out, re.DOTALL)
        # A profile of this project shows no jobs, but their number.
        assert set(planned or named(converts).split()) == set(named(converts).split()), ran.out
    assert "Traceback" not in ran.out
    assert not (work.folder / "other").exists()


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("pending", {"BAD": "bad-safe: manifest", "SLC": "unsupported: this", "NEW": "no product"}),
        ("failed", {"BAD": "bad-safe: manifest", "SLC": "unsupported: this"}),
        ("done", {"DONE": "product is there"}),
    ],
)
def test_tables(which, expected, work, names):
    """They are all that is on standard output, for other tools."""
    command = snakemake_command(which, "--cores", "1", "--quiet", "all")
    ran = subprocess.run(command, cwd=work.folder, capture_output=True, text=True, check=True)

    head, *rows = (line.split("\t") for line in ran.stdout.splitlines())
    assert head == ["name", "state", "reason", "path"]
    assert {name for name, *_ in rows} == {names[name] for name in expected}
    for name, state, reason, path in rows:
        known = next(key for key in expected if names[key] == name)
        assert reason.startswith(expected[known])
        assert state == {"DONE": "done", "NEW": "pending"}.get(known, "failed")
        assert Path(path).name == f"{name}.SAFE" and Path(path).is_dir()


def test_head_ends_it_quietly(work):
    words = " ".join(snakemake_command(*DRY))
    ran = subprocess.run(
        ["bash", "-c", f"{words} | head -2"], cwd=work.folder, capture_output=True, text=True
    )
    assert len(ran.stdout.splitlines()) == 2
    assert "BrokenPipe" not in ran.stderr and "Traceback" not in ran.stderr


def test_snakemakes_own_summary_and_report(work, names):
    summary = run_snakemake(work.folder, "--summary")
    assert re.search(rf"out/{names['NEW']}\.nc\t-\tconvert", summary.out), summary.out
    report = run_snakemake(work.folder, "--report", "snakemake-report.html")
    assert report.code == 0, report.out
    assert (work.folder / "snakemake-report.html").stat().st_size > 10_000


@pytest.fixture
def copy(work, tmp_path):
    return Work(Path(shutil.copytree(work.folder, tmp_path / "copy")))


def test_retry_of_what_failed_leaves_what_is_new_and_the_account_of_all(copy, names):
    ran = copy.snakemake("--config", "select={state: failed}")

    assert "of 2 pending, 0 made, 2 failed" in ran.out
    status = (copy.out / "status.csv").read_text()
    assert all(names[name] in status for name in ("DONE", "BAD", "SLC"))
    assert set(copy.products) == {names["DONE"]}


def test_run_that_selects_nothing_keeps_the_account_of_all(copy, names):
    ran = copy.snakemake("--config", "select={mode: EW}")

    assert ran.code == 0 and "nothing to do: no SAFE is selected" in ran.out
    status = (copy.out / "status.csv").read_text()
    assert all(names[name] in status for name in ("DONE", "BAD", "SLC"))


def test_done_and_new_by_name(copy, names):
    before = copy.products[names["DONE"]]

    ran = copy.snakemake("-f", f"out/{names['DONE']}.nc", names["NEW"])

    assert ran.code == 0 and "of 2 pending, 2 made, 0 failed" in ran.out
    assert set(copy.products) == {names["DONE"], names["NEW"]}
    assert copy.products[names["DONE"]] != before


def test_without_a_profile_the_hint_lets_the_others_go_on(copy):
    ran = run_snakemake(copy.folder, "--cores", "1", "--config", "select={state: failed}")

    assert ran.code == 1, ran.out
    hint = re.search(r"To retry failures and process new SAFEs, run:\n +(.*)", ran.out)
    assert hint[1].endswith("--keep-going")


def test_locks_of_killed_runs_are_not_told_and_messages_are_few(copy):
    """Snakemake reads profiles/default in any case. Such a lock is left by kill -9 without it."""
    locks = copy.folder / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text(f"{copy.out}/x.nc\n")

    ran = run_snakemake(copy.folder, "-n")

    assert ran.code == 0 and "3 pending" in ran.out
    assert "lock" not in ran.out.lower() and "Workflow ID" not in ran.out
    assert len(ran.out.splitlines()) < 25, ran.out


def test_no_core_at_all(copy):
    ran = run_snakemake(copy.folder, "--cores", "0")

    assert ran.code == 1 and "write:  --cores 1" in ran.out
    # A refusal is what it says, and no lines of code.
    assert 'File "' not in ran.out


def test_what_was_made_is_whole_whatever_snakemake_knows(copy, names):
    """As after Ctrl-C, when a conversion ended later than Snakemake."""
    product = f"out/{names['DONE']}.nc"
    before = copy.products
    (copy.folder / ".snakemake" / "incomplete").mkdir(exist_ok=True)
    marker = base64.b64encode(product.encode()).decode()
    (copy.folder / ".snakemake" / "incomplete" / marker).touch()

    for options in (("--cores", "1"), ("--profile", "profiles/local")):
        ran = run_snakemake(copy.folder, *options, names["DONE"])
        assert ran.code == 0, ran.out
        assert f"{names['DONE']} is done; to make it again" in ran.out
    assert copy.products == before


def test_a_useless_retry_is_not_made(copy, names):
    """A name of no SAFE among them: each fails as one, in one attempt, and the other is made."""
    (copy.archive / "error.SAFE").mkdir()
    places = "safes=[archive, archive/error.SAFE, /nowhere/error2.SAFE]"
    before = {name: copy.outcome(names[name])["attempt"] for name in ("BAD", "SLC")}

    ran = copy.snakemake("--retries", "2", "--config", places)

    assert "of 5 pending, 1 made, 4 failed (2 bad-safe, 2 unsupported)" in ran.out
    assert copy.outcome("error")["cause"] == "its name, error, is no name of a Sentinel-1 product"
    for name in ("BAD", "SLC"):
        assert copy.outcome(names[name])["attempt"] == before[name] + 1
        assert ran.out.count(f"{names[name]}: ") == 2, ran.out
