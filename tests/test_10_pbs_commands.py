"""How qsub, qstat and qdel are run, and what the answers of qsub mean.

The observed texts are in ../shared; where that is absent, those tests are skipped. What has to run
is the stand-in, or a script that answers as a version of PBS does that the stand-in is not.
"""

import os
import re
import threading
import time
from pathlib import Path

import pytest
from standin.pbs import Server

from snakemake_executor_plugin_pbs.commands import Commands, Later, Refused, Unclear, submitted

OBSERVED = Path(__file__).resolve().parents[2] / "shared" / "pbs" / "observed"

needs_observed = pytest.mark.skipif(not OBSERVED.is_dir(), reason="no observed PBS in ../shared")

# -- what qsub says --------------------------------------------------------------------------

QUEUES = "Which queues there are:  qstat -Q\n    set it:  pbs-queue: sequentiel"
LESS = "ask for less: pbs-pack-size (walltime), pbs-pack-cores (cores, memory)"
EXTRA = "pbs_extra or the setting pbs-extra may be at fault"

#: Of each observed refusal: its reason as the user reads it, and the advice that follows.
QSUB = {
    "qsub_unknown_queue": ("Unknown queue (exit code 170)", QUEUES),
    "qsub_over_limit": (
        "Job violates queue and/or server resource limits (exit code 188)",
        LESS,
    ),
    "qsub_walltime_over": (
        "Job violates queue and/or server resource limits (exit code 188)",
        LESS,
    ),
    "qsub_bad_mem": (
        "Illegal attribute or resource value select.mem (exit code 166)",
        EXTRA,
    ),
    "qsub_bad_walltime": (
        "Illegal attribute or resource value Resource_List.walltime (exit code 166)",
        EXTRA,
    ),
    "qsub_select_and_mem": (
        '"-lresource=" cannot be used with "select" or "place", resource is: mem (exit code 5)',
        EXTRA,
    ),
    # The usage that follows names account and project, and is no reason to advise one.
    "qsub_bad_name": ("illegal -N value (exit code 2)", ""),
}


@needs_observed
def test_all_that_was_observed_is_tested():
    assert {path.stem for path in OBSERVED.glob("qsub_*.out")} == set(QSUB)


@needs_observed
@pytest.mark.parametrize(
    "name",
    QSUB,
)
def test_observed_refusals(name):
    error, code = (OBSERVED / f"{name}.err").read_text().rsplit("rc=", 1)
    reason, advice = QSUB[name]
    with pytest.raises(Refused) as refusal:
        submitted(int(code), (OBSERVED / f"{name}.out").read_text(), error)
    text = str(refusal.value)
    assert text.startswith(reason)
    assert advice in text
    assert bool(advice) == (text != reason)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("qsub: Unauthorized Request", "This queue is not for you; set another:  pbs-queue:"),
        ("qsub: Access is not authorized", "This queue is not for you; set another:  pbs-queue:"),
        ("qsub: Invalid account", "Set the account:  pbs-account: NAME"),
        ("qsub: project is missing", "Set the account:  pbs-account: NAME"),
        ("qsub: Unknown queue MSG=abc", QUEUES),
    ],
)
def test_refusals_by_their_text(error, advice):
    """Exit codes are what is left of larger numbers: another version may have others."""
    with pytest.raises(Refused) as refusal:
        submitted(1, "", f"{error}\n")
    assert advice in str(refusal.value)


@pytest.mark.parametrize(
    ("code", "error", "why"),
    [
        (
            38,
            "qsub: would exceed queue generic's per-user limit of jobs in 'Q' state",
            "a limit of the queue is reached (qsub: would exceed queue generic's per-user limit",
        ),
        (1, "qsub: Maximum number of jobs already in queue", "a limit of the queue is reached ("),
        (1, "qsub: Maximum number of jobs already in queue MSG=x", "a limit of the queue is"),
        (
            162,
            "Connection refused\nqsub: cannot connect to server datarmor0 (errno=15010)",
            "no PBS server answers (Connection refused)",
        ),
        (160, "qsub: Unknown Host.", "no PBS server answers (qsub: Unknown Host.)"),
        (162, "", "no PBS server answers (exit code 162)"),
        (255, "qsub: cannot connect to server x (errno=111)", "no PBS server answers (qsub: "),
    ],
)
def test_later(code, error, why):
    with pytest.raises(Later, match=re.escape(why)):
        submitted(code, "", error)


@pytest.mark.parametrize(
    ("code", "out", "error"),
    [
        (0, "", ""),
        (0, "thank you\n", ""),
        (0, "\x00\ufffd<html>502 Bad Gateway</html>\n", "proxy"),
        (1, "", ""),
        (-9, "", "qsub: half a sen"),
        (0, "7.datarmor0 submitted\n", ""),
    ],
)
def test_unclear(code, out, error):
    with pytest.raises(Unclear, match=f"qsub ended with exit code {code} and without a job id"):
        submitted(code, out, error)


@pytest.mark.parametrize(
    ("out", "job_id"),
    [
        ("7.datarmor0\n", "7.datarmor0"),
        ("7\n", "7"),
        ("7[].datarmor0", "7[].datarmor0"),
        ("  123456.datarmor0.ifremer.fr  \n\n", "123456.datarmor0.ifremer.fr"),
        ("Project sea: 1200 h left\n2026\n=====\n7.datarmor0\n", "7.datarmor0"),
        ("7.datarmor0\nhave a nice day\n", "7.datarmor0"),
    ],
)
def test_an_id_after_lines_of_the_site(out, job_id):
    assert submitted(0, out, "some warning\n") == job_id


# -- running them ----------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path, monkeypatch):
    server = Server.new(tmp_path / "pbs")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


@pytest.fixture
def script(tmp_path, monkeypatch):
    """``script(name, text)``: a command of that name comes first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(name, text):
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
        return folder

    return write


def submit(tmp_path, commands, text="true", *more):
    (tmp_path / "job.sh").write_text(f"{text}\n")
    output = str(tmp_path / "out")
    return commands.qsub(["-N", "a", "-o", output, *more, str(tmp_path / "job.sh")])


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def test_from_submitted_to_over(server, tmp_path):
    commands = Commands()
    assert commands.missing() == []
    job_id = submit(tmp_path, commands)
    until(lambda: commands.qstat([job_id]).jobs[job_id].is_over)
    answer = commands.qstat([job_id, "999.datarmor0"])
    assert answer.jobs[job_id].is_success
    assert (answer.gone, answer.problem) == ({"999.datarmor0"}, "")
    # What is over or unknown need not be deleted: that is no problem.
    assert commands.qdel([job_id]) == commands.qdel(["999.datarmor0"]) == ""


def test_what_is_not_on_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    commands = Commands()
    assert commands.missing() == ["qsub", "qstat", "qdel"]
    with pytest.raises(Later, match="qsub cannot be started"):
        commands.qsub(["job.sh"])
    assert "cannot be started" in commands.qstat(["7.s"]).problem
    assert "cannot be started" in commands.qdel(["7.s"])


def test_a_server_without_history(server, tmp_path):
    server.set(history=False, slots=1)
    commands = Commands()
    end = tmp_path / "end"
    wait = f"until [ -e {end} ]; do sleep 0.1; done; rm {end}"
    first, second = (submit(tmp_path, commands, wait) for _ in range(2))
    answer = commands.qstat([first, second])
    assert set(answer.jobs) == {first, second}
    # Found out once: from then on it is one call each.
    before = len(server.calls("qstat"))
    end.touch()
    until(lambda: not commands.qstat([first]).jobs)
    answer = commands.qstat([first, second])
    assert (answer.gone, set(answer.jobs)) == ({first}, {second})
    assert all("-x" not in call for call in server.calls("qstat")[before:])


def test_a_qstat_that_does_not_know_w(script):
    script(
        "qstat",
        """case "$*" in *w*) echo 'qstat: invalid option -- w
usage: qstat [-f]' >&2; exit 2;; esac
printf 'Job Id: 7.s\\n    job_state = F\\n    Exit_st\\n\\tatus = 0\\n'""",
    )
    answer = Commands().qstat(["7.s"])
    assert answer.jobs["7.s"].is_success


def test_what_was_not_asked_for_is_not_told(script):
    script("qstat", "printf 'Job Id: 7.s\\n    job_state = R\\nJob Id: 8.s\\n    job_state = R\\n'")
    assert set(Commands().qstat(["7.s"]).jobs) == {"7.s"}


def test_gone_under_another_name_of_the_server(script):
    script("qstat", "echo 'qstat: Unknown Job Id 7.s.ifremer.fr' >&2; exit 153")
    assert Commands().qstat(["7.s"]).gone == {"7.s"}


@pytest.mark.parametrize("how", ["refused", "garbage", "silent"])
def test_no_answer_is_no_news(server, tmp_path, how):
    """An exit code of 255, or of 0 with nothing sensible: nobody knows."""
    commands = Commands()
    job_id = submit(tmp_path, commands)
    server.set(fail={"qstat": how, "qsub": how})
    answer = commands.qstat([job_id])
    assert (answer.jobs, answer.gone) == ({}, set())
    assert answer.problem.startswith("qstat ended with exit code")
    with pytest.raises(Later if how == "refused" else Unclear):
        submit(tmp_path, commands)


def test_a_server_that_hangs(server, tmp_path):
    server.set(fail={"qstat": "hang", "qsub": "hang", "qdel": "hang"})
    commands = Commands(patience=0.3)
    with pytest.raises(Unclear, match=re.escape("qsub gave no answer for 0.3 s")):
        submit(tmp_path, commands)
    assert commands.qstat(["7.s"]).problem == "qstat gave no answer for 0.3 s"
    assert commands.qdel(["7.s"]) == "qdel gave no answer"


def test_what_hangs_leaves_no_process(script, tmp_path):
    script("qstat", f"sleep 98.7 & echo $! > {tmp_path}/pid; wait")
    Commands(patience=2).qstat(["7.s"])
    pid = int((tmp_path / "pid").read_text())
    status = Path(f"/proc/{pid}/stat")
    until(lambda: not status.exists() or " Z " in status.read_text())


def test_asking_is_stopped_from_another_thread(server):
    server.set(fail={"qstat": "hang"})
    commands = Commands()
    threading.Timer(0.5, commands.stop_asking).start()
    begin = time.monotonic()
    assert commands.qstat(["7.s"]).problem
    assert time.monotonic() - begin < 10
    server.set(fail={})
    assert "the run is being cancelled" in commands.qstat(["7.s"]).problem
    commands.ask_again()
    assert commands.qstat(["7.s"]).gone == {"7.s"}


def test_ctrl_c_does_not_reach_qsub(script, tmp_path, monkeypatch):
    """The terminal signals a whole process group: qsub is to tell its id all the same."""
    script("qsub", "sleep 0.5; ps -o pgid= -p $$ > pgid; echo 7.s")
    monkeypatch.chdir(tmp_path)
    assert Commands().qsub([]) == "7.s"
    assert int((tmp_path / "pgid").read_text()) != os.getpgid(0)


def test_qdel_that_is_refused(server):
    server.set(fail={"qdel": "refused"})
    assert "cannot connect to server" in Commands().qdel(["7.s"])
