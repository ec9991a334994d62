"""PBS jobs that end before their Python begins: their jobs go again, the node is named."""

import pytest
from scripted_pbs import RUNS
from snakemake_executor_plugin_pbs.broken_nodes import MOST, BrokenNodes
from snakemake_executor_plugin_pbs.folder import NO_FOLDER
from snakemake_executor_plugin_pbs.qstat import Status

BROKEN = Status("F", 127, 93, host="node7")


def test_its_jobs_go_again_as_often_as_need_be(world, tmp_path):
    here = world(*"ab")
    (tmp_path / "pack-0.out").write_text("bash: /soft/python: No such file or directory\n\n")
    for number in range(MOST - 1):
        here.server.jobs[f"{number + 1}.s"] = BROKEN
        assert here.live(200) == []
    assert here.packs == [["a", "b"]] * MOST
    assert here.warned == [
        "PBS job 1.s ended on node7 before its Python began: bash: /soft/python: No such file or "
        "directory. Its jobs are submitted again"
    ]
    # None of it can begin any more.
    assert not here.begin(0)
    here.begin(MOST - 1)
    for number in range(2):
        here.inside(MOST - 1).tell("done", number)
    here.inside(MOST - 1).tell("over", stopped="")
    assert here.live(11) == [("a", None), ("b", None)]
    assert here.pbs.fatal == ""


def test_after_some_in_a_row_the_run_ends(world):
    here = world("a")
    for number in range(MOST):
        here.server.jobs[f"{number + 1}.s"] = BROKEN
        assert here.live(200) == []
    assert len(here.packs) == MOST
    assert f"{MOST} PBS jobs in a row ended before their Python began, on node7 ({MOST} times): "
    assert "it ended with exit code 127" in here.pbs.fatal
    assert "No job has failed for it" in here.pbs.fatal


def test_a_working_directory_that_is_not_shared_is_named(world, tmp_path):
    """What the job wrote of it is on the node, where nobody reads it."""
    here = world("a")
    here.server.jobs["1.s"] = Status("F", NO_FOLDER, 93, host="node7")
    assert here.live(200) == []
    (warning,) = here.warned
    assert f"before its Python began: {tmp_path / 'pbs'} is not shared with that node" in warning


def test_not_while_another_one_runs(world):
    """A broken node beside a good one: pauses grow, and nothing fails."""
    here = world("a", "good", pack_size=1)
    here.begin(1)
    here.inside(1).tell("began", host="node8")
    here.server.jobs["2.s"] = RUNS
    here.server.jobs["1.s"] = BROKEN
    for number in range(2, MOST + 3):
        while len(here.packs) <= number:
            assert here.live(1) == []
        here.server.jobs[f"{number + 1}.s"] = BROKEN
    assert here.live(20) == []
    assert here.pbs.fatal == ""
    assert here.reports == []


def test_one_that_begins_ends_the_count():
    nodes = BrokenNodes()
    for number in range(3 * MOST):
        assert nodes.failed("node7", "x", 1000.0 * number) == (number == 0)
        if number % (MOST - 1) == 0:
            nodes.worked()
        assert nodes.why_to_end == ""


@pytest.mark.parametrize("by", ["a requeue", "SIGTERM"])
def test_a_requeue_costs_no_attempt_of_what_had_not_begun(world, by):
    """PBS begins the PBS job a second time, which finds its folder claimed, and says so."""
    here = world(*"ab")
    here.begin(0)
    here.inside().tell("started", 0)
    here.inside().tell("stopped", by=by)
    here.inside().tell("over", stopped=by)
    here.server.jobs["1.s"] = Status("F", 0, 92)
    why = f"PBS job 1.s ended while it ran: it was stopped by {by}"
    assert here.live(17) == [("a", why)]
    assert here.packs == [["a", "b"], ["b"]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status("Q", comment="Can Never Run: Insufficient amount of mem"), "can never run"),
        (Status("H", comment="held by user"), "qrls"),
        (Status("S"), "is suspended"),
        (Status("M"), "was moved to another server"),
    ],
)
def test_what_may_never_run_is_told_once(world, status, words):
    here = world(*"ab", pack_size=1)
    here.server.jobs |= {"1.s": status, "2.s": status}
    assert here.live(100) == []
    (warning,) = here.warned
    assert words in warning
