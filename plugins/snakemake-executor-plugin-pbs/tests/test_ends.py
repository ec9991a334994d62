"""What is concluded of PBS jobs that ended: from their folders, and from what PBS says."""

import pytest
from snakemake_executor_plugin_pbs import qstat
from snakemake_executor_plugin_pbs.commands import Round
from snakemake_executor_plugin_pbs.qstat import Status
from snakemake_executor_plugin_pbs.running import LAG

WALLTIME = "=>> PBS: job killed: walltime 12 exceeded limit 10"
OVER = "its walltime was over"


# -- what the job itself tells ---------------------------------------------------------------


def test_fates_are_enough(world):
    """No PBS is needed to know what became of a job."""
    here = world(*"abc")
    here.server.to_qstat = [Round({}, set(), "away")] * 100
    here.begin()
    for number in range(3):
        here.inside().tell("started", number)
    here.inside().tell("done", 1)
    assert here.live(2) == [("b", None)]
    here.inside().tell("failed", 0, why="Snakemake ended")
    assert here.live(2) == [("a", "failed in PBS job 1.s: Snakemake ended")]
    here.inside().tell("done", 2)
    here.inside().tell("over", stopped="")
    assert here.live(2) == [("c", None)]
    assert here.reported == {"a": 1, "b": 1, "c": 1}
    assert here.pbs.running == []


@pytest.mark.parametrize(
    ("breach", "words"),
    [
        (None, "failed in PBS job 1.s"),
        ("runtime", "ended in PBS job 1.s: it ran longer than its runtime of 10 min"),
        ("memory", "ended in PBS job 1.s: it used more memory than its mem_mb of 500"),
    ],
)
def test_a_failure_in_words(world, breach, words):
    here = world(*"ab")
    here.begin()
    if breach:
        here.inside().tell("breach", 1, limit=breach)
    here.inside().tell("failed", 1)
    assert here.round() == [("b", words)]
    assert here.reports[0].log == "/logs/pack-0.log"
    # A later Snakemake is not to take it for new.
    assert here.inside().reported() == {1}


def test_a_last_word_without_a_fate(world):
    here = world(*"ab")
    here.begin()
    here.inside().tell("started", 0)
    here.inside().tell("over", stopped="")
    why = "it said no more of it; see its log"
    assert here.round() == [
        ("a", f"PBS job 1.s ended while it ran: {why}"),
        ("b", f"PBS job 1.s ended before it began: {why}"),
    ]


# -- what PBS tells --------------------------------------------------------------------------


def test_success_that_is_seen_late(world):
    """Shared file systems lag behind: F comes first, and what the job told after it."""
    here = world("a")
    here.begin()
    here.server.jobs["1.s"] = Status("F", 0, 92)
    assert here.live(11 + LAG - 2) == []
    here.inside().tell("done", 0)
    assert here.live(1) == [("a", None)]


def over_in_the_middle(world, status):
    """Of three jobs one runs, one is done and one has not begun when the PBS job is over."""
    here = world(*"abc")
    here.begin()
    here.inside().tell("started", 0)
    here.inside().tell("started", 1)
    here.inside().tell("done", 1)
    here.server.jobs["1.s"] = status
    assert here.live(11) == [("b", None)]
    assert here.live(LAG - 1) == []
    return here


@pytest.mark.parametrize(
    "status",
    [
        Status("F", -29, 93, "", "02:00:01"),
        # What says nothing of itself may be the jobs' own fault.
        Status("F", 1, 93),
        # Nobody but the job itself can tell that its outputs are good.
        Status("F", 0, 92),
    ],
)
def test_an_end_that_concerns_all(world, status):
    """More time is asked for next, so also what had not begun is reported."""
    here = over_in_the_middle(world, status)
    _, why = qstat.ending(status)
    assert here.live(2) == [
        ("a", f"PBS job 1.s ended while it ran: {why}"),
        ("c", f"PBS job 1.s ended before it began: {why}"),
    ]
    assert here.pbs.running == []
    assert here.packs == [["a", "b", "c"]]


@pytest.mark.parametrize(
    "status",
    [
        Status("F", -27, 93, "", "", "300kb"),
        Status("F", 271, 91, "… and terminated by a@b"),
        Status("F", 0, 91),
        Status("F", None, 91),
        Status("F", 271, 93, "exceeded resource cput"),
        Status("F", 265, 93),
        Status("F", -4, 93, "x"),
        Status("F", None, 92),
    ],
)
def test_an_end_that_concerns_what_had_begun(world, status):
    """What had not waits for another PBS job: see test_returns.py."""
    here = over_in_the_middle(world, status)
    _, why = qstat.ending(status)
    assert here.live(2) == [("a", f"PBS job 1.s ended while it ran: {why}")]
    assert here.packs == [["a", "b", "c"], ["c"]]
    assert [one.id for one in here.pbs.running] == ["2.s"]


@pytest.mark.parametrize(
    ("resource", "concerns_all"),
    [
        ("walltime 12 exceeded limit 10", True),
        ("vmem 300kb exceeded limit 200kb", False),
        ("ncpus 4.2 exceeded limit 1 (sum)", False),
    ],
)
def test_an_old_version_tells_only_in_the_output(world, tmp_path, resource, concerns_all):
    here = world(*"ab")
    here.begin()
    here.inside().tell("started", 0)
    output = f"x\n=>> PBS: job killed: {resource}\nTerminated\n"
    (tmp_path / "pack-0.out").write_text(output)
    status = here.server.jobs["1.s"] = Status("F", 271, 93)
    reports = dict(here.live(17))
    why = qstat.ending(status, output)[1]
    assert reports.pop("a") == f"PBS job 1.s ended while it ran: {why}"
    # Of time also what had not begun has too little.
    assert list(reports) == (["b"] if concerns_all else [])


def stopped(here):
    """The PBS job is told to end and does, with what it was doing."""
    here.begin()
    here.inside().tell("started", 0)
    here.inside().tell("stopped", by="SIGTERM")
    here.inside().tell("failed", 0)
    here.inside().tell("over", stopped="SIGTERM")


def test_stopped_from_outside_pbs_knows_why(world):
    here = world("a")
    stopped(here)
    assert here.live(5) == []
    here.server.jobs["1.s"] = Status("F", -29, 93)
    assert here.live(10) == [("a", "PBS job 1.s ended while it ran: its walltime was over")]


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "it was stopped by SIGTERM (walltime, qdel or a shutdown)"),
        (WALLTIME, f"{OVER} (walltime 12 exceeded limit 10)"),
    ],
)
@pytest.mark.parametrize("answer", ["gone", "none"])
def test_stopped_from_outside_and_pbs_keeps_no_history(world, tmp_path, output, why, answer):
    here = world("a")
    stopped(here)
    (tmp_path / "pack-0.out").write_text(output)
    here.server.jobs["1.s"] = "gone"
    if answer == "none":
        here.server.to_qstat = [Round({}, set(), "away")] * 100
    assert here.live(9) == []
    assert here.live(30) == [("a", f"PBS job 1.s ended while it ran: {why}")]
