"""The stand-in PBS against what a real one was seen to do: other tests are worth as much as it.

The observed texts are in ../shared; where that is absent, these tests are skipped. Where it is
possible, the stand-in gets the very arguments that were observed.
"""

import os
import re
import shlex
import subprocess

import pytest
from processes import observed_pbs, until
from standin.pbs import Server

PBS = observed_pbs()
OBSERVED = PBS / "observed"

pytestmark = pytest.mark.skipif(not OBSERVED.is_dir(), reason="no observed PBS in ../shared")

#: Fields that the stand-in leaves out: nothing here reads them, and no later version need have
#: them.
LEFT_OUT = {
    *("resources_used.cput", "resources_used.ncpus", "resources_used.vmem"),  # it measures nothing
    "exec_vnode",  # it has no nodes
    *("obittime", "history_timestamp"),  # mtime tells the same
    "jobdir",  # always $HOME
    "umask",  # that of whoever delivers
    "Stageout_status",  # what cannot be delivered is lost in both
}
#: Fields that the stand-in shows and the real one did not: of a job that is over.
SHOWN_ALL_THE_SAME = {
    "session_id",  # by this it finds the processes of a job, also when it is over
    "etime",  # the one that was deleted in the queue had been held, and so never eligible
}


@pytest.fixture
def server(tmp_path):
    """One slot, so that a second job stays in the queue."""
    server = Server.new(tmp_path / "pbs", slots=1, kill_delay=0.5)
    yield server
    server.stop()


def command(server, *words, cwd=None):
    """stdout, stderr and exit code."""
    environment = {**os.environ, **server.environment}
    ended = subprocess.run(
        words, env=environment, cwd=cwd or server.root, capture_output=True, text=True, timeout=60
    )
    return ended.stdout, ended.stderr, ended.returncode


def submit(server, text="true", arguments="-N a -q sequentiel -l select=1:ncpus=1:mem=200mb"):
    """The id of a job that runs this text."""
    (server.root / "logs").mkdir(exist_ok=True)
    (server.root / "job.sh").write_text(f"{text}\n")
    out, error, code = command(server, "qsub", *shlex.split(arguments), "job.sh")
    assert (error, code) == ("", 0)
    assert re.fullmatch(r"\d+\.datarmor0\n", out)
    return out.strip()


def state(server, job_id):
    return server.job(job_id)["job_state"]


def wait_for(server, job_id, states):
    until(lambda: state(server, job_id) in states)


def seen(name):
    """stdout, stderr and exit code as observed."""
    out = next(p for p in OBSERVED.glob(f"{name}.*") if p.suffix != ".err").read_text()
    error, code = (OBSERVED / f"{name}.err").read_text().rsplit("rc=", 1)
    return out, error, int(code)


def arguments_of(name):
    """With which the observed job was submitted; to hold it is the stand-in's to be told."""
    found = re.search(r"Submit_arguments = (.*)", seen(name)[0])[1]
    return found.replace(" -h ", " ")


def fields(text):
    """Of each job: name -> value, in the order in which they are shown."""
    blocks = re.split(r"^Job Id: .*\n", text, flags=re.MULTILINE)[1:]
    return [dict(re.findall(r"^    (\S+) = (.*)$", block, re.MULTILINE)) for block in blocks]


def assert_same_fields(shown, real):
    """The same names in the same order, but for those above."""
    more = SHOWN_ALL_THE_SAME - set(real)
    assert [name for name in shown if name not in more] == [
        name for name in real if name not in LEFT_OUT
    ]


def assert_same_end(shown, real):
    for name in ("job_state", "Exit_status", "substate"):
        assert shown.get(name) == real.get(name)

    def ending(job):
        return job.get("comment", "").partition(" and ")[2]

    assert ending(shown) == ending(real)


def assert_same_format(text, real):
    """How it is laid out, to the blank line at its end."""
    for one in (text, real):
        assert re.fullmatch(r"(Job Id: \S+\n(    [\w.]+ = [^\n]*\n)+\n)+", one)


# -- ends of a job ---------------------------------------------------------------------------


def assert_as_observed(server, job_id, name):
    """qstat of a job that is over, against the observed text; returns the fields of both."""
    wait_for(server, job_id, "F")
    out, error, code = command(server, "qstat", "-x", "-f", "-w", job_id)
    real, *how = seen(name)
    assert [error, code] == how
    assert_same_format(out, real)
    (shown,), (expected,) = fields(out), fields(real)
    assert_same_fields(shown, expected)
    assert_same_end(shown, expected)
    return shown, expected


@pytest.mark.parametrize(
    ("name", "script", "settings"),
    [
        ("finished_exit_0", "sleep 0.2", {}),
        ("finished_exit_3", "exit 3", {}),
        # Five seconds, as observed: a tenth of them here.
        ("killed_walltime", "sleep 60", {"minute": 6.0}),
    ],
)
def test_a_job_that_ends(server, name, script, settings):
    server.set(**settings)
    job_id = submit(server, script, arguments_of(name))
    shown, expected = assert_as_observed(server, job_id, name)
    assert shown["Submit_arguments"].startswith(expected["Submit_arguments"])
    assert shown["Resource_List.select"] == expected["Resource_List.select"]


def test_a_walltime_kill_writes_into_the_output(server):
    server.set(minute=6.0)
    job_id = submit(server, "echo begun; sleep 60", arguments_of("killed_walltime"))
    wait_for(server, job_id, "F")
    text = (server.root / "logs" / f"{job_id}.OU").read_text()
    assert text.startswith("begun\n")
    assert re.search(r"^=>> PBS: job killed: walltime \d+ exceeded limit \d+$", text, re.MULTILINE)


def test_an_output_is_delivered_where_qsub_was_called(server, tmp_path):
    """Given by a path that is not absolute; PBS starts the job itself in the home directory."""
    (tmp_path / "here" / "logs").mkdir(parents=True)
    (server.root / "job.sh").write_text("pwd\n")
    words = [*shlex.split("qsub -N a -j oe -o logs/a.out -W umask=022"), server.root / "job.sh"]
    out, error, code = command(server, *words, cwd=tmp_path / "here")
    assert (error, code) == ("", 0)
    wait_for(server, out.strip(), "F")
    assert (tmp_path / "here/logs/a.out").read_text() == f"{server.root / 'home'}\n"


@pytest.mark.parametrize("name", ["deleted_running", "deleted_queued"])
def test_a_job_that_is_deleted(server, name):
    first = submit(server, "sleep 60", arguments_of("deleted_running"))
    wait_for(server, first, "R")
    job_id = first
    if name == "deleted_queued":
        job_id = submit(server, "sleep 60", arguments_of(name))
        assert state(server, job_id) == "Q"
    assert command(server, "qdel", job_id) == ("", "", 0)
    assert_as_observed(server, job_id, name)


@pytest.mark.parametrize("name", ["running", "queued"])
def test_a_job_that_has_not_ended(server, name):
    first = submit(server, "sleep 60", arguments_of("running"))
    wait_for(server, first, "R")
    second = submit(server, "true", arguments_of("queued"))
    job_id = first if name == "running" else second
    for flags in (["-x", "-f", "-w"], ["-f", "-w"]):
        out, error, code = command(server, "qstat", *flags, job_id)
        real, *how = seen(name)
        assert [error, code] == how
        assert_same_format(out, real)
        (shown,), (expected,) = fields(out), fields(real)
        assert_same_end({**shown, "comment": ""}, {**expected, "comment": ""})
        # It measures and explains nothing while a job has not ended.
        silent = {"resources_used.walltime", "comment"}
        assert [key for key in shown if key not in silent] == [
            key for key in expected if key not in LEFT_OUT | silent
        ]


# -- questions -------------------------------------------------------------------------------


def test_several_of_which_one_is_unknown(server):
    server.set(slots=3)
    for name, script in (("finished_exit_0", "true"), ("finished_exit_3", "exit 3")):
        wait_for(server, submit(server, script, arguments_of(name)), "F")
    wait_for(server, submit(server, "sleep 60", arguments_of("running")), "R")
    ids = [job["id"] for job in server.jobs()]
    ids.insert(2, "99999.datarmor0")
    out, error, code = command(server, "qstat", "-x", "-f", "-w", *ids)
    real, *how = seen("several_one_unknown")
    assert [error, code] == how
    assert_same_format(out, real)
    assert len(fields(out)) == len(fields(real)) == 3
    for shown, expected in zip(fields(out), fields(real), strict=True):
        assert shown["Job_Name"] == expected["Job_Name"]
        assert_same_end(shown, expected)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("qstat_unknown", ["qstat", "-x", "-f", "-w", "99999.datarmor0"]),
        ("qdel_unknown", ["qdel", "99999.datarmor0"]),
        ("finished_without_x", ["qstat", "-f", "-w", "ID"]),
        ("qdel_finished", ["qdel", "ID"]),
    ],
)
def test_of_what_is_not_there(server, name, words):
    job_id = submit(server)
    wait_for(server, job_id, "F")
    out, error, code = command(server, *(job_id if word == "ID" else word for word in words))
    # Its first id is that of the observed one.
    assert (out, error, code) == seen(name)


def test_a_server_that_keeps_no_history(server):
    """Told in FACTS.md, without a text of its own: also for a job that runs."""
    assert "PBS is not configured to maintain job history" in (PBS / "FACTS.md").read_text()
    server.set(history=False)
    end = server.root / "end"
    job_id = submit(server, f"until [ -e {end} ]; do sleep 0.1; done")
    wait_for(server, job_id, "R")
    out, error, code = command(server, "qstat", "-x", "-f", "-w", job_id)
    assert (out, code) == ("", 0)
    assert error == "qstat: PBS is not configured to maintain job history\n"
    assert len(fields(command(server, "qstat", "-f", "-w", job_id)[0])) == 1
    end.touch()
    wait_for(server, job_id, "F")
    unknown = seen("qstat_unknown")[1].replace("99999.datarmor0", job_id)
    assert command(server, "qstat", "-f", "-w", job_id) == ("", unknown, 153)


@pytest.mark.parametrize(("program", "code"), [("qsub", 162), ("qstat", 255), ("qdel", 162)])
def test_a_server_that_is_down(server, program, code):
    """As FACTS.md has it."""
    server.set(fail={program: "refused"})
    out, error, found = command(server, program, "99999.datarmor0")
    assert (out, found) == ("", code)
    assert error.startswith("Connection refused\n")


# -- qsub ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("qsub_unknown_queue", "-N a -q none -l select=1:ncpus=1"),
        ("qsub_over_limit", "-N a -q omp -l select=1:ncpus=99"),
        ("qsub_bad_mem", "-N a -q omp -l select=1:ncpus=1:mem=1.5gb"),
        ("qsub_bad_walltime", "-N a -q omp -l select=1:ncpus=1 -l walltime=abc"),
        ("qsub_select_and_mem", "-N a -q omp -l select=1:ncpus=1 -l mem=200mb"),
        ("qsub_bad_name", "-N 'a b' -q omp -l select=1:ncpus=1"),
    ],
)
def test_refusals(server, name, arguments):
    (server.root / "job.sh").touch()
    out, error, code = command(server, "qsub", *shlex.split(arguments), "job.sh")
    real, real_error, real_code = seen(name)
    assert (out, code) == (real, real_code)
    if name == "qsub_bad_name":  # a usage of eight lines is cut short
        assert real_error.startswith(error.rstrip("\n"))
    else:
        assert error == real_error
    assert server.jobs() == []


def test_all_that_was_observed_of_qsub_is_tested():
    """All but a walltime over the limit of the queue: queues of the stand-in have none."""
    mark = next(mark for mark in test_refusals.pytestmark if mark.name == "parametrize")
    tested = {name for name, _ in mark.args[1]}
    observed = {path.stem for path in OBSERVED.glob("qsub_*.err")}
    assert observed - tested == {"qsub_walltime_over"}
