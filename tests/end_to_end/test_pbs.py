"""`snakemake --profile profiles/pbs` with real conversions, on the stand-in PBS."""

import re

import agree
import pytest
import xarray as xr
import yaml
from processes import TIMEOUT, Ran, run, snakemake_command, until
from repository import REPO, last_line
from standin.pbs import QUEUES, Server
from work import Work, ending, preview

PROFILE = ("--profile", "profiles/pbs")

#: Only to be quick: how often PBS is asked, and how long a second try waits for others.
QUICK = ("--seconds-between-status-checks", "2", "--pbs-pack-wait", "2")
GOOD, BAD = 3, 3


@pytest.fixture
def pbs(tmp_path):
    server = Server.new(tmp_path / "pbs")
    yield server
    server.stop()


@pytest.fixture
def work(tmp_path, scene, land_source) -> Work:
    """Three good SAFEs, and one without pixels."""
    folder = tmp_path / "a working directory"
    return Work.new(folder, land_source, map(scene, range(GOOD)), [scene(BAD)])


def test_good_and_bad_ones_in_one_pack(work, pbs, scene):
    work.change(report=True)
    command = snakemake_command(*PROFILE, *QUICK)
    ran = run(*command, cwd=work.folder, **pbs.environment)

    bad = scene(BAD).stem
    assert ran.code != 0
    assert set(work.products) == {scene(number).stem for number in range(GOOD)}
    assert ending(ran).startswith(f"xsar-batch: of 4 pending, {GOOD} made, 1 failed (1 bad-safe)\n")
    assert last_line(work.log(bad)).endswith("is empty")
    # One pack of four, with what the profile and the rule ask for. A bad SAFE is not tried twice.
    (call,) = pbs.calls("qsub")
    assert call[call.index("-q") + 1] == "sequentiel"
    assert "select=1:ncpus=1:mem=1800mb" in call
    assert "walltime=0:40:00" in call
    assert work.outcome(bad)["attempt"] == 1
    ids = [job["id"] for job in pbs.jobs()]
    for name in work.products:
        assert work.outcome(name)["pbs_job"] == ids[0]
        with xr.open_dataset(work.out / f"{name}.nc") as ds:
            assert (ds["sigma0"].notnull() == (ds["quality_flag"] <= 1)).all()
    assert len(list((work.folder / "logs" / "pbs").glob("convert-*.log"))) == 1

    again = run(*command, "-n", cwd=work.folder, **pbs.environment)
    assert f"{GOOD} done, 1 pending" in preview(again)
    selected = {bad, *work.products}
    agree.check(work, selected, before=preview(again), end=ending(ran))


def test_killed_run_is_gone_on_with(work, pbs, scene):
    """Snakemake dies, the PBS job does not: the same command takes it over and counts it in."""
    work.change(function="mine.py:convert")
    (work.folder / "hold").touch()
    words = (*PROFILE, *QUICK, "--config", "select={name: '*'}")
    with work.running(*words, **pbs.environment):
        until(lambda: len(work.products) == 1)

    before = len(work.said)
    with work.running(*words, **pbs.environment) as again:
        # Only then does the PBS job go on.
        until(lambda: "of an earlier run is taken over" in work.said[before:])
        (work.folder / "hold").unlink()
        again.wait(TIMEOUT)
    ran = Ran(again.returncode, work.said[before:])

    assert set(work.products) == {scene(number).stem for number in range(GOOD)}
    # Each was converted once.
    assert [work.outcome(name)["attempt"] for name in work.products] == [1] * GOOD
    # One or two more, by what the PBS job has done meanwhile.
    counts = re.match(
        r"xsar-batch: of (\d) pending, (\d) made, 1 failed \(1 bad-safe\)\n", ending(ran)
    )
    assert int(counts[1]) == int(counts[2]) + 1


def test_profile_has_packs_that_snakemake_fills():
    profile = yaml.safe_load((REPO / "profiles" / "pbs" / "config.yaml").read_text())
    assert profile["pbs-queue"] in QUEUES
    assert profile["jobs"] >= 2 * profile["pbs-pack-size"] * profile["pbs-max-jobs"]


def test_whole_node_variant_of_the_profile_is_accepted(work, pbs, tmp_path):
    """The lines that are shown as comments, put in force as they stand."""
    text = (REPO / "profiles" / "pbs" / "config.yaml").read_text()
    node = text.split("# A whole node of 28 cores")[1].split("# ------")[0]
    lines = [line[2:] for line in node.splitlines() if line.startswith("# pbs-")]
    keys = yaml.safe_load("\n".join(lines))
    assert set(keys) >= {"pbs-queue", "pbs-pack-cores", "pbs-pack-size", "pbs-max-jobs"}
    config = work.folder / "profiles" / "pbs" / "config.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(text), **keys, "retries": 0}))

    ran = run(*snakemake_command(*PROFILE, *QUICK), cwd=work.folder, **pbs.environment)

    assert len(work.products) == GOOD, ran.out
    (call,) = pbs.calls("qsub")
    assert f"select=1:ncpus=28:mem={4 * 1500 + 300}mb" in call
