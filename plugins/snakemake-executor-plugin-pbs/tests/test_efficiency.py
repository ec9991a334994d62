"""The report of what jobs have used, and the logs that are kept."""

import os
import time

from snakemake_executor_plugin_pbs import ExecutorSettings, logs
from snakemake_executor_plugin_pbs.efficiency import Efficiency
from snakemake_executor_plugin_pbs.folder import Use
from snakemake_executor_plugin_pbs.request import PackRequest, Request


def asked(count=1, slots=1, **job):
    request = Request("convert", **{"mem_mb": 4000, "runtime": 60, **job})
    return PackRequest.of(request, count, ExecutorSettings(pack_cores=slots))


def used(together_mb=1000.0, largest_mb=300.0, seconds=600.0, cpu_seconds=540.0):
    return Use(seconds, cpu_seconds, largest_mb, together_mb)


def report(pack, seconds, *told):
    """What is said of a rule: of its jobs, and of its PBS jobs."""
    found = Efficiency()
    for one in seconds:
        found.job_done(pack.job, one)
    for one in told:
        found.pbs_job_over(pack, one)
    return found.lines()


def words(line):
    return " ".join(line.split())


def test_what_was_used_and_what_to_ask_for():
    lines = report(asked(), [300.0, 120.0], used(), used(together_mb=500.0))
    assert words(lines[1]) == "convert 2 0.9 / 1 1000 / 4000 MB 5.0 / 60 min"
    assert lines[2:] == [
        "Less would have been enough. In a profile:",
        "  set-resources:",
        "    convert: {mem_mb: 1300, runtime: 10}",
    ]


def test_memory_and_cores_of_jobs_side_by_side():
    four = asked(count=4, slots=4)
    lines = report(four, [3000.0] * 4, used(together_mb=4000.0, cpu_seconds=4 * 540.0))
    assert words(lines[1]) == "convert 4 0.9 / 1 1000 / 4000 MB 50.0 / 60 min"
    assert lines[-1] == "    convert: {mem_mb: 1300}"


def test_a_process_that_was_too_short_to_be_seen():
    """Its own size is known all the same."""
    lines = report(asked(count=4, slots=2), [0.4], used(0.0, 150.0, cpu_seconds=600.0))
    assert words(lines[1]) == "convert 1 0.5 / 1 150 / 4000 MB 0.0 / 60 min"


def test_cores_of_mpi():
    lines = report(asked(tasks=4, threads=2), [300.0], used(cpu_seconds=8 * 540.0))
    assert words(lines[1]).startswith("convert 1 7.2 / 8 ")


def test_nothing_to_propose():
    assert len(report(asked(), [3000.0], used(together_mb=3500.0))) == 2


def test_what_is_not_told_is_not_made_up():
    lines = report(asked(mem_mb=None, runtime=None), [1.0])
    assert words(lines[1]) == "convert 1 ? / 1 ? / - MB 0.0 / - min"
    assert len(lines) == 2


def test_failures_are_left_out():
    assert report(asked(), [], used()) == []


def test_logs_of_failures_and_of_other_runs_are_kept(tmp_path):
    for name in ("a-xyz-1", "a-xyz-2", "a-old-1"):
        (tmp_path / f"{name}.log").touch()
        (tmp_path / f"{name}.out").touch()
    (tmp_path / "mine-xyz-1.txt").touch()
    logs.remove_successful(tmp_path, "xyz", {str(tmp_path / "a-xyz-2.log")})
    assert {path.name for path in tmp_path.iterdir()} == {
        *("a-xyz-2.log", "a-xyz-2.out", "a-old-1.log", "a-old-1.out", "mine-xyz-1.txt")
    }


def test_old_logs_are_removed(tmp_path):
    for name, days in (("a-xyz-1.log", 11), ("b-xyz-2.log", 9), ("notes.log", 99)):
        (tmp_path / name).touch()
        at = time.time() - days * 86_400
        os.utime(tmp_path / name, (at, at))
    logs.remove_old(tmp_path, 10)
    assert {path.name for path in tmp_path.iterdir()} == {"b-xyz-2.log", "notes.log"}
