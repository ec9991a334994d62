"""A file server that does not answer: one SAFE on it holds up nobody, and is named."""

import shutil
import signal
import subprocess
import sys
import time

import pytest
from conversions import Run, gone
from fault_helpers import hanging, needs_root
from processes import environment, until
from repository import last_line, outcome
from work import Work, ending

from xsar_batch.conversion import forkserver, watchdog
from xsar_batch.failures import EXIT_CODES

#: Seconds: enough for a good one on a busy machine, short enough to wait for.
LIMIT = 12


@pytest.fixture
def a_run(tmp_path, scene, land_mask_file):
    made = Run(tmp_path, [scene(0), scene(1)], land_mask_file)
    yield made
    made.end()
    assert not made.place.exists()


def limited(a_run: Run, safe, seconds: float, is_warm: bool) -> subprocess.Popen:
    """A conversion with a limit, as the rule gives it in minutes."""
    words = ["--run", str(a_run.file), "--minutes", str(seconds / 60 / watchdog.SHARE), safe.stem]
    place = {"XSAR_BATCH_WARM": str(a_run.place) if is_warm else None}
    process = subprocess.Popen(
        [sys.executable, "workflow/scripts/convert.py", *words],
        env=environment(**place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    a_run.started.append(process)
    return process


@pytest.mark.parametrize("is_warm", [True, pytest.param(False, marks=pytest.mark.faults)])
def test_conversion_that_takes_too_long(is_warm, a_run, scene):
    if is_warm:
        # So that the import is no part of it.
        assert a_run.convert(scene(1))[0] == 0
    a_run.do("sleep")
    # Time runs from the beginning, and the import can take half a minute on a busy machine.
    limit = LIMIT if is_warm else 5 * LIMIT
    process = limited(a_run, scene(0), limit, is_warm)
    fork = a_run.sleeping()
    out, _ = process.communicate(timeout=limit + watchdog.GRACE)
    assert process.returncode == EXIT_CODES["timed-out"]
    gone(fork)
    told = f"FAILED timed-out: not done after {limit / 60 / watchdog.SHARE:g} minutes"
    assert f"{scene(0).stem}: {told}" in out
    record = outcome(a_run.layout.outcome(scene(0).stem))
    assert (record["state"], record["class"], record["exit_code"]) == ("failed", "timed-out", 75)
    log = a_run.layout.log(scene(0).stem)
    assert last_line(log) == f"FAILED timed-out: {record['cause']}"
    # Where it was.
    assert "time.sleep(600)" in log.read_text()
    assert not a_run.layout.product(scene(0).stem).exists()


@pytest.mark.faults
def test_conversion_that_hears_nothing(a_run, scene):
    """Stopped, so that no signal but the last one reaches it."""
    assert a_run.convert(scene(1))[0] == 0
    a_run.do("sleep")
    process = limited(a_run, scene(0), LIMIT, True)
    fork = a_run.sleeping()
    fork.suspend()
    process.communicate(timeout=LIMIT + watchdog.GRACE + 20)
    assert process.returncode == EXIT_CODES["timed-out"]
    gone(fork)
    record = outcome(a_run.layout.outcome(scene(0).stem))
    assert (record["state"], record["class"]) == ("failed", "timed-out")
    assert last_line(a_run.layout.log(scene(0).stem)) == f"FAILED timed-out: {record['cause']}"


def test_one_that_cannot_be_killed_is_left_alone(monkeypatch):
    monkeypatch.setattr(watchdog, "GRACE", 0.01)
    monkeypatch.setattr(watchdog, "GONE", 0.01)
    sleeper = subprocess.Popen(["sleep", "100"])
    try:
        one = watchdog.Watch(["--run", "/nowhere", "--minutes", "0.0001", "NAME"])
        one.is_of(sleeper.pid)
        assert one.wait_for_end(lambda seconds: time.sleep(seconds)) == 75
    finally:
        sleeper.kill()
        assert sleeper.wait() == -signal.SIGALRM


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (signal.SIGKILL, "SIGKILL ended it, most often sent as memory ran out"),
        pytest.param(
            *(signal.SIGSEGV, "SIGSEGV ended it: a library crashed"), marks=pytest.mark.faults
        ),
    ],
)
@pytest.mark.parametrize("is_warm", [True, pytest.param(False, marks=pytest.mark.faults)])
def test_one_that_is_killed_has_an_outcome(number, cause, is_warm, a_run, scene):
    a_run.do("sleep")
    process = a_run.start(scene(0), warm=is_warm)
    a_run.sleeping().send_signal(number)
    assert process.wait(20) == -number
    record = outcome(a_run.layout.outcome(scene(0).stem))
    assert (record["state"], record["class"], record["exit_code"]) == (
        *("failed", "killed"),
        128 + number,
    )
    assert record["cause"].startswith(cause)
    assert last_line(a_run.layout.log(scene(0).stem)) == f"FAILED killed: {record['cause']}"


@pytest.mark.faults
def test_orphan_ends(a_run, scene):
    """Snakemake was killed, and it alone: the next run shall not meet what it had started."""
    a_run.do("sleep")
    owner = subprocess.Popen(["sleep", "1000"])
    owned = f"{owner.pid}-{forkserver.began(owner.pid)}"
    process = a_run.start(scene(0), warm=False, **{forkserver.OWNER: owned})
    fork = a_run.sleeping()
    owner.kill()
    owner.wait()
    assert process.wait(10) == 143
    gone(fork)
    assert outcome(a_run.layout.outcome(scene(0).stem))["state"] == "interrupted"


# -- a mount that never answers --------------------------------------------------------------


@needs_root
@pytest.mark.faults
@pytest.mark.parametrize("is_warm", [True, False])
def test_safe_on_a_mount_that_hangs(is_warm, tmp_path, scene, land_source, traces):
    """The first one hangs in its check: the others are converted meanwhile."""
    work = Work.new(tmp_path / "work", land_source, map(scene, range(4)), warm=is_warm)
    first = work.archive / scene(0).name
    shutil.rmtree(first / "measurement")
    with hanging(tmp_path / "mount") as mount:
        (first / "measurement").symlink_to(mount / "measurement")
        begin = time.monotonic()
        ran = work.snakemake("--set-resources", "convert:runtime=1", **traces.environment)
        assert time.monotonic() - begin < 110
    assert ran.code != 0
    assert set(work.products) == {scene(number).stem for number in (1, 2, 3)}
    assert "of 4 pending, 3 made, 1 failed (1 timed-out)" in ending(ran)
    traces.assert_nothing_left()


@needs_root
@pytest.mark.faults
def test_archive_on_a_mount_that_hangs(tmp_path, scene, land_source, traces):
    """Nothing can be listed, so nothing can be done: but it is said what is waited for."""
    work = Work.new(tmp_path / "work", land_source, [scene(0)])
    with hanging(tmp_path / "mount") as mount:
        work.change(safes=["archive", str(mount)])
        with work.running(**traces.environment) as process:
            until(lambda: f"{mount} does not answer" in work.said, process)
