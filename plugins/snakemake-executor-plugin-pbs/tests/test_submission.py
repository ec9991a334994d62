"""How PBS jobs are submitted, and what the refusals and silences of qsub lead to."""

from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest
from scripted_pbs import RUNS, World, folders
from snakemake_executor_plugin_pbs.backoff import BACKOFF
from snakemake_executor_plugin_pbs.packing import IDLE_WAIT
from snakemake_executor_plugin_pbs.pbs_jobs import SUBMISSIONS_A_ROUND
from snakemake_executor_plugin_pbs.qsub import Later, Refused, Unclear

LIMIT = Later("a limit of the queue is reached (x)", is_usual=True)
CLOSED = Later("the queue takes no jobs at present (qsub: Queue is not enabled)")


@pytest.fixture
def world(tmp_path):
    return partial(World, tmp_path)


# -- packs -----------------------------------------------------------------------------------


def test_jobs_that_ask_for_the_same_are_packed(world):
    here = world(pack_size=3)
    here.add(*"abcd")
    here.add(*"xy", threads=2)
    here.round()
    assert here.packs == [["a", "b", "c"], ["d"], ["x", "y"]]
    assert [folder.id for folder in here.prepared] == ["1.s", "2.s", "3.s"]
    assert here.said[0] == "PBS job 1.s (pack-0): 3 jobs, 1 core; log /logs/pack-0.log"
    assert here.said[1] == "PBS job 2.s (pack-1): 1 job, 1 core; log /logs/pack-1.log"


def test_a_pack_that_is_not_full_waits(world):
    here = world(pack_size=3, pack_wait=60)
    here.add(*"abcd")
    here.round()
    here.live(59)
    assert here.packs == [["a", "b", "c"]]
    here.add("e")
    here.live(59)
    assert here.packs == [["a", "b", "c"]]
    here.live(2)
    assert here.packs[1:] == [["d", "e"]]


def test_where_all_have_come_nothing_waits(world):
    here = world(pack_size=3, pack_wait=60)
    here.add("a")
    here.pbs.complete()
    here.round()
    assert here.packs == [["a"]]
    # A retry may be joined by others: what else is in the PBS job may fail too.
    here.add("b")
    here.pbs.complete()
    here.live(IDLE_WAIT + 1)
    assert here.packs == [["a"]]


def test_another_one_after_all_had_come(world):
    here = world(pack_size=3, pack_wait=60)
    here.add("a")
    here.pbs.complete()
    here.add("b")
    here.round()
    assert here.packs == []


def test_what_holds_something_of_its_own_goes_alone_and_at_once(world):
    here = world(pack_size=3, pack_wait=60)
    here.add("a", alone="group 1")
    here.add("b", alone="group 2")
    here.round()
    assert here.packs == [["a"], ["b"]]


def test_max_jobs(world):
    here = world(max_jobs=2)
    here.add(*"abcde")
    here.live(50)
    assert here.packs == [["a"], ["b"]]
    here.begin(0)
    here.inside(0).tell("done", 0)
    here.inside(0).tell("over", stopped="")
    here.live(2)
    assert here.packs == [["a"], ["b"], ["c"]]


def test_a_round_is_not_held_up_by_submitting(world):
    here = world()
    here.add(*(f"job{n}" for n in range(2 * SUBMISSIONS_A_ROUND + 1)))
    counts = []
    for _ in range(4):
        here.round()
        counts.append(len(here.packs))
    assert counts == [SUBMISSIONS_A_ROUND * n for n in (1, 2)] + [2 * SUBMISSIONS_A_ROUND + 1] * 2


# -- refused ---------------------------------------------------------------------------------


def test_refused_at_once_is_fatal(world):
    here = world(pack_size=2)
    here.add(*"abc")
    here.server.to_qsub = [Refused("Unknown queue (exit code 170)")]
    why = "Unknown queue (exit code 170)"
    assert here.round() == [(name, f"qsub refused it (1 core): {why}") for name in "ab"]
    assert here.pbs.fatal == f"qsub refused it (1 core): {why}"
    # Not tried with each of a thousand jobs.
    assert here.live(100) == []
    assert len(here.server.asked("qsub")) == 1
    assert folders(here) == set()


def test_refused_at_once_while_others_can_go_on(world):
    here = world(pack_size=2)
    here.add(*"ab", queue="nowhere")
    here.add(*"cd")
    here.server.to_qsub = [Refused("Unknown queue (exit code 170)")]
    assert [name for name, _ in here.round()] == ["a", "b"]
    assert here.pbs.fatal == ""
    assert here.packs[1:] == [["c", "d"]]


def test_refused_later_concerns_that_pack_alone(world):
    here = world(pack_size=2)
    here.add("a")
    here.round()
    here.server.to_qsub = [Refused("limits (exit code 188)")]
    here.add(*"bc", threads=99)
    here.add("d")
    why = "qsub refused it (99 cores): limits (exit code 188)"
    assert here.round() == [("b", why), ("c", why)]
    assert here.pbs.fatal == ""
    assert here.packs == [["a"], ["b", "c"], ["d"]]
    assert folders(here) == {"pack-0", "pack-2"}


# -- later -----------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [CLOSED, LIMIT])
def test_what_keeps_jobs_is_waited_for(world, problem):
    here = world(pack_size=2)
    here.add(*"abcd")
    here.server.to_qsub = [problem] * 9
    here.round()
    assert here.live(1500, 5) == []
    assert here.warned == [f"{problem}. Jobs wait, and are submitted later"]
    here.live(600, 5)
    waits = [b - a for a, b in pairwise(here.server.times("qsub"))]
    assert waits == [5, 10, 20, 40, 80, 160, *[BACKOFF[1]] * 3, 0]
    # A limit is usual, so its end is no news.
    assert here.said.count("PBS takes jobs again") == (0 if problem.is_usual else 1)
    # In their order, and each once.
    assert here.packs[-2:] == [["a", "b"], ["c", "d"]]
    assert folders(here) == {folder.path.name for folder in here.prepared[-2:]}
    assert here.pbs.fatal == ""


def test_each_problem_is_said_once(world):
    """A limit may be reached a hundred times in a run."""
    here = world()
    for number in range(20):
        here.add(f"job{number}")
        here.server.to_qsub = [LIMIT, CLOSED] if number % 2 else [LIMIT]
        here.live(30)
    assert len(here.packs) == 20 + 30
    assert here.warned == [
        f"{problem}. Jobs wait, and are submitted later" for problem in (LIMIT, CLOSED)
    ]
    assert here.said.count("PBS takes jobs again") == 10


@pytest.mark.parametrize(
    ("problems", "is_said"),
    [
        ([LIMIT], False),
        ([CLOSED], True),
        ([OSError(28, "No space left on device")], True),
        ([Unclear("qsub gave no answer for 60 s")], True),
        ([LIMIT, CLOSED], True),
        # Who tells of a limit takes jobs.
        ([CLOSED, LIMIT], False),
        ([], False),
    ],
)
def test_that_jobs_are_taken_again_is_said_of_what_is_not_usual(world, problems, is_said):
    here = world()
    here.server.to_qsub = [*problems]
    here.add("a")
    here.live(60)
    assert here.packs[-1] == ["a"]
    assert here.said.count("PBS takes jobs again") == is_said
    # … and of nothing that went well before it.
    here.add("b")
    here.live(10)
    assert here.said.count("PBS takes jobs again") == is_said


def test_a_limit_holds_back_nothing_that_runs(world):
    here = world()
    here.add(*"ab")
    here.server.to_qsub = ["1.s", *[Later("full")] * 100]
    here.round()
    here.inside().tell("done", 0)
    assert here.live(1) == [("a", None)]


def test_a_disk_that_is_full_is_waited_for(world):
    here = world()
    here.to_prepare = [OSError(28, "No space left on device")]
    here.add("a")
    here.round()
    assert here.warned == ["[Errno 28] No space left on device. Jobs wait, and are submitted later"]
    here.live(6)
    assert here.packs == [["a"]]


def test_an_error_of_ours_loses_no_job(world):
    """The executor goes on after an exception: each job must be reported or submitted."""
    here = world()
    here.to_prepare = [ValueError("a bug")]
    here.add("a")
    with suppress(ValueError):
        here.round()
    here.live(400)
    assert here.packs == [["a"]] or here.reported == {"a": 1}


# -- unclear ---------------------------------------------------------------------------------


def test_no_id_then_submitted_again_and_run_once(world):
    here = world(pack_size=2)
    here.add(*"ab")
    here.server.to_qsub = [Unclear("qsub gave no answer for 60 s")]
    here.round()
    assert here.live(30) == []
    assert here.packs == [["a", "b"]] * 2
    assert here.warned == ["qsub gave no answer for 60 s. Jobs wait, and are submitted later"]
    # Should there be a PBS job after all, it ends before it does anything.
    assert not here.begin(0)
    assert here.begin(1)


def test_no_id_but_it_runs_already(world):
    here = world(pack_size=2)
    here.add(*"ab")

    def begins():
        assert here.begin(0, id="77.s")
        return Unclear("qsub gave no answer for 60 s")

    here.server.to_qsub = [begins]
    here.round()
    here.server.jobs["77.s"] = RUNS
    here.live(30)
    assert here.packs == [["a", "b"]]
    assert here.server.asked("qstat")[0] == ["77.s"]
    here.inside().tell("done", 1)
    assert here.live(1) == [("b", None)]
    assert here.warned == []
