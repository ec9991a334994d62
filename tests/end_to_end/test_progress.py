"""How a run goes, as users see it: on a terminal, in a file, in a dry run, through PBS."""

import re
from pathlib import Path

import pytest
import yaml
from pbs_helpers import Project
from processes import Ran, run, snakemake_command
from repository import outcome
from safes import only
from snakemake_executor_plugin_pbs.environment import portable
from snakemake_logger_plugin_progress import handler
from terminal import Terminal
from work import Work, ending

from xsar_batch.conversion import convert

#: Jobs wait while there is a file ``hold``. What is in ``bad`` fails, in ``once`` once.
SNAKEFILE = """
import sys

rule all:
    input: "first", expand("made/{n}", n=range(6))

rule first:
    output: "first"
    shell: "touch {output}"

rule one:
    input: "first"
    output: "made/{n}"
    log: "logs/{n}.log"
    shell:
        "echo job {wildcards.n} prints this >&2; echo working > {log};"
        " while [ -e hold ]; do sleep 0.05; done;"
        " if [ -e once/{wildcards.n} ]; then rm once/{wildcards.n};"
        " echo FAILED moody: not today >> {log}; exit 3; fi;"
        " if [ -e bad/{wildcards.n} ]; then"
        " echo FAILED bad: number {wildcards.n} >> {log}; exit 3; fi; touch {output}"

onerror:
    print("onerror prints this", file=sys.stderr)
"""

USUAL = ("--logger", "progress", "--cores", "2", "--keep-going", "--nolock", "--retries", "1")
ONE = ("--logger-progress-rules", "one")

#: What Snakemake says of every job, and of itself, without this logger.
CHATTER = ("Select jobs", "Execute ", "rule one:", "Finished jobid", "steps (", "Provided cores")

TIME = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d  "


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    for kind, name in (("bad", "1"), ("once", "2")):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / name).touch()
    return tmp_path


def snakemake(folder: Path, *arguments: str, **env: str) -> Ran:
    return run(*snakemake_command(*USUAL, *arguments), cwd=folder, **env)


def assert_no_control_characters(text: str) -> None:
    assert not [c for c in text.encode() if c < 0x20 and c != 0x0A]


# -- in a file -------------------------------------------------------------------------------


def test_in_a_file(folder):
    ran = snakemake(folder, *ONE, "--logger-progress-interval", "1")
    assert ran.code == 1
    assert_no_control_characters(ran.out)
    for text in CHATTER:
        assert text not in ran.out
    # What was made before is not counted, so all is said of the six.
    progress = re.findall(rf"^{TIME}(\d) of 6 done, (\d) failed", ran.out, re.MULTILINE)
    assert progress[0] == ("0", "0")
    assert progress[-1] == ("5", "1")
    # The one that succeeded in the end has not failed; the other failed once for good.
    told = re.findall(rf"^{TIME}(again |FAILED)  one (\d): (.*)$", ran.out, re.MULTILINE)
    assert sorted(told) == [
        ("FAILED", "1", "bad: number 1"),
        ("again ", "1", "bad: number 1"),
        ("again ", "2", "moody: not today"),
    ]
    for number in range(6):
        assert f"\njob {number} prints this\n" in ran.out
    # In the order in which it happened, whoever says it.
    last = [ran.out.index(text) for text in ("FAILED", "5 of 6 done", "onerror", "Complete log")]
    assert last == sorted(last)
    assert re.search(
        rf"^{TIME}5 of 6 done, 1 failed; in \S+ s, \S+ s a job$", ran.out, re.MULTILINE
    )
    assert ran.out.endswith("WorkflowError:\nAt least one job did not complete successfully.\n")
    # Snakemake's own log has all of it, as before.
    log = only(folder, ".snakemake/log/*.log").read_text()
    for text in (*CHATTER, "Error in rule one:", "returned non-zero exit status 3", "Job stats:"):
        assert text in log, text


def test_errors_are_not_lost(folder):
    """Nor what a Snakefile logs, nor a warning."""
    with (folder / "Snakefile").open("a") as file:
        file.write(
            'onstart:\n    logger.warning("a warning")\n    logger.info("a word of the file")\n'
            'rule silent:\n    output: "silent"\n    log: "silent.log"\n    shell: "exit 4"\n'
            'rule forgetful:\n    output: "forgotten"\n    shell: "true"\n'
        )
    more = ("--latency-wait", "1", "--retries", "0")
    ran = snakemake(folder, *more, "silent", "forgotten")
    for text in (
        *("\na warning\n", "\na word of the file\n", "MissingOutputException in rule forgetful"),
        *("  FAILED  silent: exit code 4\n", "0 of 2 done, 2 failed; "),
    ):
        assert text in ran.out, ran.out
    ran = snakemake(folder, "nowhere")
    assert ran.code == 1
    assert "MissingRuleException:\nNo rule to produce nowhere" in ran.out
    (folder / "Snakefile").write_text("raise ValueError('what is wrong')\n")
    ran = snakemake(folder)
    assert ran.code == 1
    assert "ValueError in file" in ran.out and "what is wrong" in ran.out


def test_all_that_snakemake_says_on_request(folder):
    (folder / "bad" / "1").unlink()
    ran = snakemake(folder, "--logger-progress-everything", "-p")
    assert ran.code == 0
    for text in (*CHATTER, "Job stats:", "touch made/3", "8 of 8 done, 0 failed; in"):
        assert text in ran.out, text


# -- on a terminal ---------------------------------------------------------------------------


def test_on_a_terminal(folder):
    (folder / "hold").touch()
    terminal = Terminal(snakemake_command(*USUAL, *ONE), folder, columns=110)
    terminal.until(lambda: "0 of 6 done, 2 running, 4 queued" in terminal.row)
    assert "━━━" in terminal.row
    terminal.until(lambda: sum("prints this" in line for line in terminal.lines) == 2)
    for columns, text in (
        (60, r"━{10,} 0 of 6 done, 2 running, 4 queued"),
        (20, r"0/6"),
        (110, r"━{40} 0 of 6 done, 2 running, 4 queued"),
    ):
        terminal.resize(columns)
        terminal.until(lambda text=text: re.fullmatch(text, terminal.row))
        # The row is the last thing to be seen, and the only one of its kind.
        assert terminal.lines[-1] == terminal.row
        assert sum("━" in line or "0/6" in line for line in terminal.lines) == 1
    (folder / "hold").unlink()
    assert terminal.end() == 1

    assert not any("━" in line for line in terminal.lines)
    # Whole lines, whoever printed them.
    for number in range(6):
        assert f"job {number} prints this" in terminal.lines
    assert "onerror prints this" in terminal.lines
    seen = "\n".join(terminal.lines)
    assert re.search(r"^\d\d:\d\d:\d\d FAILED  one 1: bad: number 1$", seen, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d 5 of 6 done, 1 failed; in .* s a job$", seen, re.MULTILINE)
    for text in CHATTER:
        assert text not in seen
    # Never hidden, it need not be shown again.
    assert b"\x1b[?25l" not in terminal.raw
    assert terminal.screen.cursor.x == 0


def test_ctrl_c_on_a_terminal(folder):
    (folder / "hold").touch()
    terminal = Terminal(snakemake_command(*USUAL, *ONE), folder, columns=110)
    terminal.until(lambda: "2 running" in terminal.row)
    terminal.until(lambda: sum("prints this" in line for line in terminal.lines) == 2)
    terminal.press(b"\x03")
    assert terminal.end() == 1
    seen = "\n".join(terminal.lines)
    assert "Terminating processes on user request" in seen
    assert " 0 of 6 done, 0 failed, 2 were running, 4 not tried; in" in seen
    assert "onerror prints this" in terminal.lines
    assert "━" not in seen
    assert "CalledProcessError" not in seen


def test_a_dumb_terminal_gets_lines(folder):
    (folder / "bad" / "1").unlink()
    terminal = Terminal(snakemake_command(*USUAL), folder, columns=200, TERM="dumb")
    assert terminal.end() == 0
    # A terminal ends each line with a carriage return.
    assert_no_control_characters(terminal.raw.decode().replace("\r\n", "\n"))
    assert re.search(rf"^{TIME}8 of 8 done, 0 failed; in", "\n".join(terminal.lines), re.MULTILINE)


# -- without running -------------------------------------------------------------------------


def test_dry_run_counts_jobs_and_lists_none(folder):
    ran = snakemake(folder, "-n")
    assert ran.code == 0
    assert_no_control_characters(ran.out)
    assert ran.scheduled == {"first": 1, "one": 6, "all": 1}
    assert ran.out.count("Job stats:") == 1
    assert "rule one:" not in ran.out
    assert " of 8 done" not in ran.out
    assert "This was a dry-run" in ran.out
    listed = snakemake(folder, "-n", "-p").out
    assert listed.count("rule one:") == 6
    assert listed.count("touch made/") == 6
    assert "Reasons:" in listed


# -- through PBS -----------------------------------------------------------------------------


def test_through_pbs(tmp_path):
    """What waits in the queue of PBS is queued, and its time there is not its own."""
    project = Project(tmp_path, count=6, seconds=1)
    try:
        project.mark("bad", 3)
        logger = ("--logger", "progress", *ONE, "--logger-progress-interval", "1")
        ended = project.run(*logger, **{"pbs-pack-size": "3", "retries": "0"})
    finally:
        project.server.stop()
    assert ended.code == 1
    lines = re.findall(r"(\d) of 6 done, (\d) failed, (\d) running, (\d) queued", ended.out)
    # One at a time in each of two PBS jobs, and a failure is told a second after the next began.
    assert {int(running) for *_, running, _ in lines} <= {0, 1, 2, 3}
    assert max(int(running) for *_, running, _ in lines) >= 1
    assert all(sum(map(int, line)) == 6 for line in lines)
    last = re.search(r"5 of 6 done, 1 failed; in .* s, (\S+) s a job", ended.out)
    assert 1 <= float(last[1]) < 4
    assert re.search(r"FAILED  one 3: failed in PBS job \d+\S*$", ended.out, re.MULTILINE)
    assert "PBS: at most 100 PBS jobs, 3 jobs in each; logs in .snakemake/pbs_logs" in ended.out
    assert "Begun in PBS" not in ended.out
    assert "Begun in PBS: jobid" in only(project.folder, ".snakemake/log/*.log").read_text()


# -- this workflow ---------------------------------------------------------------------------


def test_this_workflow_on_a_terminal(tmp_path, scene, land_source):
    bad = scene(2)
    work = Work.new(tmp_path / "work", land_source, map(scene, range(2)), [bad])
    command = snakemake_command("--profile", "profiles/local", "--cores", "2", "--retries", "0")
    terminal = Terminal(command, work.folder, columns=250)
    assert terminal.end() == 1
    seen = "\n".join(terminal.lines) + "\n"
    # SAFEs are counted, and the two ways to count agree.
    assert " 2 of 3 done, 1 failed; in" in seen
    ours = ending(Ran(1, seen))
    assert ours.startswith("xsar-batch: of 3 pending, 2 made, 1 failed (1 bad-safe)\n")
    cause = outcome(work.log(bad.stem).with_suffix(".json"))["cause"]
    assert re.search(rf" FAILED  convert {bad.stem}: bad-safe: {re.escape(cause)}\n", seen)
    # Once as it happens, once in the list at the end; the job itself keeps silent.
    assert seen.count(cause) == 2
    assert seen.index(" 2 of 3 done, 1 failed; in") < seen.index("xsar-batch: of 3 pending")
    assert re.search(r"^xsar-batch: 3 SAFEs found", seen, re.MULTILINE)


def test_jobs_are_told_that_their_failures_are_shown_but_not_those_of_another_snakemake():
    assert convert.TOLD_ELSEWHERE == handler.VARIABLE
    assert portable({convert.TOLD_ELSEWHERE: "1", "SNAKEMAKE": "1"}) == {"SNAKEMAKE": "1"}


def test_profile_of_every_command_counts_safes():
    path = Path(__file__).parents[2] / "profiles" / "default" / "config.yaml"
    known = yaml.safe_load(path.read_text())
    assert (known["logger"], known["logger-progress-rules"]) == ("progress", "convert")
