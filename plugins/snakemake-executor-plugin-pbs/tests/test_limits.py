"""Limits of single jobs inside a PBS job, with small processes that break them.

``snakemake`` is a process with children of its own: these are its jobs.
"""

import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace

import psutil
import pytest
from pbs_fleet import is_gone, pack, task
from snakemake_executor_plugin_pbs import limits
from snakemake_executor_plugin_pbs.folder import Folder
from snakemake_executor_plugin_pbs.limits import Limits, Offender, began, offence, tree
from snakemake_executor_plugin_pbs.supervisor import Supervisor

MB = 1_000_000

#: Starts what it is told, one child an argument, and collects them as Snakemake does. "wait" makes
#: the next ones younger.
PARENT = """
import subprocess, sys, time
children = []
for text in sys.argv[1:]:
    if text == "wait":
        time.sleep(0.6)
    else:
        children.append(subprocess.Popen([sys.executable, "-c", text]))
while any([child.poll() is None for child in children]):
    time.sleep(0.02)
input()
"""
#: In one write: several share the pipe.
SLEEP = "import os, time; os.write(1, b'ready\\n'); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


def holding(megabytes):
    return f"memory = b'x' * {megabytes * MB}; {SLEEP}"


@pytest.fixture
def snakemake():
    """``snakemake(text, …)``: it has a job for each text, and all of them have begun."""
    started = []

    def start(*texts):
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, *texts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(parent)
        for _ in [text for text in texts if text != "wait"]:
            assert parent.stdout.readline() == "ready\n"
        return psutil.Process(parent.pid)

    yield start
    for parent in started:
        with suppress(psutil.NoSuchProcess):
            for one in tree(psutil.Process(parent.pid)):
                one.kill()
        parent.communicate()


def job_of(process, text):
    """The child that runs this text."""
    (found,) = (child for child in process.children() if text in child.cmdline())
    return found


def ends(process, seconds=10):
    return process in psutil.wait_procs([process], seconds)[0]


# -- runtime ---------------------------------------------------------------------------------


def test_a_job_over_its_runtime(snakemake):
    process = snakemake(SLEEP)
    (job,) = process.children()
    limit = Limits(runtime=2.0)
    assert offence(process, limit) is None
    while (offender := offence(process, limit)) is None:
        assert time.time() - job.create_time() < 10
        time.sleep(0.05)
    assert offender.process == job
    assert offender.why == "runtime"
    # By the clock of the machine, which starts at boot.
    assert 0.5 < time.clock_gettime(time.CLOCK_BOOTTIME) - offender.began < 10
    assert ends(job)
    assert process.is_running()
    assert offence(process, limit) is None


def test_only_the_one_that_is_over_it(snakemake):
    process = snakemake(SLEEP, "wait", holding(1))
    old, young = job_of(process, SLEEP), job_of(process, holding(1))
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - began(young.pid)
    limit = Limits(runtime=age + 0.3)
    assert offence(process, limit).process == old
    assert ends(old)
    assert young.is_running()


def test_what_a_job_has_started_ends_with_it(snakemake):
    below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    process = snakemake(below)
    (job,) = process.children()
    (grandchild,) = job.children()
    assert {*tree(process)[:-1]} == {job, grandchild}
    assert tree(process)[-1] == process
    assert offence(process, Limits(runtime=0.001)).process == job
    assert ends(job)
    assert is_gone(grandchild.pid) or ends(grandchild)


@pytest.mark.parametrize("limit", [Limits(), Limits(runtime=60), Limits(60, 900 * MB, 900 * MB)])
def test_no_limit_is_broken(snakemake, limit):
    process = snakemake(SLEEP)
    assert offence(process, limit) is None
    assert process.children()[0].is_running()


@pytest.mark.parametrize("limit", [Limits(runtime=0.001), Limits(None, MB, MB)])
def test_a_snakemake_without_jobs(snakemake, limit):
    """It is no job itself, however old and large."""
    process = snakemake()
    assert offence(process, limit) is None
    assert process.is_running()


def test_a_snakemake_that_is_no_more(snakemake):
    process = snakemake()
    process.kill()
    process.wait()
    assert offence(process, Limits(runtime=0.001, memory=1, memory_of_all=1)) is None
    assert tree(process) in ([], [process])


# -- memory ----------------------------------------------------------------------------------


def test_a_job_with_too_much_memory(snakemake):
    process = snakemake(holding(300))
    (job,) = process.children()
    offender = offence(process, Limits(memory=200 * MB, memory_of_all=200 * MB))
    assert (offender.process, offender.why) == (job, "memory")
    assert ends(job)
    assert process.is_running()


def test_the_largest_is_the_one_that_is_ended(snakemake):
    process = snakemake(holding(40), holding(300), SLEEP)
    largest = job_of(process, holding(300))
    assert offence(process, Limits(memory=100 * MB, memory_of_all=300 * MB)).process == largest
    assert ends(largest)
    # Now there is room for the others.
    assert offence(process, Limits(memory=100 * MB, memory_of_all=300 * MB)) is None
    assert job_of(process, holding(40)).is_running()


def test_more_than_its_own_while_there_is_room(snakemake):
    """What others do not use is no matter: PBS counts all together."""
    process = snakemake(holding(300), SLEEP)
    assert offence(process, Limits(memory=200 * MB, memory_of_all=600 * MB)) is None
    assert len(process.children()) == 2


def test_all_are_full_and_none_is_at_fault(snakemake):
    """Each within its own: what is too much is Snakemake's."""
    process = snakemake(holding(60), holding(60))
    assert offence(process, Limits(memory=150 * MB, memory_of_all=100 * MB)) is None
    assert len(process.children()) == 2


def test_memory_of_what_a_job_has_started_counts(snakemake):
    below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {holding(300)!r}])"
    process = snakemake(below)
    (job,) = process.children()
    offender = offence(process, Limits(memory=200 * MB, memory_of_all=200 * MB))
    assert offender.process == job
    assert ends(job)


# -- offenders -------------------------------------------------------------------------------


def test_one_that_ignores_sigterm_is_killed(snakemake, monkeypatch):
    monkeypatch.setattr(limits, "GRACE", 0.5)
    process = snakemake(STUBBORN)
    (job,) = process.children()
    offender = Offender(job, "runtime")
    offender.press()
    # It has its time.
    assert not ends(job, 0.3)
    time.sleep(0.3)
    offender.press()
    assert ends(job)
    # What is gone cannot be pressed any more.
    offender.press()
    assert process.is_running()


def test_one_that_is_gone_already(snakemake):
    process = snakemake(SLEEP)
    (job,) = process.children()
    job.kill()
    assert ends(job)
    offender = Offender(job, "memory")
    offender.press()
    assert offender.why == "memory"


@pytest.mark.parametrize(
    ("began", "ended", "number"),
    [
        (100.1, (), 0),
        (160.0, (), 1),
        (1000.0, (), 2),
        # What has ended is no offender, however near.
        (160.0, (1,), 2),
        (100.1, (0, 1, 2), None),
    ],
)
@pytest.mark.parametrize("fate", ["done", "failed"])
def test_the_task_of_a_process(tmp_path, began, ended, number, fate):
    folder = Folder(tmp_path / "pack")
    folder.write(pack(tmp_path, *(task(tmp_path, name) for name in "abcd")), "", {})
    for one, at in enumerate((100.0, 159.8, 200.0)):
        folder.tell("started", one, boot=at)
    for one in ended:
        folder.tell(fate, one)
    assert Supervisor(folder)._task_of(SimpleNamespace(began=began)) == number
