"""PBS jobs of a Snakemake that was killed: the next one goes on with them, or does them anew."""

from functools import partial

import pytest
from scripted_pbs import QUEUED, RUNS, World, begun, ended, file, left
from snakemake_executor_plugin_pbs.commands import Round
from snakemake_executor_plugin_pbs.qstat import Status


@pytest.fixture
def world(tmp_path):
    """To be made after what an earlier Snakemake has left: its PBS job 7.s runs."""
    return partial(World, tmp_path, jobs={"7.s": RUNS})


# -- not ended yet ---------------------------------------------------------------------------


@pytest.mark.parametrize("has_begun", [False, True])
def test_what_is_queued_or_runs_is_taken_over(world, tmp_path, has_begun):
    folder = left(tmp_path, *"ab")
    if has_begun:
        begun(folder)
    here = world()
    here.server.jobs["7.s"] = RUNS if has_begun else QUEUED
    here.add(*"ab")
    assert here.live(25) == []
    assert here.packs == []
    assert here.said == ["PBS job 7.s (earlier) of an earlier run is taken over"]
    assert here.server.asked("qstat") == [["7.s"], ["7.s"]]
    folder.tell("done", 0)
    folder.tell("failed", 1, why="x")
    folder.tell("over", stopped="")
    # While PBS says that it is queued, its folder is looked at now and then only.
    assert here.live(1 if has_begun else 11) == [("a", None), ("b", "failed in PBS job 7.s: x")]


@pytest.mark.parametrize("most", [1, 2])
def test_what_is_taken_over_counts_for_max_jobs(world, tmp_path, most):
    begun(left(tmp_path, "a"))
    here = world(max_jobs=most)
    here.add(*"ab")
    here.live(30)
    assert here.packs == ([["b"]] if most == 2 else [])


def test_a_second_attempt_is_submitted(world, tmp_path):
    folder = begun(left(tmp_path, *"ab"))
    here = world()
    here.add(*"ab")
    here.round()
    folder.tell("failed", 0)
    assert len(here.live(1)) == 1
    here.add("a", attempt=2)
    here.round()
    assert here.packs == [["a"]]


# -- ended in the meantime -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "source", "is_good"),
    [
        (100, 200, True),
        (100, 100, True),
        (200, 100, False),
        (None, 200, False),
        (100, None, True),  # what it was made of is not needed any more
    ],
)
def test_what_is_done_counts_if_nothing_is_newer(world, tmp_path, output, source, is_good):
    """The numbers are ages in seconds; None: not there."""
    ended(left(tmp_path, "a"))
    if output is not None:
        file(tmp_path / "out" / "a", output)
    source_file = tmp_path / "in"
    if source is not None:
        file(source_file, source)
    here = world()
    here.add("a", inputs=[file(tmp_path / "old", 1000), str(source_file)])
    assert here.round() == ([("a", None)] if is_good else [])
    assert here.packs == ([] if is_good else [["a"]])
    # What is over is nothing to ask PBS for, and no news.
    assert here.server.asked("qstat") == []
    assert "taken over" not in " ".join(here.said)


def test_what_failed_is_told_once(world, tmp_path):
    folder = ended(left(tmp_path, "a"), "failed", why="x")
    here = world()
    here.add("a")
    assert here.round() == [("a", "failed in PBS job 7.s: x")]
    assert here.reports[0].log == "/logs/earlier.log"
    assert folder.reported() == {0}
    # One more Snakemake tries again.
    here = world()
    here.add("a")
    assert here.round() == []
    assert here.packs == [["a"]]


@pytest.mark.parametrize("fate", ["done", "failed"])
def test_what_ended_with_other_settings_is_done_again(world, tmp_path, fate):
    ended(left(tmp_path, "a", digest="other"), fate)
    file(tmp_path / "out" / "a")
    here = world()
    here.add("a")
    assert here.round() == []
    assert here.packs == [["a"]]
    assert here.server.asked("qdel") == []


def test_over_without_a_word_of_it(world, tmp_path):
    """Killed with its PBS job: it is no failure of which a user need know, but done again."""
    folder = begun(left(tmp_path, *"ab"))
    file(tmp_path / "out" / "a")
    folder.tell("started", 0)
    folder.tell("stopped", by="SIGTERM")
    folder.tell("failed", 0)
    folder.tell("over", stopped="SIGTERM")
    here = world(pack_size=2)
    here.add(*"ab")
    assert here.round() == []
    assert here.packs == [["a", "b"]]


def test_some_ended_and_some_not(world, tmp_path):
    folder = begun(left(tmp_path, *"abc"))
    folder.tell("done", 0)
    folder.tell("failed", 1)
    file(tmp_path / "out" / "a")
    here = world()
    here.add(*"abc")
    assert here.round() == [("a", None), ("b", "failed in PBS job 7.s")]
    folder.tell("done", 2)
    assert here.live(1) == [("c", None)]
    assert here.packs == []


@pytest.mark.parametrize("end", ["fates", "PBS"])
def test_a_job_that_comes_late(world, tmp_path, end):
    """Snakemake hands over jobs in portions: the first may have been reported long ago."""
    folder = begun(left(tmp_path, *"ab"))
    for name in "ab":
        file(tmp_path / "out" / name)
    folder.tell("done", 0)
    if end == "fates":
        folder.tell("done", 1)
        folder.tell("over", stopped="")
    here = world()
    here.server.jobs["7.s"] = Status("F", 271, 91)
    here.add("a")
    assert here.round() == [("a", None)]
    here.live(30)
    here.add("b")
    here.live(400)
    # Told or done again, but not forgotten.
    assert here.reported["b"] == 1 or here.packs == [["b"]]


# -- submitted or not? -----------------------------------------------------------------------


@pytest.mark.parametrize("has_begun", [False, True])
def test_killed_before_the_id_was_known(world, tmp_path, has_begun):
    folder = left(tmp_path, "a", job_id=None)
    if has_begun:
        begun(folder)
    here = world()
    here.add("a")
    here.live(11)
    if not has_begun:
        assert here.packs == [["a"]]
        # Should it have been submitted, it does nothing.
        assert not folder.take(id="7.s")
        return
    assert here.packs == []
    assert here.server.asked("qstat") == [["7.s"]]
    folder.tell("done", 0)
    assert here.live(1) == [("a", None)]


# -- what is no longer wanted is ended first -------------------------------------------------


@pytest.mark.parametrize("has_begun", [False, True])
def test_other_settings_delete_it_and_wait(world, tmp_path, has_begun):
    folder = left(tmp_path, *"ab", digest="other")
    if has_begun:
        begun(folder)
    here = world(pack_size=2)
    # The server takes its time: until then both would write the same outputs.
    here.server.to_qstat = [Round({"7.s": RUNS}, set())] * 5
    here.add(*"ab")
    assert here.live(55) == []
    assert here.server.asked("qdel") == [["7.s"]]
    assert folder.is_to_stop
    assert here.packs == []
    assert "PBS job 7.s was started with other settings and is deleted" in here.said
    assert here.live(20) == []
    assert here.packs == [["a", "b"]]


def test_it_is_over_when_it_says_so_itself(world, tmp_path):
    """Where qdel does not reach it, it sees the request to stop."""
    folder = begun(left(tmp_path, "a", digest="other"))
    here = world()
    here.server.to_qdel = ["cannot connect to server"]
    here.server.to_qstat = [Round({}, set(), "away")] * 99
    here.add("a")
    assert here.live(20) == []
    assert here.packs == []
    folder.tell("stopped", by="Snakemake's main process")
    folder.tell("over", stopped="Snakemake's main process")
    assert here.live(1) == []
    assert here.packs == [["a"]]


@pytest.mark.parametrize("order", ["ba", "ab"])
def test_an_innocent_one_is_done_again_too(world, tmp_path, order):
    """Of a pack one job is not wanted as it is, so that all of it is deleted: by us."""
    folder = begun(left(tmp_path, *"ab"))
    here = world()
    for name in order:
        here.add(name, digest="other" if name == "b" else "same")
    here.round()
    folder.tell("stopped", by="SIGTERM")
    folder.tell("over", stopped="SIGTERM")
    assert here.live(60) == []
    assert sorted(here.packs) == [["a"], ["b"]]


# -- the end ---------------------------------------------------------------------------------


def test_what_was_taken_over_is_tidied_up(world, tmp_path):
    folder = ended(left(tmp_path, "a"))
    file(tmp_path / "out" / "a")
    here = world()
    here.add("a")
    here.round()
    here.pbs.close()
    assert not folder.path.exists()


def test_what_still_runs_stays(world, tmp_path):
    folder = begun(left(tmp_path, "a"))
    here = world()
    here.add("a")
    here.round()
    here.pbs.close()
    assert folder.path.exists()
