"""The PBS executor with the real Snakemake and the stand-in PBS: packs, retries, faults, kills."""

import random
import re
import shutil
import signal
import time

import pytest
from pbs_helpers import Project, kill
from processes import run, until


@pytest.fixture
def project(tmp_path):
    """``project(count, …)``; all its processes are ended with the test."""
    made: list[Project] = []

    def make(count: int, **options: object) -> Project:
        made.append(Project(tmp_path / f"project{len(made)}", count, **options))
        return made[-1]

    yield make
    for one in made:
        one.server.stop()


# -- packs -----------------------------------------------------------------------------------


def test_ten_bad_ones_among_300_in_packs_of_25(project):
    work = project(300)
    bad = random.Random(1).sample(range(300), 10)
    work.mark("bad", *bad)
    ended = work.run(pbs_pack_size="25", pbs_pack_cores="5")
    assert ended.code != 0
    assert work.made == {str(n) for n in range(300)} - {str(n) for n in bad}
    assert work.started == {str(n): 2 if n in bad else 1 for n in range(300)}
    first, second = work.server.calls("qsub")[:12], work.server.calls("qsub")[12:]
    assert all("select=1:ncpus=5:mem=800mb" in call for call in first)
    # Second attempts ask for more, and are packed too.
    assert 1 <= len(second) <= 3
    assert all(re.search(r"ncpus=\d:mem=\d+00mb", " ".join(call)) for call in second)
    assert len(work.server.calls("qstat")) <= ended.seconds / 2 + 2
    # Nothing stays of a run but its logs.
    assert not list((work.folder / ".snakemake" / "pbs").iterdir())


def test_jobs_side_by_side_keep_to_the_cores(project):
    """Of four jobs of two seconds on two cores, the last begin when the first have ended."""
    work = project(4, seconds=2)
    ended = work.run("--pbs-keep-successful-logs", pbs_pack_size="4", pbs_pack_cores="2")
    assert ended.code == 0, ended.out
    (log,) = (work.folder / ".snakemake" / "pbs_logs").glob("*.log")
    assert "Provided cores: 2" in log.read_text()
    lines = (work.folder / "started").read_text().splitlines()
    first, second, third, fourth = sorted(float(line.split()[2]) for line in lines)
    # Two at a time: on a busy machine it takes longer, and never less.
    assert second - first < 1.9 < third - first
    assert fourth - second >= 1.9


def test_freed_slots_do_not_make_small_packs(project):
    """--jobs leaves room for two packs only; what is freed one by one is gathered."""
    work = project(60, seconds=0.2)
    ended = work.run(jobs="20", pbs_pack_size="10", pbs_pack_wait="8")
    assert ended.code == 0, ended.out
    assert len(work.server.calls("qsub")) == 6


# -- one job of a pack goes wrong ------------------------------------------------------------


def test_walltime_kill_in_the_middle_of_a_pack(project):
    """One of two cores is free for the others when one job hangs until PBS kills all of it."""
    work = project(6, seconds=1, minute=3.0)
    work.mark("hang", 1)
    ended = work.run(pbs_pack_size="6", pbs_pack_cores="2")
    assert ended.code == 0, ended.out
    assert len(work.made) == 6
    # What was finished is kept.
    assert work.started == {str(n): 2 if n == 1 else 1 for n in range(6)}
    assert re.search(r"ended while it ran: its walltime was over", ended.out)
    assert re.search(r"again, now with 1 core, 500 MB, walltime 0:02:00: .*walltime", ended.out)


# -- faults of PBS ---------------------------------------------------------------------------


def test_server_that_is_away(project):
    """It refuses, prints garbage and says nothing in turn; then it knows one job no more."""
    work = project(40, seconds=4, slots=10)
    work.mark("bad", 7)
    process = work.begin(pbs_pack_size="5", pbs_max_jobs="6")
    try:
        until(lambda: len(work.made) >= 2)
        work.server.set(fail={"qstat": "refused", "qsub": "refused"})
        until(lambda: "PBS does not answer" in work.out)
        for how in ("garbage", "silent"):
            asked = work.server.calls("qstat", "qsub")
            work.server.set(fail={"qstat": how, "qsub": "refused"})
            until(lambda asked=asked: work.server.calls("qstat", "qsub") != asked)
        work.server.set(fail={})
        work.server.update(work.server.jobs()[-1]["id"], forgotten=True)
        assert process.wait(120) != 0
    finally:
        kill(process)
    assert work.made == {str(n) for n in range(40)} - {"7"}
    assert work.started == {str(n): 2 if n == 7 else 1 for n in range(40)}
    assert work.out.count("PBS does not answer") == 1
    assert "PBS answers again" in work.out


def test_commands_that_are_not_there_are_said(project):
    work = project(1)
    # Not the PATH of the tests: on a login node the commands are there.
    programs = work.folder / "bin"
    programs.mkdir()
    (programs / "bash").symlink_to(shutil.which("bash"))
    ended = run(*work.command(), cwd=work.folder, PATH=str(programs))
    assert ended.code != 0
    assert "qsub and qstat and qdel not found" in ended.out
    assert "--executor local" in ended.out


# -- kills -----------------------------------------------------------------------------------


def test_kill_9_at_ten_random_moments(project):
    chance = random.Random(9)
    work = project(160, seconds=1.5, slots=3)
    options = {"pbs_pack_size": "10", "pbs_pack_cores": "2"}
    for number in range(10):
        process = work.begin(**options)
        # On a busy machine Snakemake takes its time until then.
        until(lambda number=number: work.out.count("Building DAG") > number)
        with pytest.raises(Exception, match="timed out"):
            process.wait(chance.uniform(0.1, 5))
        kill(process)
    ended = work.run(**options)
    assert ended.code == 0, ended.out
    assert len(work.made) == 160
    assert work.started == {str(n): 1 for n in range(160)}
    assert "of an earlier run is taken over" in work.out


@pytest.mark.faults
def test_second_attempt_is_taken_over_too(project):
    """It asks for more than the first, and its command says so: it is the same job all the same."""
    work = project(2, seconds=10)
    snakefile = work.folder / "Snakefile"
    snakefile.write_text(
        snakefile.read_text().replace(" touch {output}", " : {resources.runtime}; touch {output}")
    )
    work.mark("bad", 0)
    process = work.begin(pbs_pack_size="2", pbs_pack_cores="2")
    until(lambda: work.started["0"] == 2)
    kill(process)
    (work.folder / "bad" / "0").unlink()
    ended = work.run(pbs_pack_size="2", pbs_pack_cores="2")
    assert ended.code == 0, ended.out
    assert "of an earlier run is taken over" in ended.out
    assert work.started == {"0": 2, "1": 1}


def test_ctrl_c_at_ten_random_moments(project):
    chance = random.Random(3)
    work = project(80, seconds=3, slots=2, delay={"qsub": 0.3, "qstat": 1.0, "qdel": 0.3})
    for _ in range(10):
        process = work.begin(pbs_pack_size="5", seconds_between_status_checks="1")
        until(lambda: "Building DAG" in work.out)
        time.sleep(chance.uniform(1, 8))
        begin = time.monotonic()
        kill(process, signal.SIGINT)
        try:
            until(lambda: not work.server.left(), seconds=10)
            assert process.wait(10) != 0
            assert not work.server.left()
        finally:
            kill(process)
        assert time.monotonic() - begin < 11
    assert not [job for job in work.server.jobs() if job["job_state"] != "F"]


def test_other_settings_do_not_take_over_what_runs(project):
    """A PBS job that outlived its Snakemake does what nobody wants any more: it is ended first."""
    work = project(4, seconds=15)
    process = work.begin(pbs_pack_size="4")
    until(lambda: work.started)
    kill(process)
    snakefile = work.folder / "Snakefile"
    snakefile.write_text(snakefile.read_text().replace("sleep 15;", "sleep 0; echo new >> new;"))
    ended = work.run(pbs_pack_size="4")
    assert ended.code == 0, ended.out
    assert "was started with other settings and is deleted" in ended.out
    assert (work.folder / "new").read_text().count("new") == 4
    first, second = work.server.jobs()
    assert first["substate"] == 91
    assert second["exit_status"] == 0


# -- trouble ---------------------------------------------------------------------------------


def test_broken_node_fails_no_job(project):
    work = project(10, broken=2)
    ended = work.run(pbs_pack_size="5")
    assert ended.code == 0, ended.out
    assert work.started == {str(n): 1 for n in range(10)}
    assert "ended on node7 before its Python began: bash: python: No such file" in ended.out


def test_sigterm_deletes_the_pbs_jobs_as_ctrl_c_does(project):
    work = project(20, seconds=600, slots=2)
    process = work.begin(pbs_pack_size="5")
    try:
        until(lambda: work.started)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) != 0
        until(lambda: not work.server.left(), seconds=10)
        assert time.monotonic() - begin < 10
    finally:
        kill(process)
    assert "PBS jobs deleted" in work.out
    assert not list((work.folder / ".snakemake" / "pbs").iterdir())


def test_bad_resource_fails_its_job_alone(project):
    work = project(4)
    snakefile = work.folder / "Snakefile"
    bad = "mem_mb=lambda wildcards: 0 if wildcards.n == '1' else 100"
    text = snakefile.read_text().replace("mem_mb=lambda wildcards, attempt: 100 * attempt", bad)
    snakefile.write_text(text)
    ended = work.run(pbs_pack_size="4", retries="0")
    assert ended.code != 0
    assert "mem_mb: 0 is no number of megabytes" in ended.out
    assert work.made == {"0", "2", "3"}


def test_changed_script_is_not_taken_over(project):
    work = project(1)
    (work.folder / "Snakefile").write_text(
        "rule one:\n    output: 'made/0'\n    script: 'one.py'\n"
    )
    script = "import time; time.sleep(SECONDS)\nopen(snakemake.output[0], 'w').write('TEXT')\n"
    one = work.folder / "one.py"
    one.write_text(script.replace("SECONDS", "600").replace("TEXT", "old"))
    process = work.begin()
    until(lambda: any(job["job_state"] == "R" for job in work.server.jobs()))
    kill(process)
    one.write_text(script.replace("SECONDS", "0").replace("TEXT", "new"))
    ended = work.run()
    assert ended.code == 0, ended.out
    assert "was started with other settings and is deleted" in ended.out
    assert (work.folder / "made" / "0").read_text() == "new"
