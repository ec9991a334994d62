"""Clocks that jump, and file systems that keep coarse times: what is done stays done."""

import os
from pathlib import Path

import pytest
from safes import copy_safe
from work import Work, ending, preview

#: Of Debian's package `libfaketime`.
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")

needs_faketime = pytest.mark.skipif(not FAKETIME.exists(), reason="needs libfaketime")


@pytest.fixture
def work(tmp_path, scene, land_source) -> Work:
    return Work.new(tmp_path / "work", land_source, map(scene, range(2)))


def at(time: str) -> dict[str, str]:
    # The clock on the wall alone jumps, and files have the times that the kernel gives them.
    true = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    return {"LD_PRELOAD": str(FAKETIME), "FAKETIME": time, **true}


def coarse(work: Work) -> None:
    """Times as FAT has them: two whole seconds."""
    for path in [*work.out.rglob("*")]:
        time = int(path.stat().st_mtime) // 2 * 2
        os.utime(path, (time, time))


@needs_faketime
@pytest.mark.faults
@pytest.mark.parametrize("jumps", [("+0", "-400d"), ("+0", "+400d"), ("-30d", "+0", "-30d")])
def test_clock_that_jumps_between_runs(jumps, work, scene):
    """Of each run it is said how it went, and none makes again what another has made."""
    for number, jump in enumerate(jumps, 2):
        before = work.products
        ran = work.snakemake(**at(jump))
        assert ran.code == 0, ran.out
        pending = 2 if number == 2 else 1
        assert f"of {pending} pending, {pending} made, 0 failed\n" in ending(ran)
        assert before.items() <= work.products.items()
        coarse(work)
        again = work.snakemake(**at(jump))
        assert "nothing to do" in ending(again)
        copy_safe(scene(number), work.archive, linked=True)
    assert f"{len(jumps) + 1} done, 1 pending" in preview(work.snakemake("-n"))
