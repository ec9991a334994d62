"""What conversions needed, and what is asked for from then on."""

import pytest
import yaml

from xsar_batch.batch import resources


def rows(*needed):
    return [
        {"state": "done", "peak_memory_mb": str(memory), "seconds": str(seconds)}
        for memory, seconds in needed
    ]


def test_from_what_was_needed():
    measured = [*rows(*[(400, 2.0)] * 99, (500, 200.0)), {"state": "failed", "seconds": "9999"}]
    said = list(resources.lines(measured))
    assert said[0] == (
        "# 100 conversions needed up to 500 MB and 3 min (99 % of them: 400 MB and 2.0 s)"
    )
    asked = yaml.safe_load("\n".join(said))["set-resources"]["convert"]
    assert asked == {"mem_mb": "attempt * 1200", "runtime": "attempt * 7"}


def test_few_are_told_as_few():
    (first, *_) = resources.lines(rows((268, 2.8)))
    assert first.endswith("fewer than 20 may be too few to tell")


@pytest.mark.parametrize("measured", [[], [{"state": "done", "seconds": ""}]])
def test_from_nothing_follows_nothing(measured):
    assert list(resources.lines(measured)) == [
        "# nothing was measured yet: no conversion has come to its end"
    ]
