"""How qsub, qstat and qdel are run.

What has to run is the stand-in, or a script that answers as a version of PBS does that the stand-in
is not.
"""

import os
import re
import threading
import time
from pathlib import Path

import pytest
from processes import until
from snakemake_executor_plugin_pbs.commands import Commands, missing
from snakemake_executor_plugin_pbs.qsub import Later, Unclear
from standin.pbs import Server


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


def test_from_submitted_to_over(server, tmp_path):
    commands = Commands()
    assert missing() == []
    job_id = submit(tmp_path, commands)
    until(lambda: commands.qstat([job_id]).jobs[job_id].is_over)
    answer = commands.qstat([job_id, "999.datarmor0"])
    assert answer.jobs[job_id].exit_status == 0
    assert (answer.gone, answer.problem) == ({"999.datarmor0"}, "")
    # What is over or unknown need not be deleted: that is no problem.
    assert commands.qdel([job_id]) == commands.qdel(["999.datarmor0"]) == ""


def test_what_is_not_on_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    commands = Commands()
    assert missing() == ["qsub", "qstat", "qdel"]
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
    assert answer.jobs["7.s"].exit_status == 0


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
    commands = Commands(timeout=0.3)
    with pytest.raises(Unclear, match=re.escape("qsub gave no answer for 0.3 s")):
        submit(tmp_path, commands)
    assert commands.qstat(["7.s"]).problem == "qstat gave no answer for 0.3 s"
    assert commands.qdel(["7.s"]) == "qdel gave no answer"


def test_what_hangs_leaves_no_process(script, tmp_path):
    script("qstat", f"sleep 98.7 & echo $! > {tmp_path}/pid; wait")
    Commands(timeout=2).qstat(["7.s"])
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


def test_a_queue_that_is_closed(script):
    script("qsub", "echo 'qsub: Queue is not enabled' >&2; exit 173")
    with pytest.raises(Later, match="the queue takes no jobs at present") as later:
        Commands().qsub([])
    assert not later.value.is_usual


def test_a_queue_that_is_full(server, tmp_path):
    server.set(queued=0)
    with pytest.raises(Later, match="a limit of the queue is reached") as later:
        submit(tmp_path, Commands())
    assert later.value.is_usual


def test_qdel_that_is_refused(server):
    server.set(fail={"qdel": "refused"})
    assert "cannot connect to server" in Commands().qdel(["7.s"])
