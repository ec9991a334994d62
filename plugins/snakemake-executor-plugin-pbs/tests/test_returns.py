"""Jobs that went down with a PBS job before they had begun: they wait for another, unreported."""

import pytest
from snakemake_executor_plugin_pbs.pbs_jobs import RETURNS
from snakemake_executor_plugin_pbs.qstat import Status

DELETED = Status("F", 271, 91)


def goes_down(here, number, *started, status=DELETED):
    """The PBS job of a pack comes to its end, after it has begun some of its jobs."""
    here.begin(number)
    for one in started:
        here.inside(number).tell("started", one)
    here.server.jobs[f"{number + 1}.s"] = status
    return here.live(17)


def finishes(here, number):
    """All jobs of a pack are done."""
    here.begin(number)
    for one in range(len(here.packs[number])):
        here.inside(number).tell("done", one)
    here.inside(number).tell("over", stopped="")
    return here.live(1)


# -- again -----------------------------------------------------------------------------------


def test_all_of_a_pack(world):
    here = world(*"abc")
    assert goes_down(here, 0) == []
    assert here.packs == [["a", "b", "c"]] * 2
    assert finishes(here, 1) == [(name, None) for name in "abc"]
    assert here.reported == {"a": 1, "b": 1, "c": 1}
    assert here.pbs.running == []
    assert not here.pbs.submission.waiting.requests


def test_one_of_a_pack(world):
    here = world(*"abc")
    why = "PBS job 1.s ended while it ran: it was deleted (qdel)"
    assert goes_down(here, 0, 0, 2) == [("a", why), ("c", why)]
    assert here.packs == [["a", "b", "c"], ["b"]]
    assert finishes(here, 1) == [("b", None)]


def test_of_several_packs_together(world):
    here = world(*"abcd", pack_size=2)
    for number in range(2):
        here.begin(number)
        here.inside(number).tell("started", 0)
    here.server.jobs |= {"1.s": DELETED, "2.s": DELETED}
    assert [name for name, _ in here.live(17)] == ["a", "c"]
    assert here.packs == [["a", "b"], ["c", "d"], ["b", "d"]]


def test_with_those_that_are_new(world):
    here = world("a", pack_size=1)
    here.pbs.submission.waiting.size, here.pbs.submission.waiting.wait = 2, 60
    # Something runs, so that it is waited for others.
    here.add("x", alone="group 1")
    here.round()
    goes_down(here, 0)
    here.add("b")
    here.live(10)
    assert here.packs == [["a"], ["x"], ["a", "b"]]


def test_a_group_goes_alone_and_at_once(world):
    here = world(pack_wait=60)
    here.add("a", alone="group 1")
    here.add("b", alone="group 2")
    here.round()
    here.server.jobs |= {"1.s": DELETED, "2.s": DELETED}
    assert here.live(17) == []
    assert here.packs == [["a"], ["b"]] * 2


def test_behind_those_that_wait_already(world):
    here = world(*"abc", pack_size=1, max_jobs=1)
    for number in range(3):
        goes_down(here, number)
    assert here.packs == [["a"], ["b"], ["c"], ["a"]]


# -- how often -------------------------------------------------------------------------------


@pytest.mark.parametrize("names", ["a", "abc"])
def test_not_for_ever(world, names):
    here = world(*names)
    for number in range(RETURNS):
        assert goes_down(here, number) == []
        assert len(here.packs) == number + 2
    why = f"PBS job {RETURNS + 1}.s ended before it began: it was deleted (qdel)"
    assert goes_down(here, RETURNS) == [(name, why) for name in names]
    assert here.live(400) == []
    assert here.packs == [list(names)] * (RETURNS + 1)


def test_each_job_has_its_own_count(world):
    here = world("a", max_jobs=1)
    for number in range(RETURNS - 1):
        goes_down(here, number)
    here.add("b")
    goes_down(here, RETURNS - 1)
    assert here.packs == [["a"]] * RETURNS + [["b", "a"]]
    why = f"PBS job {RETURNS + 1}.s ended before it began: it was deleted (qdel)"
    assert goes_down(here, RETURNS) == [("a", why)]
    assert here.packs[RETURNS + 1 :] == [["b"]]


def test_the_next_attempt_begins_to_count_anew(world):
    here = world("a")
    for number in range(RETURNS + 1):
        goes_down(here, number)
    assert here.reported == {"a": 1}
    here.add("a", attempt=2)
    here.live(1)
    assert goes_down(here, RETURNS + 1) == []
    assert len(here.packs) == RETURNS + 3


def test_walltime_after_a_return_is_reported(world):
    here = world("a")
    goes_down(here, 0)
    reports = goes_down(here, 1, status=Status("F", -29, 93))
    assert reports == [("a", "PBS job 2.s ended before it began: its walltime was over")]


# -- what is known of it ---------------------------------------------------------------------


def test_it_is_no_attempt(world):
    """So nothing is said of what the job asks for now, and there is no cause to be told."""
    here = world(*"ab")
    goes_down(here, 0, 0)
    assert "again, now with" not in "".join(here.said)
    here.add("a", attempt=2)
    here.live(1)
    why = "PBS job 1.s ended while it ran: it was deleted (qdel)"
    assert here.said[-1] == f"    again, now with 1 core: {why}"


def test_a_later_snakemake_does_not_take_the_old_pack_for_it(world):
    here = world(*"ab")
    goes_down(here, 0, 0)
    assert here.inside(0).reported() == {0, 1}
    assert here.inside(1).reported() == set()


def test_nothing_is_submitted_once_the_run_is_cancelled(world):
    here = world(*"ab")
    here.pbs.cancel()
    assert goes_down(here, 0) == []
    assert here.live(100) == []
    assert len(here.packs) == 1


def test_the_old_folder_goes_in_the_end(world):
    here = world(*"ab")
    goes_down(here, 0)
    finishes(here, 1)
    here.pbs.close()
    assert list(here.ledger.root.iterdir()) == []
