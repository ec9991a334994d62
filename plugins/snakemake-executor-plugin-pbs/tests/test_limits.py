"""Limits of single jobs inside a PBS job, with small processes that break them.

``snakemake`` is a process with children: those that are marked are the first processes of its jobs.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from processes import until
from scripted_pbs import is_gone
from snakemake_executor_plugin_pbs import limits
from snakemake_executor_plugin_pbs.limits import Limits, Watchdog
from snakemake_executor_plugin_pbs.processes import MARK, descendants, of_jobs, signal_all

MB = 1_000_000

#: Starts what it is told, one child an argument: jobs 0, 1, … and, after "helper", a child that
#: belongs to no job. It collects them as Snakemake does.
PARENT = f"""
import os, subprocess, sys, time
children, number = [], 0
is_helper = False
for text in sys.argv[1:]:
    if text == "helper":
        is_helper = True
        continue
    more = dict() if is_helper else dict(env={{**os.environ, "{MARK}": str(number)}})
    children.append(subprocess.Popen([sys.executable, "-c", text], process_group=0, **more))
    number += not is_helper
    is_helper = False
while any([child.poll() is None for child in children]):
    time.sleep(0.02)
input()
"""
#: In one write: several share the pipe.
SLEEP = "import os, time; os.write(1, b'ready\\n'); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP

#: Forks, as a fork server does, and lets the fork join the group of the process that asked.
HELPER = """
import os, sys, time
time.sleep({wait})
mine = (os.getpid(), os.getppid())
others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in mine]
asked = next(
    pid for pid in others if {text!r}.encode() in open(f"/proc/{{pid}}/cmdline", "rb").read()
)
if os.fork() == 0:
    os.setpgid(0, os.getpgid(asked))
    memory = b"x" * {megabytes} * 1_000_000
    os.write(1, b"ready\\n")
time.sleep(60)
"""


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
        for _ in [text for text in texts if text != "helper"]:
            assert parent.stdout.readline() == "ready\n"
        return psutil.Process(parent.pid)

    yield start
    for parent in started:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(parent.pid)
            for one in [*descendants(process), process]:
                one.kill()
        parent.communicate()


def look(watchdog, process):
    return list(watchdog.look(process, of_jobs(process)))


def ends(process, seconds=10):
    return process in psutil.wait_procs([process], seconds)[0]


# -- whose process it is ---------------------------------------------------------------------


def test_processes_of_jobs(snakemake):
    below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    process = snakemake(SLEEP, below, "helper", SLEEP)
    jobs = of_jobs(process)
    assert sorted(jobs) == [0, 1]
    assert len(jobs[0].all) == 1
    # What a job has started belongs to it, whatever group or session that is in.
    assert {one.ppid() for one in jobs[1].others} == {jobs[1].first.pid}
    assert len(process.children()) == 3


def test_a_fork_of_a_helper_belongs_to_the_job_that_asked(snakemake):
    mark = f"'asked here'; {SLEEP}"
    process = snakemake(SLEEP, mark, "helper", HELPER.format(wait=0.5, text=mark, megabytes=1))
    jobs = of_jobs(process)
    (fork,) = jobs[1].others
    assert fork.ppid() not in (jobs[1].first.pid, process.pid)
    assert not jobs[0].others


def test_what_is_gone_has_no_jobs(snakemake):
    process = snakemake(SLEEP)
    for one in descendants(process):
        one.kill()
    process.kill()
    process.wait()
    assert of_jobs(process) == {}


# -- runtime ---------------------------------------------------------------------------------


def test_a_job_over_its_runtime_and_nobody_else(snakemake, monkeypatch):
    monkeypatch.setattr(limits, "MARGIN", 0.0)
    process = snakemake(SLEEP, "helper", SLEEP)
    watchdog = Watchdog(Limits(runtime=1.5))
    (job,) = of_jobs(process).values()
    assert until(lambda: look(watchdog, process)) == [(0, "runtime")]
    assert ends(job.first)
    # The helper is as old as the job, and goes on. The zombie of a job switches nothing off.
    assert look(watchdog, process) == []
    assert len([one for one in process.children() if not is_gone(one.pid)]) == 1


def test_one_that_limits_itself_is_left_time_to_do_so(snakemake):
    process = snakemake(SLEEP)
    assert look(Watchdog(Limits(runtime=0.1)), process) == []


def test_a_suspension_is_no_runtime(snakemake, monkeypatch):
    monkeypatch.setattr(limits, "MARGIN", 0.0)
    monkeypatch.setattr(limits, "SUSPENDED", 0.5)
    process = snakemake(SLEEP)
    watchdog = Watchdog(Limits(runtime=1.5))
    assert look(watchdog, process) == []
    # Suspended, the watchdog does not look either.
    time.sleep(2)
    assert look(watchdog, process) == []


def test_one_that_ignores_sigterm_is_killed(snakemake, monkeypatch):
    monkeypatch.setattr(limits, "MARGIN", 0.0)
    monkeypatch.setattr(limits, "GRACE", 0.5)
    process = snakemake(STUBBORN)
    (job,) = of_jobs(process).values()
    watchdog = Watchdog(Limits(runtime=0.01))
    assert look(watchdog, process) == [(0, "runtime")]
    assert look(watchdog, process) == []
    assert not ends(job.first, 0.3)
    until(lambda: look(watchdog, process) == [] and ends(job.first, 0.05))


# -- memory ----------------------------------------------------------------------------------


def test_the_one_with_too_much_is_ended(snakemake):
    process = snakemake(holding(40), holding(300), SLEEP)
    jobs = of_jobs(process)
    watchdog = Watchdog(Limits(memory=100 * MB, memory_of_all=300 * MB))
    assert look(watchdog, process) == [(1, "memory")]
    assert ends(jobs[1].first)
    assert look(watchdog, process) == []
    assert not is_gone(jobs[0].first.pid)


def test_memory_of_a_fork_of_a_helper_counts_for_the_job_that_asked(snakemake):
    """Not for the helper, and not for another job."""
    mark = f"'asked here'; {SLEEP}"
    helper = HELPER.format(wait=0.5, text=mark, megabytes=300)
    process = snakemake(holding(60), mark, "helper", helper)
    jobs = of_jobs(process)
    watchdog = Watchdog(Limits(memory=150 * MB, memory_of_all=300 * MB))
    assert look(watchdog, process) == [(1, "memory")]
    assert ends(jobs[1].first)
    (fork,) = jobs[1].others
    until(lambda: is_gone(fork.pid))
    assert not is_gone(jobs[0].first.pid)


def test_more_than_its_own_while_there_is_room(snakemake):
    """What others do not use is no matter: PBS counts all together."""
    process = snakemake(holding(300), SLEEP)
    assert look(Watchdog(Limits(memory=200 * MB, memory_of_all=600 * MB)), process) == []


def test_all_are_full_and_none_is_at_fault(snakemake):
    """Each within its own: what is too much is Snakemake's."""
    process = snakemake(holding(60), holding(60))
    assert look(Watchdog(Limits(memory=150 * MB, memory_of_all=100 * MB)), process) == []


def test_what_pbs_counts_beside_snakemake_counts(snakemake):
    process, beside = snakemake(holding(150), SLEEP), snakemake(holding(150))
    limits_ = Limits(memory=100 * MB, memory_of_all=350 * MB)
    assert look(Watchdog(limits_), process) == []
    assert look(Watchdog(limits_, descendants(beside)), process) == [(0, "memory")]


def test_signals_reach_all_of_a_job(snakemake):
    below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    process = snakemake(below)
    (job,) = of_jobs(process).values()
    signal_all(job.all, signal.SIGKILL)
    assert ends(job.first)
    assert all(is_gone(one.pid) or ends(one) for one in job.others)
    assert os.getpid() not in {one.pid for one in job.all}
