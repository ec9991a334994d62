"""What runs in a PBS job, around a Snakemake that is a few lines of Python here."""

import signal
import subprocess
import sys
import time

import psutil
import pytest
from processes import until
from scripted_pbs import is_gone, pack, task
from snakemake_executor_plugin_pbs.folder import NO_FOLDER, Folder

#: A supervisor of the folder argv[1], whose Snakemake is ``run``.
PROGRAM = """
import os, signal, subprocess, sys, time
from pathlib import Path
from types import ModuleType
sys.modules["snakemake"] = snakemake = ModuleType("snakemake")
sys.modules["snakemake.cli"] = snakemake.cli = ModuleType("snakemake.cli")
from snakemake_executor_plugin_pbs import inside, limits, supervisor
supervisor.TICK = 0.1
supervisor.GRACE = limits.GRACE = 0.7
limits.MARGIN = 0.0

def sleep(text="", seconds=60):
    # A job of Snakemake: it may do something before.
    command = [sys.executable, "-c", f"{text}\\nimport time; time.sleep({seconds})"]
    return subprocess.Popen(command, env={**os.environ, "SNAKEMAKE_PBS_JOB": "0"}, process_group=0)

def tidy(path):
    # A job that tidies up when it is told to end.
    text = f"import signal, sys, time\\ndef end(*_):\\n open({str(path)!r}, 'w'); sys.exit()\\n"
    text += "signal.signal(signal.SIGTERM, end); print(flush=True); time.sleep(60)"
    job = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    job.stdout.readline()
    return job

def run(folder, tasks, arguments, cores):
    with (folder.path.parent / "runs").open("a") as file:
        file.write("".join(map(str, tasks)) + "\\n")
    tell = folder.tell
    BODY
    return 0

inside.run = run
sys.exit(supervisor.main(sys.argv[1]))
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


class Job:
    """A PBS job with this Snakemake."""

    def __init__(self, root, count, body, program=PROGRAM, **more):
        self.root = root
        self.folder = Folder(root / "pack")
        made = pack(root, *(task(root, str(n)) for n in range(count)))
        values = {**vars(made), "log": str(root / "log"), **more}
        self.folder.write(type(made)(**values))
        body = "\n    ".join(body.strip().splitlines())
        self.process = subprocess.Popen(
            [sys.executable, "-c", program.replace("BODY", body), self.folder.path],
            start_new_session=True,
        )

    def wait(self):
        return self.process.wait(30)

    def until_started(self, *numbers):
        until(lambda: {*numbers} <= {*self.folder.read().started})

    @property
    def runs(self):
        """Of each Snakemake, what it was to do."""
        return (self.root / "runs").read_text().split()

    @property
    def log(self):
        return (self.root / "log").read_text()

    @property
    def ends(self):
        """Numbers of what is done, failed, and killed with the PBS job."""
        ends = self.folder.read()
        assert ends.is_over
        return set(ends.done), set(ends.failed), ends.killed


@pytest.fixture
def job(tmp_path):
    """``job(count, body, …)``: a PBS job that is over when the test is."""
    made = []

    def begin(*arguments, **more):
        made.append(Job(tmp_path, *arguments, **more))
        return made[-1]

    yield begin
    for one in made:
        if one.process.poll() is None:
            for process in psutil.Process(one.process.pid).children(recursive=True):
                process.kill()
            one.process.kill()
        one.process.wait()


# -- ends of its Snakemake -------------------------------------------------------------------


def test_all_goes_well(job):
    here = job(
        2,
        """
for n in tasks:
    tell("started", n)
    tell("done", n)
print("that was all")""",
    )
    assert here.wait() == 0
    assert here.ends == ({0, 1}, set(), set())
    assert here.runs == ["01"]
    assert here.folder.claim()["pid"] == here.process.pid
    assert here.log.splitlines()[-1] == "that was all"
    use = here.folder.read().use
    assert 0 < use.seconds < 30
    assert 0 < use.cpu_seconds < 30
    assert 5 < use.largest_mb < 500


def test_what_a_process_uses_that_is_left_behind_is_measured(job):
    """Such as a fork server, which no one has waited for when the PBS job tells what it used."""
    here = job(
        1,
        """
tell("started", 0)
text = "memory = b'x' * 100_000_000; import time; end = time.process_time() + 1\\n"
text += "while time.process_time() < end: pass\\nprint(flush=True); time.sleep(60)"
left = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
left.stdout.readline()
tell("done", 0, pid=left.pid)""",
    )
    assert here.wait() == 0
    events = here.folder.read()
    psutil.Process(events.done[0]["pid"]).kill()
    assert events.use.together_mb > 100
    assert 1 <= events.use.cpu_seconds < 10


def test_a_pack_that_is_not_to_run(tmp_path, job):
    here = job(1, "")
    here.wait()
    again = subprocess.run(here.process.args, capture_output=True, text=True)
    assert again.returncode == 0
    assert "another process has claimed this pack" in again.stderr
    assert len(here.runs) == 1


def test_a_folder_that_is_not_there(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("BODY", "pass"), tmp_path / "elsewhere"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == NO_FOLDER
    assert f"{tmp_path / 'elsewhere'} is not there on" in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_snakemake_that_is_killed(job, number):
    """By nobody who has told the supervisor: what it had begun failed, the others go on."""
    here = job(
        3,
        f"""
for n in tasks:
    tell("started", n)
    if n == 1:
        os.kill(os.getpid(), {int(number)})
    tell("done", n)""",
    )
    assert here.wait() == 1
    assert here.ends == ({0, 2}, {1}, set())
    assert here.runs == ["012", "2"]
    why = f"Snakemake in the PBS job was killed by signal {int(number)}"
    assert here.folder.read().failed[1]["why"] == why


def test_a_snakemake_that_cannot_begin(job):
    """Because of one job: each gets a Snakemake of its own."""
    here = job(
        3,
        """
if 1 in tasks:
    return 7
for n in tasks:
    tell("started", n)
    tell("done", n)""",
    )
    assert here.wait() == 1
    assert here.ends == ({0, 2}, {1}, set())
    assert here.runs == ["012", "0", "1", "2"]
    assert "ended with exit code 7" in here.folder.read().failed[1]["why"]


@pytest.mark.parametrize("code", [0, 3])
def test_a_group_has_one_fate(job, code):
    here = job(1, f"return {code}", is_group=True)
    assert here.wait() == bool(code)
    assert here.ends == (({0}, set(), set()) if code == 0 else (set(), {0}, set()))


# -- it is told to end -----------------------------------------------------------------------


def test_snakemake_dies_of_sigterm_a_moment_before_the_supervisor_is_told(job):
    """PBS tells all processes at once: it is no fault of the jobs, and no second one is begun."""
    here = job(
        2,
        """
tell("started", 0)
text = f"sleep 0.2; kill -TERM {os.getppid()}"
subprocess.Popen(["bash", "-c", text], start_new_session=True)
os.kill(os.getpid(), signal.SIGTERM)""",
    )
    assert here.wait() == 128 + signal.SIGTERM
    assert here.folder.read().stopped["by"] == "SIGTERM"
    assert here.ends == (set(), set(), {0})
    assert here.runs == ["01"]


def test_sigterm(job):
    """As of PBS, to all processes at once: the jobs end, and Snakemake waits for them no more."""
    here = job(
        3,
        """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tell("started", 0)
tell("done", 0)
child = sleep()
tell("started", 1)
child.wait()
time.sleep(60)""",
    )
    here.until_started(1)
    begin = time.monotonic()
    for process in psutil.Process(here.process.pid).children(recursive=True):
        process.terminate()
    here.process.terminate()
    assert here.wait() == 128 + signal.SIGTERM
    assert time.monotonic() - begin < 5
    assert here.folder.read().stopped["by"] == "SIGTERM"
    assert here.ends == ({0}, set(), {1})
    assert here.runs == ["012"]


@pytest.mark.parametrize("how", ["SIGTERM", "Snakemake's main process"])
def test_only_the_supervisor_is_told(job, tmp_path, how):
    """It tells the jobs, which may tidy up."""
    here = job(
        2,
        f"""
child = tidy({str(tmp_path / "tidied")!r})
tell("started", 0, pid=child.pid)
child.wait()
tell("failed", 0)
time.sleep(60)""",
    )
    here.until_started(0)
    if how == "SIGTERM":
        here.process.terminate()
    else:
        here.folder.stop()
    assert here.wait() == 128 + signal.SIGTERM
    assert here.folder.read().stopped["by"] == how
    assert here.ends == (set(), set(), {0})
    assert here.runs == ["01"]
    assert (tmp_path / "tidied").exists()
    assert is_gone(here.folder.read().started[0]["pid"])


def test_what_does_not_end_is_killed(job):
    """Within less than the ten seconds that PBS gives."""
    here = job(
        1,
        f"""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = sleep({STUBBORN!r})
time.sleep(0.5)
tell("started", 0, pid=child.pid)
child.wait()
time.sleep(60)""",
    )
    here.until_started(0)
    begin = time.monotonic()
    here.process.terminate()
    assert here.wait() == 128 + signal.SIGTERM
    # Half a second for who else tells the jobs, and GRACE after that.
    assert 1.1 < time.monotonic() - begin < 6
    assert is_gone(here.folder.read().started[0]["pid"])


@pytest.mark.parametrize("how", ["SIGTERM", "Snakemake's main process"])
def test_a_stop_is_heard_while_snakemake_is_imported(job, tmp_path, how):
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "cli.py").write_text(
        f"import time; open({str(slow / 'imported')!r}, 'w'); time.sleep(60)"
    )
    stub = 'sys.modules["snakemake.cli"] = snakemake.cli = ModuleType("snakemake.cli")'
    here = job(2, "", program=PROGRAM.replace(stub, f"snakemake.__path__ = [{str(slow)!r}]"))
    until((slow / "imported").exists)
    begin = time.monotonic()
    if how == "SIGTERM":
        here.process.terminate()
    else:
        here.folder.stop()
    assert here.wait() == 128 + signal.SIGTERM
    assert time.monotonic() - begin < 3
    assert here.folder.read().stopped["by"] == how
    assert here.ends == (set(), set(), set())


# -- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_a_job_over_its_runtime_is_ended_alone(job, is_stubborn):
    here = job(
        2,
        f"""
tell("started", 0)
child = sleep({STUBBORN if is_stubborn else ""!r})
child.wait()
tell("failed", 0)
tell("started", 1)
tell("done", 1)""",
        runtime=2,
    )
    assert here.wait() == 1
    assert here.folder.read().breaches == {0: "runtime"}
    assert here.ends == ({1}, {0}, set())
    assert here.runs == ["01"]


def test_a_job_with_too_much_memory_is_ended_alone(job):
    here = job(
        2,
        """
tell("started", 0)
sleep("memory = b'x' * 300_000_000").wait()
tell("failed", 0)
tell("started", 1)
tell("done", 1)""",
        mem_mb=200,
        asked_mb=300,
    )
    assert here.wait() == 1
    assert here.folder.read().breaches == {0: "memory"}
    assert here.ends == ({1}, {0}, set())
