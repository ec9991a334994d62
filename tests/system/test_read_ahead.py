"""What is asked of the kernel ahead of a reader."""

import os
import threading

import pytest

from xsar_batch.system import read_ahead
from xsar_batch.system.read_ahead import PIECE, PIECES, ReadAhead


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """Places that are asked for, of a cache that holds nothing; two steps ahead at most."""
    places: list[int] = []
    monkeypatch.setattr(read_ahead, "AHEAD", 2 * PIECE * PIECES)
    monkeypatch.setattr(read_ahead, "_is_there", lambda file, place: False)
    monkeypatch.setattr(os, "posix_fadvise", lambda file, place, *how: places.append(place))
    return places


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pixels"
    with path.open("wb") as made:
        made.truncate(8 * PIECE * PIECES)
    return path


def settled() -> None:
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and "_go" in thread.name:
            thread.join(5)
            assert not thread.is_alive()


def test_all_is_asked_for_once_and_in_order(asked, file):
    with ReadAhead(file) as ahead:
        ahead.at(1 - 1e-9)
        ahead.at(0)
        for eighth in range(8):
            ahead.at(eighth / 8)
        settled()
    assert asked == sorted(set(asked))
    assert asked[-1] == file.stat().st_size - PIECE


def test_no_more_is_asked_for_than_is_allowed(asked, file):
    ahead = ReadAhead(file)
    ahead.close()
    settled()
    assert len(asked) <= 2 * PIECES
    assert asked == [PIECE * number for number in range(len(asked))]


def test_a_part_of_a_file(asked, file):
    with ReadAhead(file, 0.25, 0.5) as ahead:
        ahead.at(0.25)
        settled()
    assert asked == [PIECE * number for number in range(2 * PIECES, 4 * PIECES)]


def test_what_the_cache_holds_is_not_asked_for(asked, file, monkeypatch):
    monkeypatch.undo()
    places = []
    monkeypatch.setattr(os, "posix_fadvise", lambda file, place, *how: places.append(place))
    file.read_bytes()
    with ReadAhead(file) as ahead:
        ahead.at(0)
        settled()
    assert places == []


def test_a_file_that_is_not_there_is_no_matter(tmp_path):
    with ReadAhead(tmp_path / "nothing") as ahead:
        ahead.at(0.5)
        settled()
