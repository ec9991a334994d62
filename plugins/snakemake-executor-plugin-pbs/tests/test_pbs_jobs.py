"""What PBS is asked, and what follows where it does not answer or does not know a job."""

from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from scripted_pbs import QUEUED, RUNS, folders
from snakemake_executor_plugin_pbs.backoff import BACKOFF
from snakemake_executor_plugin_pbs.commands import Round
from snakemake_executor_plugin_pbs.folder import Use
from snakemake_executor_plugin_pbs.pbs_jobs import KEPT, WAIT_FOR_ENDS
from snakemake_executor_plugin_pbs.running import GONE_ROUNDS, GONE_SECONDS

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


# -- jobs that the server does not know ------------------------------------------------------


@pytest.mark.parametrize("interval", [1, 10, 40, 200])
def test_gone_is_believed_late(world, interval):
    """After three answers and a minute: a server that restarts may know it again."""
    here = world("a", interval=interval)
    here.server.jobs["1.s"] = "gone"
    while len(here.packs) == 1:
        assert here.live(1) == []
        assert here.now < 3000
    times = here.server.times("qstat")
    assert len(times) >= GONE_ROUNDS
    assert GONE_SECONDS <= here.now - times[0] <= max(GONE_SECONDS, 2 * interval) + 2
    # It had not begun, so it is no failure. Should it be in some queue all the same, it must not.
    assert here.packs == [["a"], ["a"]]
    assert not here.begin(0)
    assert here.begin(1)


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
    here.inside().tell("started", 0)
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
    """Somebody removed .snakemake: it is done again, and the run comes to its end."""
    here = world("a")
    here.live(5)
    here.inside().remove()
    here.server.jobs["1.s"] = "gone"
    assert here.live(100) == []
    assert here.packs == [["a"], ["a"]]
    assert len(here.warned) < 3
    here.begin(1)
    here.inside(1).tell("done", 0)
    assert here.live(1) == [("a", None)]


# -- folders of PBS jobs that are over ---------------------------------------------------------


def test_a_folder_is_kept_for_a_while(world):
    """Snakemake notes later that a job is done: a kill before that must not do it twice."""
    here = world(*"ab")
    here.begin(0)
    for number in range(2):
        here.inside(0).tell("done", number)
    here.inside(0).tell("over", stopped="")
    assert here.live(1) == [("a", None), ("b", None)]
    here.live(KEPT - 3)
    assert folders(here) == {"pack-0"}
    here.live(5)
    assert folders(here) == set()


# -- the end of a run ------------------------------------------------------------------------


USE = Use(seconds=2.0, cpu_seconds=1.0, largest_mb=90, together_mb=120)


def reported(world):
    """A world in which all of a PBS job is reported, and it has not ended."""
    here = world("a")
    here.begin(0)
    here.inside(0).tell("done", 0)
    assert here.live(1) == [("a", None)]
    return here


def test_last_words_are_waited_for(world, monkeypatch):
    here = reported(world)
    here.pbs.efficiency.job_done(here.reports[0].entry.request, 1.0)

    def end(seconds):
        here.now += seconds
        here.inside(0).tell("over", stopped="", use=asdict(USE))

    monkeypatch.setattr(here.pbs, "_sleep", end)
    here.pbs.close()
    row = " ".join(here.pbs.efficiency.lines()[1].split())
    assert row == "convert 1 0.5 / 1 120 / - MB 0.0 / - min"
    assert folders(here) == set()


def test_what_a_group_used_is_not_that_of_a_rule_of_its_name(world):
    here = reported(world)
    here.pbs.efficiency.job_done(here.reports[0].entry.request, 1.0)
    (one,) = here.pbs.running
    one.pack = replace(one.pack, is_group=True)
    here.inside(0).tell("over", stopped="", use=asdict(USE))
    here.live(5)
    assert not here.pbs.running
    row = " ".join(here.pbs.efficiency.lines()[1].split())
    assert row == "convert 1 ? / 1 ? / - MB 0.0 / - min"


def test_last_words_are_not_waited_for_for_long(world):
    here = reported(world)
    begin = here.now
    here.pbs.close()
    assert WAIT_FOR_ENDS <= here.now - begin < WAIT_FOR_ENDS + 1
    # It writes into its folder still.
    assert folders(here) == {"pack-0"}
