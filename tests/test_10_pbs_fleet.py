"""What is concluded of PBS jobs that were submitted: from their folders, and from what PBS says."""

from itertools import pairwise

import pytest
from pbs_fleet import QUEUED, RUNS, World

from snakemake_executor_plugin_pbs.commands import Round
from snakemake_executor_plugin_pbs.fleet import BACKOFF
from snakemake_executor_plugin_pbs.qstat import Status
from snakemake_executor_plugin_pbs.running import GONE_ROUNDS, GONE_SECONDS, LAG

KILLED = "=>> PBS: job killed: walltime 12 exceeded limit 10"


@pytest.fixture
def world(tmp_path):
    """``world(*names, …)``: these jobs are submitted as one pack."""

    def make(*names, **settings):
        made = World(tmp_path, **{"pack_size": 100, **settings})
        made.add(*names)
        assert made.round() == []
        return made

    return make


# -- asking ----------------------------------------------------------------------------------


def test_one_qstat_for_all(world):
    here = world(*"abc", pack_size=1)
    assert here.packs == [["a"], ["b"], ["c"]]
    here.live(100)
    assert here.server.asked("qstat") == [["1.s", "2.s", "3.s"]] * 9
    times = here.server.times("qstat")
    assert {b - a for a, b in pairwise(times)} == {10.0}
    # Nothing is known at once, so nothing is asked at once.
    assert times[0] - here.server.times("qsub")[0] > 10


def test_what_is_over_is_not_asked_for(world):
    here = world(*"ab", pack_size=1)
    here.begin(0)
    here.inside(0).tell("done", 0)
    here.inside(0).tell("over", stopped="")
    assert here.live(11) == [("a", None)]
    assert here.server.asked("qstat") == [["2.s"]]


def test_nothing_to_ask(world):
    here = world()
    here.live(100)
    assert here.server.calls == []


def test_no_answer_is_no_failure(world):
    """A server that is away for half an hour: nothing is reported, and the user is told once."""
    here = world(*"abc", pack_size=1)
    here.server.to_qstat = [Round({}, set(), "qstat gave no answer for 60 s")] * 1000
    assert here.live(1800) == []
    assert len(here.warned) == 1
    assert here.warned[0].startswith("PBS does not answer: qstat gave no answer for 60 s.")
    times = here.server.times("qstat")
    waits = [b - a for a, b in pairwise(times)]
    assert waits == sorted(waits)
    assert len(waits) < 12
    assert BACKOFF[1] <= waits[-1] <= BACKOFF[1] + 10
    here.server.to_qstat = []
    before = len(here.said)
    assert here.live(2 * BACKOFF[1]) == []
    assert here.said[before:] == ["PBS answers again"]
    times = here.server.times("qstat")
    assert times[-1] - times[-2] == 10


def test_away_again_is_said_again(world):
    here = world("a")
    away, back = Round({}, set(), "away"), Round({"1.s": RUNS}, set())
    here.server.to_qstat = [away, back, away, away, back]
    here.live(200)
    assert len(here.warned) == 2


def test_no_word_of_a_job_is_no_failure(world):
    """The server answers, but not for this one."""
    here = world(*"ab", pack_size=1)
    here.server.jobs |= {"1.s": None, "2.s": RUNS}
    assert here.live(1800) == []
    assert here.warned == []


@pytest.mark.parametrize("state", [*"QHWTSERBMUX"])
def test_only_f_is_an_end(world, state):
    here = world("a")
    here.server.jobs["1.s"] = Status(state, -4, 42)
    assert here.live(3600, 7) == []


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
    assert here.fleet.running == []


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


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (Status("F", -29, 93, "", "02:00:01"), "its walltime was over (02:00:01 used)"),
        (
            Status("F", -27, 93, "", "", "300kb"),
            "it used more memory than it had asked for (300kb used)",
        ),
        (Status("F", 271, 91, "… and terminated by a@b"), "it was deleted by a@b"),
        (Status("F", 0, 91), "it was deleted (qdel)"),
        (Status("F", None, 91), "it was deleted (qdel)"),
        (Status("F", 1, 93), "it ended with exit code 1"),
        # Nobody but the job itself can tell that its outputs are good.
        (Status("F", 0, 92), "it ended with exit code 0"),
        (
            Status("F", 265, 93),
            "it was killed by signal 9; the kernel kills so when memory is short",
        ),
        (Status("F", -4, 93, "x"), "PBS gave it up (Exit_status -4: x)"),
    ],
)
def test_an_end_of_which_the_job_said_nothing(world, status, why):
    here = world(*"abc")
    here.begin()
    here.inside().tell("started", 0)
    here.inside().tell("started", 1)
    here.inside().tell("done", 1)
    here.server.jobs["1.s"] = status
    assert here.live(11) == [("b", None)]
    assert here.live(LAG - 1) == []
    assert here.live(2) == [
        ("a", f"PBS job 1.s ended while it ran: {why}"),
        ("c", f"PBS job 1.s ended before it began: {why}"),
    ]
    assert here.fleet.running == []


def test_an_old_version_tells_only_in_the_output(world, tmp_path):
    here = world("a")
    (tmp_path / "pack-0.out").write_text(f"x\n{KILLED}\n")
    here.server.jobs["1.s"] = Status("F", 271, 93)
    (report,) = here.live(30)
    assert report[1].endswith("its walltime was over")


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
    [("", "it was stopped by SIGTERM (walltime, qdel or a shutdown)"), (KILLED, KILLED)],
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


# -- jobs that the server does not know ------------------------------------------------------


@pytest.mark.parametrize("interval", [1, 10, 40, 200])
def test_gone_is_believed_late(world, interval):
    """After three answers and a minute: a server that restarts may know it again."""
    here = world("a", interval=interval)
    here.server.jobs["1.s"] = "gone"
    while not (found := here.live(1)):
        assert here.now < 3000
    why = "PBS does not know it any more, and it had not begun"
    assert found == [("a", f"PBS job 1.s ended before it began: {why}")]
    times = here.server.times("qstat")
    assert len(times) >= GONE_ROUNDS
    assert GONE_SECONDS <= here.now - times[0] <= max(GONE_SECONDS, 2 * interval) + 2
    # Should it be in some queue all the same, it must not begin.
    assert not here.begin()


def test_gone_and_silent(world):
    here = world("a")
    here.begin()
    here.inside().tell("started", 0)
    here.inside().beat()
    here.server.jobs["1.s"] = "gone"
    assert here.live(GONE_SECONDS - 1) == []
    assert here.live(60) == [
        (
            "a",
            "PBS job 1.s ended while it ran: PBS does not know it any more, and it shows no sign "
            "of life",
        )
    ]
    # Should it live all the same, it ends itself.
    assert here.inside().is_to_stop


def test_gone_but_done(world):
    """A server without history forgets a job as soon as it ends; the job has told all."""
    here = world(*"ab")
    here.begin()
    here.server.jobs["1.s"] = "gone"
    for number in range(2):
        here.inside().tell("done", number)
    here.inside().tell("over", stopped="")
    assert here.live(30) == [("a", None), ("b", None)]


def test_a_job_that_beats_is_never_given_up(world):
    here = world("a")
    here.begin()
    here.server.jobs["1.s"] = "gone"
    for _ in range(7200 // 15):
        here.inside().beat()
        assert here.live(15, 5) == []
    assert not here.inside().is_to_stop
    # It is when it has stopped to beat.
    assert here.live(GONE_SECONDS - 15) == []
    assert len(here.live(60)) == 1


def test_a_server_that_remembers(world):
    """Gone twice, then back: counted from the beginning again."""
    here = world("a")
    gone, back = Round({}, {"1.s"}), Round({"1.s": QUEUED}, set())
    here.server.to_qstat = [gone, gone, back] * 100
    assert here.live(2000) == []


def test_no_answer_does_not_count_as_gone(world):
    here = world("a")
    away = Round({}, set(), "away")
    here.server.to_qstat = [Round({}, {"1.s"}), *[away] * 8, Round({"1.s": RUNS}, set())]
    assert here.live(2000) == []


def test_gone_and_so_is_its_folder(world):
    """Somebody removed .snakemake: the jobs have failed, and the run comes to its end."""
    here = world("a")
    here.live(5)
    here.inside().remove()
    here.server.jobs["1.s"] = "gone"
    assert len(here.live(400)) == 1
    assert len(here.warned) < 3
