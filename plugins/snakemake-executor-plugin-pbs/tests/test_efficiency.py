"""The report of what jobs have used, and the logs that are kept."""

import os
import time
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_pbs import ExecutorSettings, logs
from snakemake_executor_plugin_pbs.efficiency import SAMPLE, Efficiency
from snakemake_executor_plugin_pbs.folder import Use
from snakemake_executor_plugin_pbs.qstat import Status
from snakemake_executor_plugin_pbs.request import PackRequest, Request

SINGLE, GROUP = SimpleNamespace(is_group=False), SimpleNamespace(is_group=True)


def over(mem="1024000kb", wall="00:10:00", cput="00:09:00", ncpus=1):
    return Status("F", 0, 92, "", wall, mem, cput, ncpus)


def asked(count=1, slots=1, **job):
    request = Request("convert", **{"mem_mb": 4000, "runtime": 60, **job})
    return PackRequest.of(request, count, ExecutorSettings(pack_cores=slots))


def report(statuses, seconds, pack, *told):
    use = Efficiency()
    for number, _ in enumerate(statuses):
        use.submitted(f"{number}.s", SINGLE, pack)
    for number, one in enumerate(told):
        use.over(f"{number}.s", one)
    for one in seconds:
        use.ended("convert", one)
    use.ask(lambda ids: {job_id: statuses[int(job_id[:-2])] for job_id in ids})
    return use.lines()


def words(line):
    return " ".join(line.split())


def test_what_was_used_and_what_to_ask_for():
    lines = report([over(), over(mem="512000kb")], [300.0, 120.0], asked())
    assert words(lines[1]) == "convert 2 0.9 / 1 1000 / 4000 MB 5.0 / 60 min"
    assert lines[2:] == [
        "Less would have been enough. In a profile:",
        "  set-resources:",
        "    convert: {mem_mb: 1300, runtime: 10}",
    ]


def test_memory_of_jobs_side_by_side():
    lines = report([over(mem="4096000kb", ncpus=4)], [3000.0] * 4, asked(count=4, slots=4))
    assert "1000 / 4000 MB" in lines[1]
    assert lines[-1] == "    convert: {mem_mb: 1300}"


def test_nothing_to_propose():
    lines = report([over(mem="3500000kb")], [3000.0], asked())
    assert len(lines) == 2


@pytest.mark.parametrize(
    "status",
    [over(mem="", wall="", cput=""), Status("R", used_mem="1gb"), over(mem="0kb", cput="00:00:00")],
)
def test_what_pbs_does_not_tell_is_not_made_up(status):
    lines = report([status], [1.0], asked(mem_mb=None, runtime=None))
    assert words(lines[1]) == "convert 1 ? / 1 ? / - MB 0.0 / - min"
    assert len(lines) == 2


@pytest.mark.parametrize("status", [over(mem="0kb", wall="00:00:01", cput="00:00:00"), None])
def test_a_short_job_tells_itself_what_it_used(status):
    """PBS had not looked at it, or has forgotten it."""
    use = Efficiency()
    use.submitted("0.s", SINGLE, asked(count=4, slots=2))
    use.over("0.s", Use(seconds=2.5, cpu_seconds=3.0, largest_mb=150))
    use.ended("convert", 0.4)
    use.ask(lambda ids: {"0.s": status} if status else {})
    assert words(use.lines()[1]) == "convert 1 0.6 / 1 150 / 4000 MB 0.0 / 60 min"


def test_what_pbs_has_seen_beyond_that_counts():
    """Such as a process that was left behind."""
    told = Use(seconds=600, cpu_seconds=3.0, largest_mb=150)
    lines = report([over()], [300.0], asked(), told)
    assert words(lines[1]) == "convert 1 0.9 / 1 1000 / 4000 MB 5.0 / 60 min"


def test_groups_and_failures_are_left_out():
    use = Efficiency()
    use.submitted("1.s", GROUP, asked())
    use.ended("convert", 3.0)
    assert use.lines() == []
    use.submitted("2.s", SINGLE, asked())
    assert use.lines() == []


def test_pbs_is_asked_about_a_sample_in_few_questions():
    use, questions = Efficiency(), []
    for number in range(10 * SAMPLE):
        use.submitted(f"{number}.s", SINGLE, asked())
    use.ask(lambda ids: questions.append(len(ids)) or {})
    assert sum(questions) == SAMPLE
    assert len(questions) == 2


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
