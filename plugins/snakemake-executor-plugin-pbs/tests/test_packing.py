"""Which waiting jobs go into one PBS job, and when."""

import random
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_pbs.packing import IDLE_WAIT, Waiting
from snakemake_executor_plugin_pbs.request import Request


def job(name, key="k", alone=None):
    return SimpleNamespace(name=name, request=Request(key, alone=alone))


def waiting(names="", size=3, wait=60, key="k", at=0.0):
    found = Waiting(size, wait)
    for name in names:
        found.add(job(name, key), at)
    return found


def take(line, *arguments, **more):
    """The key and the names of a pack that can go now; None without any."""
    entries = line.take(*arguments, **more)
    return (entries[0].request.rule, [one.name for one in entries]) if entries else None


def everything(line, now=0.0, idle=False):
    """All packs that can go now."""
    return list(iter(lambda: take(line, now, idle), None))


# -- when ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "packs", "left"),
    [
        ("ab", [], "ab"),
        ("abc", ["abc"], ""),
        ("abcd", ["abc"], "d"),
        ("abcdefgh", ["abc", "def"], "gh"),
    ],
)
def test_full_packs_go_at_once(items, packs, left):
    line = waiting(items)
    assert everything(line) == [("k", list(pack)) for pack in packs]
    assert everything(line, 60) == ([("k", list(left))] if left else [])


@pytest.mark.parametrize(("now", "goes"), [(0, False), (59.9, False), (60, True), (100, True)])
def test_one_that_is_not_full_waits(now, goes):
    found = take(waiting("ab"), now, idle=False)
    assert found == (("k", ["a", "b"]) if goes else None)


def test_the_quiet_time_begins_with_the_last_that_came():
    line = waiting("a")
    line.add(job("b"), 50)
    assert take(line, 100, idle=False) is None
    assert take(line, 110, idle=False) == ("k", ["a", "b"])


@pytest.mark.parametrize(
    ("wait", "now", "goes"),
    [(60, IDLE_WAIT - 0.1, False), (60, IDLE_WAIT, True), (1, 0.9, False), (1, 1, True)],
)
def test_while_nothing_runs_it_waits_for_a_moment_only(wait, now, goes):
    assert (take(waiting("a", wait=wait), now, idle=True) is not None) == goes


def test_while_nothing_runs_and_nothing_else_will_come_it_does_not_wait():
    assert take(waiting("a", wait=60), 0, idle=True, complete=True) == ("k", ["a"])
    # What runs may fail and come again.
    assert take(waiting("a", wait=60), 0, idle=False, complete=True) is None


# -- which -----------------------------------------------------------------------------------


def test_keys_are_kept_apart():
    line = waiting()
    for number, key in enumerate("xyxyxyx"):
        line.add(job(number, key), 0)
    assert everything(line) == [("x", [0, 2, 4]), ("y", [1, 3, 5])]
    assert everything(line, 60) == [("x", [6])]


def test_full_ones_go_first():
    line = waiting("a", key="old")
    for item in "bcd":
        line.add(job(item, "new"), 70)
    assert everything(line, 70) == [("new", ["b", "c", "d"]), ("old", ["a"])]


def test_one_key_does_not_hold_up_another():
    line = waiting("a", key="quiet")
    line.add(job("b", "busy"), 59)
    assert everything(line, 60) == [("quiet", ["a"])]
    assert everything(line, 119) == [("busy", ["b"])]


# -- put back --------------------------------------------------------------------------------


def test_what_is_put_back_comes_first_and_in_its_order():
    line = waiting("abcdef")
    line.put_back(line.take(0, idle=False))
    assert everything(line) == [("k", ["a", "b", "c"]), ("k", ["d", "e", "f"])]


def test_what_is_put_back_may_be_more_than_one_pack():
    line = waiting("d")
    line.put_back([job(name) for name in "abc"])
    assert everything(line) == [("k", ["a", "b", "c"]), ("k", ["d"])]


# -- whatever happens ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_or_doubled(seed):
    chance = random.Random(seed)
    size, wait = chance.randint(1, 7), chance.choice([0, 1, 60])
    line, now = Waiting(size, wait), 0.0
    came: dict[str, list[int]] = {key: [] for key in "xyz"}
    went: dict[str, list[int]] = {key: [] for key in "xyz"}
    for number in range(500):
        now += chance.choice([0, 0, 0.5, 30])
        key = chance.choice("xyz")
        line.add(job(number, key), now)
        came[key].append(number)
        while chance.random() < 0.5:
            taken = line.take(now, idle=chance.random() < 0.5)
            if not taken:
                break
            assert len(taken) <= size
            if chance.random() < 0.3:
                line.put_back(taken)
            else:
                went[taken[0].request.rule] += [one.name for one in taken]
    for key, names in everything(line, now + wait):
        went[key] += names
    # Nothing overtakes what asks for the same.
    assert went == came
    assert not line.requests


def test_one_that_is_alone_goes_at_once():
    line = Waiting(3, 60)
    line.add(job("a", alone="group 1"), 0)
    assert take(line, 0, idle=False) == ("k", ["a"])
