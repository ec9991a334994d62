"""PBS jobs of an earlier Snakemake that do what is no longer wanted: they are ended first."""

from functools import partial

import pytest
from pbs_fleet import RUNS, World, begun, left
from snakemake_executor_plugin_pbs.commands import Round


@pytest.fixture
def world(tmp_path):
    """To be made after what an earlier Snakemake has left: its PBS job 7.s runs."""
    return partial(World, tmp_path, jobs={"7.s": RUNS})


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
