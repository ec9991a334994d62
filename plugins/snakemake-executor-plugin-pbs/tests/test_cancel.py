"""How PBS jobs are deleted when the run is cancelled, whatever PBS is doing at that moment."""

import threading
import time

import pytest
from scripted_pbs import QUEUED, RUNS, folders
from snakemake_executor_plugin_pbs import cancel
from snakemake_executor_plugin_pbs.commands import Round
from snakemake_executor_plugin_pbs.qstat import Status


def test_what_waits_is_deleted_and_what_runs_is_asked_to_end(world):
    """PBS takes up to 12 s to see the end of a running job that qdel has killed."""
    here = world(*"abc", pack_size=1)
    here.begin(0)

    def ends_by_itself():
        here.server.jobs["1.s"] = Status("F", 143, 93)
        return here.server.qstat(["1.s"])

    states = {"1.s": RUNS, "2.s": QUEUED, "3.s": QUEUED}
    here.server.to_qstat = [Round(states, set()), ends_by_itself]
    here.pbs.cancel()
    assert here.server.asked("qdel") == [["2.s", "3.s"]]
    assert here.said[-1] == "3 PBS jobs deleted"
    assert here.warned == []
    # Whatever becomes of qdel: what has not begun does not, what runs ends itself.
    assert not here.begin(1)
    assert here.inside(0).is_to_stop
    here.add("d")
    here.live(100)
    assert len(here.packs) == 3
    here.pbs.close()
    assert folders(here) == set()


def test_what_does_not_end_by_itself_is_deleted(world):
    here = world("a")
    here.begin(0)
    begin = here.now
    here.pbs.cancel()
    assert here.server.asked("qdel") == [["1.s"]]
    assert here.server.times("qdel") == [begin + cancel.BY_THEMSELVES]
    assert here.said[-1] == "1 PBS job deleted"


def test_all_is_deleted_at_once_if_qstat_does_not_answer(world):
    here = world("a")
    here.begin(0)
    begin = here.now
    here.server.to_qstat = [Round({}, set(), "away")]
    here.pbs.cancel()
    assert here.server.times("qdel") == [begin]


def test_what_is_over_is_not_deleted(world):
    here = world(*"ab", pack_size=1)
    here.inside(0).tell("done", 0)
    here.inside(0).tell("over", stopped="")
    here.round()
    here.pbs.cancel()
    assert here.server.asked("qdel") == [["2.s"]]


@pytest.mark.parametrize("is_slow", [False, True])
def test_the_user_is_told_what_is_left(world, monkeypatch, is_slow):
    monkeypatch.setattr(cancel, "WITHIN", 1.5)
    here = world(*"ab", pack_size=1)
    here.begin(0)

    def still_there():
        here.now += 1
        return Round({"1.s": RUNS, "2.s": RUNS}, set())

    here.server.to_qdel = ["" if is_slow else "cannot connect to server"]
    here.server.to_qstat = [still_there] * 5
    here.pbs.cancel()
    (warning,) = here.warned
    why = "they take their time to end" if is_slow else "cannot connect to server"
    assert why in warning
    assert warning.endswith("to be sure:  qdel 1.s 2.s")
    assert len(here.server.asked("qdel")) == 1
    # Their folders are what ends them: the one does not begin, the other sees the stop.
    assert not here.begin(1)
    here.pbs.close()
    assert here.inside(0).is_to_stop


def test_cancel_while_a_qsub_hangs(world, monkeypatch):
    """It holds what others wait for; what comes of it must not run."""
    monkeypatch.setattr(cancel, "WITHIN", 0.4)
    here = world(pack_size=1)
    here.add(*"ab")
    hangs, goes_on = threading.Event(), threading.Event()

    def hang():
        hangs.set()
        assert goes_on.wait(20)
        return "2.s"

    here.server.to_qsub = ["1.s", hang]
    thread = threading.Thread(target=here.round)
    thread.start()
    try:
        assert hangs.wait(20)
        begin = time.monotonic()
        here.pbs.cancel()
        assert time.monotonic() - begin < 5
        assert here.server.asked("qdel") == [["1.s"]]
        assert here.said[-1] == "1 PBS job deleted"
    finally:
        goes_on.set()
        thread.join()
    assert not here.begin(1)
    here.live(100)
    assert len(here.packs) == 2
