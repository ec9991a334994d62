"""What a Snakemake finds of the PBS jobs of earlier ones."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from processes import until
from scripted_pbs import DEAD
from snakemake_executor_plugin_pbs.folder import Folder, Pack, Task
from snakemake_executor_plugin_pbs.ledger import FORGOTTEN_AFTER, Ledger
from snakemake_executor_plugin_pbs.processes import began


def task(name="a", outputs=None):
    outputs = [f"/out/{name}"] if outputs is None else outputs
    return Task("convert", {"name": name}, [f"convert:name={name}"], outputs, "digest")


def pack(*names, owner=DEAD):
    tasks = [name if isinstance(name, Task) else task(name) for name in names]
    return Pack("pack", tasks, [], 1, 1, None, None, "/log", "/output", owner=owner)


def left(root, name, made, age=0.0):
    """A folder as an earlier Snakemake has left it, so many seconds ago."""
    folder = Folder(root / name)
    folder.write(made)
    then = time.time() - age
    for path in (folder.path / "pack.json", folder.path):
        os.utime(path, (then, then))
    return folder


def earlier(root, *names):
    """(folder, number) of what is found of each task, or None."""
    ledger = Ledger(root)
    ledger.load()
    found = [ledger.earlier(task(name)) for name in names]
    return [one and (one[0].path.name, one[2]) for one in found]


@pytest.fixture
def process():
    """Another process that lives, and its owner's entry."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        yield owner_of(other.pid)
        other.kill()


def owner_of(pid):
    return {"host": os.uname().nodename, "pid": pid, "began": began(pid)}


# -- earlier ---------------------------------------------------------------------------------


def test_each_is_found_by_its_outputs(tmp_path):
    left(tmp_path, "p1", pack("a", "b"))
    left(tmp_path, "p2", pack("c"))
    assert earlier(tmp_path, "b", "c", "x", "a") == [("p1", 1), ("p2", 0), None, ("p1", 0)]


def test_each_is_told_once(tmp_path):
    """Asked for again it is to be done again."""
    left(tmp_path, "p", pack("a"))
    assert earlier(tmp_path, "a", "a") == [("p", 0), None]


def test_of_several_outputs_any_will_do_and_only_once(tmp_path):
    left(tmp_path, "p", pack(task("a", ["/out/1", "/out/2"])))
    ledger = Ledger(tmp_path)
    ledger.load()
    assert ledger.earlier(task("x", ["/out/0", "/out/2"])) is not None
    assert ledger.earlier(task("x", ["/out/2"])) is None
    both = Ledger(tmp_path)
    both.load()
    assert both.earlier(task("a", ["/out/1", "/out/2"])) is not None
    assert both.earlier(task("a", ["/out/1", "/out/2"])) is None


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_pack_wins(tmp_path, order):
    # Whatever their names: by when they were made.
    for age, name in zip((300, 200, 100), sorted(("p1", "p2", "p3"))[::order], strict=True):
        left(tmp_path, name, pack("a"), age)
    assert earlier(tmp_path, "a") == [("p3" if order == 1 else "p1", 0)]


def test_what_was_reported_does_not_count(tmp_path):
    folder = left(tmp_path, "p", pack("a", "b"))
    folder.set_reported(0)
    assert earlier(tmp_path, "a", "b") == [None, ("p", 1)]


def test_what_was_revoked_does_not_count(tmp_path):
    left(tmp_path, "old", pack("a"), age=100)
    assert left(tmp_path, "new", pack("a")).revoke()
    assert earlier(tmp_path, "a") == [("old", 0)]


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", '{"tasks": [1]}'])
def test_folders_that_are_not_ours_are_passed_over(tmp_path, text):
    left(tmp_path, "p", pack("a"))
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    if text is not None:
        (tmp_path / "other" / "pack.json").write_text(text)
    assert earlier(tmp_path, "a") == [("p", 0)]


# -- whose -----------------------------------------------------------------------------------


def test_not_those_of_another_that_lives(tmp_path, process):
    left(tmp_path, "p", pack("a", owner=process))
    assert earlier(tmp_path, "a") == [None]


@pytest.mark.parametrize("change", [{"host": "other"}, {"began": 1.0}])
def test_a_number_alone_does_not_make_a_process(tmp_path, process, change):
    """The same pid on another machine, or of a process that has ended since."""
    left(tmp_path, "p", pack("a", owner={**process, **change}))
    assert earlier(tmp_path, "a") == [("p", 0)]


def test_those_of_one_that_is_dead(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        owner = owner_of(other.pid)
        other.kill()
        # A zombie is dead as well.
        until(lambda: psutil.Process(other.pid).status() == "zombie")
        left(tmp_path, "p", pack("a", owner=owner))
        assert earlier(tmp_path, "a") == [("p", 0)]
    assert earlier(tmp_path, "a") == [("p", 0)]


# -- tidy ------------------------------------------------------------------------------------


def test_tidy_removes_what_nobody_needs(tmp_path, process):
    over, revoked, runs, waits, alive, old = (
        left(tmp_path, name, pack(name, owner=process if name == "alive" else DEAD))
        for name in ("over", "revoked", "runs", "waits", "alive", "old")
    )
    for one in (over, alive):
        assert one.take(id="7.s")
        one.tell("over", stopped="")
    assert revoked.revoke()
    assert runs.take(id="8.s")
    runs.tell("started", 0)
    waits.id = "9.s"
    then = time.time() - FORGOTTEN_AFTER - 60
    os.utime(old.path, (then, then))
    Ledger(tmp_path).tidy()
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "waits", "alive"}


@pytest.mark.parametrize(("days", "stays"), [(13, True), (15, False)])
def test_tidy_of_what_is_no_pack(tmp_path, days, stays):
    folder = tmp_path / "half"
    folder.mkdir()
    then = time.time() - days * 86_400
    os.utime(folder, (then, then))
    Ledger(tmp_path).tidy()
    assert folder.exists() == stays
