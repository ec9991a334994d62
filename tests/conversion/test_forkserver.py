"""The warm interpreter: forks that nobody can tell from processes of their own."""

import json
import os
import signal
from pathlib import Path

import pytest
from conversions import Run, gone
from processes import TIMEOUT, until
from repository import last_line, outcome
from safes import TIFF, copy_safe, only

from xsar_batch.conversion import forkserver
from xsar_batch.conversion.forkserver import client
from xsar_batch.system.process import began


@pytest.fixture
def run(tmp_path, scene, land_mask_file):
    made = Run(tmp_path, [scene(0), scene(1)], land_mask_file)
    yield made
    made.end()
    assert not made.place.exists()


def test_same_product_log_and_outcome_with_and_without(run, scene):
    import xarray as xr

    said = {}
    for is_warm in (False, True):
        code, out = run.convert(scene(0), warm=is_warm)
        assert (code, out) == (0, "")
        name = scene(0).stem
        record = outcome(run.layout.outcome(name))
        log = run.layout.log(name).read_text().splitlines()
        with xr.open_dataset(run.layout.product(name)) as ds:
            said[is_warm] = (
                ds.load(),
                [line.split(" ", 2)[-1] for line in log[:-1]],
                set(record),
                {key: record[key] for key in ("state", "exit_code", "threads", "versions")},
                run.layout.quicklook(name).read_bytes(),
            )
        assert log[-1].startswith(f"DONE {name}")
        run.layout.product(name).unlink()
    assert said[True][0].equals(said[False][0])
    assert said[True][1:] == said[False][1:]


def test_imported_once_for_many(run, scene):
    processes = [run.start(scene(number)) for number in (0, 1)]
    assert [process.wait(TIMEOUT) for process in processes] == [0, 0]
    (server,) = run.servers()
    report = run.do("environment")
    assert run.convert(scene(0))[0] == 0
    assert json.loads(report.read_text())["parent"] == server.pid
    assert run.servers() == [server]


def test_started_before_it_is_asked_for(run, scene, monkeypatch):
    monkeypatch.setenv(forkserver.VARIABLE, str(run.place))
    client.start(1)
    # Who comes while it starts waits for it, and who starts it again does not.
    client.start(1)
    until(lambda: any(one.cpu_times().user > 1 for one in run.servers()))
    report = run.do("environment")
    assert run.convert(scene(0))[0] == 0
    (server,) = run.servers()
    assert json.loads(report.read_text())["parent"] == server.pid


def test_nothing_is_started_where_none_is_wanted(run, monkeypatch):
    monkeypatch.delenv(forkserver.VARIABLE, raising=False)
    client.start(1)
    assert not run.place.exists()


def test_a_bad_one_costs_no_import(run, scene, tmp_path, land_mask_file):
    bad = copy_safe(scene(2), tmp_path / "bad")
    only(bad, TIFF).write_bytes(b"")
    other = Run(tmp_path / "other", [bad], land_mask_file)
    try:
        code, out = other.convert(bad)
        assert code == 65
        assert out.endswith("is empty\n")
        assert last_line(other.layout.log(bad.stem)).startswith("FAILED bad-safe: ")
        (server,) = other.servers()
        times = server.cpu_times()
        assert times.user + times.system < 1
    finally:
        other.end()


def test_folder_environment_and_limits_are_those_of_who_asks(run, scene):
    report = run.do("environment")
    before = "umask 027; ulimit -n 321; renice -n 7 $$ >/dev/null; cd /"
    assert run.convert(scene(0), before=before, OF_THE_CLIENT="yes")[0] == 0
    said = json.loads(report.read_text())
    assert said["modules"]
    assert {key: said[key] for key in ("folder", "variable", "umask", "nice", "files")} == {
        "folder": "/",
        "variable": "yes",
        "umask": 0o027,
        "nice": 7,
        "files": 321,
    }


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [(signal.SIGTERM, 143, "interrupted"), (signal.SIGINT, 130, "interrupted")],
)
def test_signals_are_handed_on(run, scene, number, code, state):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    process.send_signal(number)
    assert process.wait(20) == code
    gone(fork)
    assert outcome(run.layout.outcome(scene(0).stem))["state"] == state
    # The next one is not touched by it.
    (run.folder / "sleep").unlink()
    assert run.convert(scene(1))[0] == 0


def test_who_asks_is_killed_and_so_is_the_fork(run, scene):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    process.kill()
    process.wait()
    gone(fork)
    (run.folder / "sleep").unlink()
    assert run.convert(scene(1))[0] == 0


def test_a_crash_is_that_of_who_asks(run, scene):
    run.do("abort")
    code, _ = run.convert(scene(0))
    assert code == -signal.SIGSEGV
    (run.folder / "abort").unlink()
    assert run.convert(scene(1))[0] == 0


@pytest.mark.slow
def test_server_is_killed_in_the_middle(run, scene):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    (server,) = run.servers()
    (run.folder / "sleep").unlink()
    server.kill()
    # It goes on by itself.
    assert process.wait(TIMEOUT) == 0
    gone(fork)
    assert run.layout.product(scene(0).stem).exists()
    # And the next one starts another.
    assert run.convert(scene(1))[0] == 0
    assert len(run.servers()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_goes_with_its_owner(run, scene, number):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    servers = run.servers()
    run.owner.send_signal(number)
    run.owner.wait()
    gone(*servers, fork)
    process.kill()
    process.wait()
    assert not run.place.exists()


def test_folder_is_for_the_user_alone(run, scene):
    # Left by one that was killed with its owner.
    left = run.place.with_name(f"xsar-batch-{os.getuid()}-4194305-1")
    (left / "1").mkdir(parents=True)
    assert run.convert(scene(0))[0] == 0
    assert not left.exists()
    assert run.place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_folder_that_others_may_enter_is_not_used(run, scene, mode):
    run.place.mkdir()
    run.place.chmod(mode)
    code, out = run.convert(scene(0))
    assert code == 0
    assert "is not a folder of this user alone): xsar is imported anew" in out
    assert not run.servers()
    run.place.rmdir()


def test_place_of_a_process(tmp_path, monkeypatch):
    place = forkserver.folder_of(os.getpid())
    assert forkserver.owner_of(place) == (os.getpid(), began(os.getpid()))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 30)))
    assert forkserver.folder_of(os.getpid()).parent == Path("/tmp")
    assert began(4_194_305) == 0
