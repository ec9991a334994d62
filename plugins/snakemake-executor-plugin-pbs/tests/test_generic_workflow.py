"""A workflow with most of what Snakemake can do, and what ends a run before it begins."""

import sys

import pytest
from processes import run, snakemake_command, until
from standin.pbs import Server

#: Named after what it tries. `notebook` needs Jupyter, which is no part of this distribution.
WORKFLOW = """
import os

rule all:
    input: "report.txt"

rule shadowed:
    output: "shadow/{n}"
    shadow: "minimal"
    shell: "pwd > here; sleep 0.1; test $(ls | grep -c '^here$') = 1; cp here {output}"

rule scripted:
    input: "shadow/{n}"
    output: "script/{n}"
    benchmark: "bench/{n}.tsv"
    resources: mem_mb=lambda wildcards: 1100 + int(wildcards.n)
    script: "s.py"

rule ran:
    input: "script/{n}"
    output: "run/{n}"
    run:
        open(output[0], "w").write(open(input[0]).read())

checkpoint split:
    output: directory("split")
    shell: "mkdir {output}; touch {output}/1 {output}/2"

rule part:
    input: "split/{k}"
    output: "part/{k}"
    resources: mem_mb=200
    shell: "echo {resources[mem_mb]} > {output}"

def parts(wildcards):
    folder = checkpoints.split.get().output[0]
    return [f"part/{k}" for k in sorted(os.listdir(folder)) if k.isdigit()]

rule pipe_from:
    output: pipe("piped")
    shell: "echo through the pipe > {output}"

rule pipe_to:
    input: "piped"
    output: "unpiped"
    shell: "cat {input} > {output}"

rule served:
    output: service("socket")
    shell: "touch {output}; trap 'rm {output}; exit 0' TERM; sleep 60 & wait"

rule consumer:
    input: "socket"
    output: "served"
    shell: "test -e {input}; echo served > {output}"

rule grouped_first:
    output: "g1/{n}"
    group: "g"
    shell: "echo {wildcards.n} > {output}"

rule grouped_second:
    input: "g1/{n}"
    output: "g2/{n}"
    group: "g"
    shell: "cp {input} {output}"

rule tries_again:
    output: "tried"
    retries: 1
    resources: pbs_queue="mpi_1", pbs_project="sea", disk_mb=100
    shell: "echo x >> tries; test $(wc -l < tries) = 2; touch {output}"

rule parallel:
    output: "mpi"
    resources: tasks=4, mpi="mpiexec", mem_mb=400
    shell: "echo {resources.mpi} -n {resources.tasks} > {output}"

rule gather:
    input:
        expand("run/{n}", n=range(4)), parts, "unpiped", "served", expand("g2/{n}", n=range(2)),
        "tried", "mpi"
    output: "report.txt"
    shell: "cat {input} > {output}"
"""
SCRIPT = "open(snakemake.output[0], 'w').write(open(snakemake.input[0]).read())\n"


@pytest.fixture
def project(tmp_path):
    server = Server.new(tmp_path / "pbs")
    server.folder = tmp_path
    (tmp_path / "s.py").write_text(SCRIPT)
    yield server
    server.stop()


def snakemake(server, text, *arguments):
    (server.folder / "Snakefile").write_text(text)
    usual = ["--executor", "pbs", "--pbs-queue", "omp", "--jobs", "100", "--pbs-pack-wait", "2"]
    usual += ["--seconds-between-status-checks", "1", "--latency-wait", "3"]
    command = snakemake_command(*usual, *arguments)
    return run(*command, cwd=server.folder, **server.environment)


def selects(server):
    return [word for call in server.calls("qsub") for word in call if word.startswith("select=")]


@pytest.mark.slow
def test_a_workflow_with_everything(project):
    ended = snakemake(project, WORKFLOW, "--pbs-pack-size", "8", "--pbs-pack-cores", "4")
    assert ended.code == 0, ended.out
    lines = (project.folder / "report.txt").read_text().splitlines()
    assert [line for line in lines if "shadow" not in line] == [
        *("200", "200", "through the pipe", "served", "0", "1"),
        "mpiexec -n 4",
    ]
    # Each job in a folder of its own.
    assert len({line for line in lines if "shadow" in line}) == 4
    assert (project.folder / "bench" / "3.tsv").exists()
    assert (project.folder / "tries").read_text() == "x\nx\n"
    # Memory that is computed for each job: one pack, which asks for the largest.
    assert "select=1:ncpus=4:mem=4712mb" in selects(project)
    assert "select=4:ncpus=1:mpiprocs=1:ompthreads=1:mem=175mb" in selects(project)
    assert [call for call in project.calls("qsub") if "mpi_1" in call and "sea" in call]
    assert "What the jobs used, by rule:" in ended.out
    assert "PBS is not asked for the disk_mb of tries_again" in ended.out
    # Nothing failed but one, once.
    logs = list((project.folder / ".snakemake" / "pbs_logs").iterdir())
    assert {path.name[:8] for path in logs} == {"tries_ag"}


def test_two_jobs_with_the_same_pack_do_not_share_a_working_directory(project):
    text = "rule all:\n    input: 'a', 'b', 'c', 'd'\n" + (
        "rule one:\n    output: '{n}'\n    shadow: 'minimal'\n"
        "    shell: 'echo {wildcards.n} > same; sleep 0.5; cp same {output}'\n"
    )
    options = ("--pbs-pack-size", "4", "--pbs-pack-cores", "4", "--pbs-keep-successful-logs")
    ended = snakemake(project, text, *options)
    assert ended.code == 0, ended.out
    assert [(project.folder / n).read_text() for n in "abcd"] == ["a\n", "b\n", "c\n", "d\n"]
    assert len(project.calls("qsub")) == 1
    assert list((project.folder / ".snakemake" / "pbs_logs").glob("one-*.log"))


RULE = "rule one:\n    output: 'x'\n    {}\n    shell: 'touch x'\n"


@pytest.mark.parametrize(
    ("line", "options", "said"),
    [
        ("resources: gpu_model='a100', gpu=1", (), "resource gpu_model cannot be asked of PBS"),
        ("resources: tasks=5, nodes=2", (), "tasks=5 cannot be spread evenly over 2"),
        ("threads: 29", (), "cores: 29 is more than the 28 of queue omp"),
        ("resources: pbs_queue='nowhere'", (), "there is no queue nowhere. Queues that take jobs: "
         "mpi_1, omp, sequentiel"),
        ("resources: runtime=601", (), "walltime 10:01:00 is more than the 10:00:00 of queue omp"),
        ("threads: 1", ("--shared-fs-usage", "persistence", "input-output"),
         "needs a file system that all nodes share"),
    ],
)  # fmt: skip
def test_refused_before_the_first_submission(project, line, options, said):
    project.set(limits={"omp": {"walltime": "10:00:00"}})
    ended = snakemake(project, RULE.format(line), *options)
    assert ended.code == 1
    assert said in " ".join(ended.out.split())
    # The last word is what to change, and no line of our code.
    assert 'File "' not in ended.out
    assert project.calls("qsub") == []


@pytest.mark.slow
def test_packs_that_are_too_long_for_their_queue_are_told_how_many_fit(project):
    project.set(limits={"omp": {"walltime": "01:00:00"}})
    text = "rule all:\n    input: expand('{n}', n=range(20))\n" + (
        "rule one:\n    output: '{n}'\n    resources: runtime=10\n    shell: 'touch {output}'\n"
    )
    ended = snakemake(project, text, "--pbs-pack-size", "20")
    assert ended.code == 1
    assert "smaller packs fit:  --pbs-pack-size 6" in ended.out
    assert snakemake(project, text, "--pbs-pack-size", "6").code == 0


def test_torque_is_refused_in_one_sentence(project):
    project.set(version="Version: 6.1.2\nCommit: 661e092\n")
    ended = snakemake(project, RULE.format("threads: 1"))
    assert ended.code == 1
    assert "The PBS commands are those of Torque: this executor needs PBS Pro 13" in ended.out


def test_lines_of_the_site_hold_in_the_job(project):
    text = RULE.format("threads: 1").replace("touch x", "echo $MODULE $LD_LIBRARY_PATH > x")
    setup = "export MODULE=loaded\nexport LD_LIBRARY_PATH=/site:$LD_LIBRARY_PATH"
    (project.folder / "Snakefile").write_text(text)
    command = snakemake_command("--executor", "pbs", "--jobs", "1", "--precommand", setup)
    ended = run(*command, cwd=project.folder, LD_LIBRARY_PATH="/mine", **project.environment)
    assert ended.code == 0, ended.out
    assert (project.folder / "x").read_text() == "loaded /site:/mine\n"


# -- doctor ----------------------------------------------------------------------------------


def doctor(server, *arguments):
    command = (sys.executable, "-m", "snakemake_executor_plugin_pbs.doctor", *arguments)
    return run(*command, cwd=server.folder, **server.environment)


def checks(ended):
    lines = [line for line in ended.out.splitlines() if line[:6] in ("ok    ", "CHANGE")]
    return {line[8:].split("  ")[0]: line[:6].strip() for line in lines}


def test_doctor_of_a_site_where_all_is_well(project):
    ended = doctor(project, "--queue", "omp", "--import", "json")
    assert ended.code == 0, ended.out
    assert "Nothing to change." in ended.out
    found = checks(ended)
    assert {"shared files", "clocks", "glibc", "import json", "history", "PBS job"} <= set(found)
    assert "PBS 23.06.06" in ended.out
    until(lambda: project.left() == [])
    assert list(project.folder.glob(".pbs-doctor-*")) == []


def test_doctor_with_a_profile_that_asks_for_too_much(project):
    (project.folder / "config.yaml").write_text("pbs-queue: sequentiel\npbs-pack-cores: 4\n")
    ended = doctor(project, "--profile", ".")
    assert ended.code == 1
    assert "queue: set pbs-pack-cores: 1, or another pbs-queue" in ended.out


def test_doctor_where_python_cannot_start(project):
    (project.folder / "config.yaml").write_text("precommand: exit 127\n")
    ended = doctor(project, "--profile", ".", "--wait", "4")
    assert ended.code == 1
    assert "ended without a report: it ended with exit code 127" in " ".join(ended.out.split())


def test_doctor_where_the_queue_is_full(project):
    project.set(slots=0)
    ended = doctor(project, "--wait", "1")
    assert ended.code == 1
    assert "is in state Q after 1 s" in ended.out
    assert project.left() == []


def test_doctor_on_torque_submits_nothing(project):
    project.set(version="Version: 6.1.2\n")
    ended = doctor(project)
    assert ended.code == 1
    assert "those of Torque" in ended.out
    assert project.calls("qsub") == []
