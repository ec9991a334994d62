"""The parts of the logger `progress`: counts, words, causes, messages, and the row."""

import logging
import os
import pty
import re
import select
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
import snakemake
from snakemake.settings.enums import Quietness
from snakemake.settings.types import OutputSettings
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_logger_plugin_progress import (
    LogHandler,
    LogHandlerSettings,
    failures,
    messages,
    words,
)
from snakemake_logger_plugin_progress.bar import Bar
from snakemake_logger_plugin_progress.failures import cause, exit_status, last_words, readable
from snakemake_logger_plugin_progress.tally import RECENT_ENDS, Job, Tally

SNAKEMAKE = Path(snakemake.__file__).parent

STATS = {"convert": 10, "land_mask": 1, "all": 1, "total": 12}


def tally(*rules: str) -> Tally:
    made = Tally(rules)
    made.plan(STATS, now=0)
    return made


def running(counted: Tally, *ids: int, rule: str = "convert", at: float | None = 0) -> None:
    for number in ids:
        counted.hand_over(Job(number, rule, began=at))


def counts(counted: Tally) -> tuple[int, int, int, int]:
    four = counted.done, counted.failed, counted.running, counted.queued
    assert sum(four) == counted.total
    return four


# -- counts ----------------------------------------------------------------------------------


def test_all_jobs_are_counted_unless_rules_are_named():
    assert tally().total == 12
    assert tally("convert").total == 10
    assert tally("convert", "all").total == 11


def test_what_is_at_work_beside_is_named_while_nothing_that_counts_is():
    made = tally("convert")
    running(made, 1, rule="land_mask")
    running(made, 2, rule="land_mask", at=None)
    assert words.line(made, 5) == "0 of 10 done, 0 failed, 0 running, 10 queued, first land_mask"
    running(made, 3)
    assert words.line(made, 5) == "0 of 10 done, 0 failed, 1 running, 9 queued"


def test_jobs_of_other_rules_count_neither_at_work_nor_at_their_end():
    made = tally("convert")
    running(made, 1, rule="land_mask")
    running(made, 2, rule="all")
    assert counts(made) == (0, 0, 0, 10)
    made.finish(1, 5)
    assert made.fail(2, 5).rule == "all"
    assert counts(made) == (0, 0, 0, 10)
    assert made.mean is None and made.per_minute(9) is None


def test_a_job_that_failed_once_and_then_succeeded_is_done():
    made = tally("convert")
    running(made, 1)
    made.fail(1, 1)
    assert counts(made) == (0, 1, 0, 9)
    assert made.try_again(1).id == 1
    assert counts(made) == (0, 0, 0, 10)
    running(made, 1, at=2)
    made.finish(1, 5)
    assert counts(made) == (1, 0, 0, 9)
    # Only the attempt that succeeded is timed, and only its end makes the speed.
    assert made.mean == 3
    assert made.per_minute(60) == 1


def test_a_second_attempt_counts_right_even_if_nobody_told_of_it():
    made = tally("convert")
    running(made, 1)
    made.fail(1, 1)
    running(made, 1)
    assert counts(made) == (0, 0, 1, 9)


def test_a_job_that_never_said_how_it_failed_is_queued_when_it_is_tried_again():
    made = tally("convert")
    running(made, 1)
    assert made.try_again(1).id == 1
    assert counts(made) == (0, 0, 0, 10)
    assert made.try_again(1) is None


def test_what_waits_in_the_queue_of_an_executor_is_queued_until_it_begins():
    made = tally("convert")
    running(made, 1, 2, at=None)
    assert counts(made) == (0, 0, 0, 10)
    made.begin(1, 100)
    made.begin(1, 100)
    made.begin(99, 100)
    assert counts(made) == (0, 0, 1, 9)
    made.finish(1, 104)
    # It has begun and ended between two looks.
    made.finish(2, 104)
    assert counts(made) == (2, 0, 0, 8)
    assert made.mean == 4


def test_at_the_end_what_ran_and_was_not_heard_of_has_failed():
    made = tally("convert")
    running(made, 1, 2)
    running(made, 3, at=None)
    made.finish(1, 1)
    made.fail_rest(2)
    assert counts(made) == (1, 1, 0, 8)


def test_jobs_that_a_checkpoint_adds_are_counted():
    made = tally()
    made.grow(20)
    assert made.total == 20
    named = tally("convert")
    named.grow(20)
    assert named.total == 10
    running(named, *range(12))
    assert counts(named) == (0, 0, 12, 0)


def test_speed_is_that_of_late():
    made = Tally()
    made.plan({"one": 10_000, "total": 10_000}, now=0)
    now = 0
    # A slow beginning, then one a second.
    for number in range(RECENT_ENDS + 100):
        now += 100 if number < 50 else 1
        running(made, number, at=now - 1)
        made.finish(number, now)
    assert made.per_minute(now) == pytest.approx(60, rel=0.01)
    assert made.left(now) == pytest.approx(10_000 - RECENT_ENDS - 100, rel=0.01)
    # Where nothing ends any more, it slows down.
    assert made.per_minute(now + 500) == pytest.approx(30, rel=0.01)


def test_lines_in_words():
    made = tally("convert")
    for number in range(4):
        running(made, number, at=0)
    made.finish(0, 10)
    made.finish(1, 14)
    made.fail(2, 30)
    assert words.line(made, 60) == (
        "2 of 10 done, 1 failed, 1 running, 6 queued; 2 min left, 3.0 a minute, 12 s a job"
    )
    assert words.last_line(made, 60) == (
        "2 of 10 done, 1 failed, 1 were running, 6 not tried; in 60 s, 12 s a job"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.043, "0.04 s"),
        (0.96, "1.0 s"),
        (8.44, "8.4 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (99 * 60, "99 min"),
        (100 * 60, "1 h 40 min"),
        (9.99 * 3600, "9 h 59 min"),
        (14.6 * 3600, "15 h"),
        (47.9 * 3600, "48 h"),
        (60 * 3600, "2 d 12 h"),
    ],
)
def test_times_have_two_figures(seconds, text):
    assert words.span(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.034, "0.034"), (1.26, "1.3"), (14.2, "14")])
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("wildcards", "name"),
    [({}, "one"), ({"name": "S1A"}, "one S1A"), ({"a": 1, "b": 2}, "one a=1 b=2")],
)
def test_name_of_a_job(wildcards, name):
    assert str(Job(1, "one", wildcards)) == name


# -- causes ----------------------------------------------------------------------------------

COMMAND = "set -euo pipefail; false"


def rule_exception(how: str, kind: str = "CalledProcessError") -> str:
    where = f'{kind} in file "/x/Snakefile", line 6:'
    return f"RuleException:\n{where}\nCommand '{COMMAND}\nmore' {how}"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (rule_exception("returned non-zero exit status 65."), "exit code 65"),
        (rule_exception("died with <Signals.SIGKILL: 9>."), "ended by <Signals.SIGKILL: 9>"),
        # Any other error says more than an exit status.
        (rule_exception("returned non-zero exit status 1.", kind="ValueError"), None),
        ("WorkflowError:\nAt least one job did not complete successfully.", None),
        ("MissingInputException in rule one:\nMissing input files", None),
        ("", None),
    ],
)
def test_exit_status_of_a_command(text, status):
    assert exit_status(text) == status


@pytest.mark.parametrize(
    ("last", "told", "status", "said"),
    [
        ("FAILED bad-safe: it is empty", "", "exit code 65", "bad-safe: it is empty"),
        (
            "FAILED bad-safe: empty",
            "failed in PBS job 7. ",
            "",
            "bad-safe: empty (failed in PBS job 7)",
        ),
        ("reading", "walltime\n of 4 h. ", "", "walltime of 4 h; the log ends: reading"),
        ("ValueError: no", "", "exit code 1", "ValueError: no (exit code 1)"),
        ("ValueError: no", "", "", "ValueError: no"),
        ("", "walltime", "exit code 1", "walltime"),
        ("", f"walltime. {failures._ADDED} and the log files", "", "walltime"),
        ("", "", "exit code 1", "exit code 1"),
        ("", "", "", "it left no log that tells why"),
    ],
)
def test_cause(last, told, status, said):
    assert cause(last, told, status) == said


def test_last_words_are_of_the_first_log_that_says_anything(tmp_path):
    silent, speaks, odd = (tmp_path / name for name in ("silent", "speaks", "odd"))
    silent.write_text("\n \n")
    speaks.write_text("first\n" * 10_000 + "\x1b[31mFAILED\x1b[0m x: y\tz\n\n")
    # No text, and a line that overwrites itself.
    odd.write_bytes(b"10 %\r20 %\r\xff\x00\x07end")
    logs = [str(tmp_path / "none"), str(silent), str(speaks)]
    assert last_words(logs) == "FAILED x: y\tz"
    assert last_words(logs[:2]) == last_words([str(tmp_path)]) == ""
    assert last_words([str(odd)]) == "\ufffdend"


def test_readable_has_no_control_characters():
    text = "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b[2K\x9b1mx\rend\ttab\nline\x00\x7f"
    assert readable(text) == "red 1mxend\ttab\nline"


# -- messages --------------------------------------------------------------------------------


def record(text: str, level: int = logging.INFO, by: str = "", **extra) -> logging.LogRecord:
    path = by or str(SNAKEMAKE / "workflow.py")
    made = logging.LogRecord("snakemake.logging", level, path, 1, text, None, None)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize(
    ("text", "before", "at_work", "dryrun"),
    [
        ("Select jobs to execute...", False, False, False),
        ("Using shell: /bin/bash", False, False, False),
        ("Removing temporary output x.", True, False, True),
        ("Nothing to be done.", True, False, True),
        ("Terminating processes on user request, this might take some time.", True, True, True),
        ("Will exit after finishing currently running jobs (scheduler).", True, True, True),
        ("Reasons:\n    (check individual jobs above for details)", True, False, False),
    ],
)
def test_what_snakemake_says_by_the_way(text, before, at_work, dryrun):
    assert messages.is_worth_it(record(text), at_work=False, dryrun=False) is before
    assert messages.is_worth_it(record(text), at_work=True, dryrun=False) is at_work
    assert messages.is_worth_it(record(text), at_work=False, dryrun=True) is dryrun


def test_errors_warnings_and_what_others_say_are_shown_at_any_time():
    for at_work in (False, True):
        for level in (logging.WARNING, logging.ERROR):
            assert messages.is_worth_it(record("anything", level), at_work, dryrun=False)
        assert messages.is_worth_it(
            record("PBS answers again", by="/x/fleet.py"), at_work, dryrun=False
        )
    end = record("Exiting because a job execution failed. Look above", logging.ERROR)
    assert not messages.is_worth_it(end, at_work=True, dryrun=False)


def test_the_words_that_are_looked_for_are_those_of_snakemake():
    """Where Snakemake changes them, this says so."""
    names = [
        "scheduling/job_scheduler",
        "workflow",
        "api",
        "dag",
        "jobs",
        "exceptions",
        "io/__init__",
    ]
    sources = "".join((SNAKEMAKE / f"{name}.py").read_text() for name in names)
    said = (*messages._ANSWERS, *messages._BESIDE, *messages._OF_DRY_RUN, messages.THE_END)
    for text in (*said, "Trying to restart job ", "completed successfully, but"):
        assert text in sources, text


# -- the handler, with records as Snakemake makes them ---------------------------------------


def handler(jobs: int = 0, **common) -> LogHandler:
    """One that is told of a run of so many jobs."""
    one = LogHandler(OutputSettings(**common), LogHandlerSettings())
    if jobs:
        one.handle(record("stats", event="run_info", stats={"one": jobs, "total": jobs}))
    return one


def error(text: str, **more) -> logging.LogRecord:
    return record(text, logging.ERROR, event="error", **more)


def job_info(number: int, **more) -> logging.LogRecord:
    known = {"rule_name": "one", "wildcards": {"n": str(number)}, "log": [], "local": True}
    return record("Job", event="job_info", jobid=number, **{**known, **more})


def job_error(number: int, **more) -> logging.LogRecord:
    known = {"rule_name": "one", "log": [], "rule_msg": None}
    return record("Error", logging.ERROR, event="job_error", jobid=number, **{**known, **more})


def test_an_error_that_no_jobs_error_follows_is_shown(capsys):
    one = handler(2)
    text = rule_exception("returned non-zero exit status 9.")
    one.handle(error(text))
    one.close()
    assert text in capsys.readouterr().err


def test_an_error_of_a_command_is_told_with_the_job_of_the_same_thread(capsys):
    one = handler(2)
    for number in (1, 2):
        one.handle(job_info(number))
    for thread, code in ((11, 3), (12, 4)):
        text = rule_exception(f"returned non-zero exit status {code}.")
        one.handle(error(text, thread=thread))
    one.handle(job_error(2, thread=12))
    one.handle(job_error(1, thread=11))
    one.close()
    err = capsys.readouterr().err
    assert "RuleException" not in err
    assert re.search(r"FAILED  one 2: exit code 4\n.*FAILED  one 1: exit code 3\n", err)
    assert "0 of 2 done, 2 failed; in" in err


def test_a_run_without_jobs_that_count_is_not_counted(capsys):
    one = LogHandler(OutputSettings(), LogHandlerSettings(rules="convert"))
    one.handle(record("stats", event="run_info", stats={"all": 1, "total": 1}))
    one.handle(job_info(1, rule_name="all"))
    one.handle(record("Finished", event="job_finished", job_id=1))
    one.handle(record("None", event="progress", done=1, total=1))
    one.close()
    assert capsys.readouterr().err == ""


def test_output_that_is_missing_counts_as_a_failure(capsys):
    one = handler(2)
    one.handle(job_info(1))
    text = "MissingOutputException in rule one:\nJob 1  completed successfully, but some output"
    one.handle(error(text))
    one.close()
    err = capsys.readouterr().err
    assert text in err
    assert "0 of 2 done, 1 failed, 1 not tried" in err


def test_quiet_all_is_silent_and_quiet_progress_tells_failures_alone(capsys):
    for quiet, told in (({Quietness.ALL}, 0), ({Quietness.PROGRESS, Quietness.RULES}, 1)):
        one = handler(1, quiet=quiet)
        one.handle(job_info(1))
        one.handle(job_error(1))
        one.close()
        err = capsys.readouterr().err
        assert err.count("FAILED  one 1") == told
        assert len(err.splitlines()) == told


def test_jobs_of_an_executor_that_tells_begins_are_queued_until_then(capsys):
    one = handler()
    one.handle(record("PBS", by="/x/executor.py", begins_are_told=True))
    one.handle(record("stats", event="run_info", stats={"one": 2, "total": 2}))
    one.handle(job_info(1, local=False))
    one.handle(job_info(2, local=False))
    assert one._tally.running == 0
    one.handle(record("Begun", by="/x/executor.py", begun=[(2, time.time())]))
    assert one._tally.running == 1
    one.close()
    assert "Begun" not in capsys.readouterr().err


def test_a_job_costs_little(capsys):
    count = 5000
    one = handler(count)
    before = time.process_time()
    for number in range(count):
        one.handle(record("Select jobs to execute..."))
        one.handle(record("Execute 1 jobs...", event="job_started", jobs=[number]))
        one.handle(job_info(number))
        one.handle(record("Shell command", event="shellcmd", shellcmd="x"))
        one.handle(record("Finished", event="job_finished", job_id=number))
        one.handle(record("None", event="progress", done=number + 1, total=count))
    seconds = time.process_time() - before
    one.close()
    assert f"{count} of {count} done, 0 failed; in" in capsys.readouterr().err
    assert seconds / count < 0.001


def test_an_interval_that_makes_no_sense_is_refused():
    with pytest.raises(WorkflowError, match="logger-progress-interval: 0 is less than 1"):
        LogHandlerSettings(interval=0)
    assert LogHandlerSettings(rules=" a, b,").counted == {"a", "b"}


# -- the row ---------------------------------------------------------------------------------


def seen(
    columns: int, do: Callable[[Bar], None], nocolor: bool = False
) -> tuple[bytes, pyte.Screen]:
    """What a bar writes to a terminal of its own, and what is to be seen there."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        termios.tcsetwinsize(theirs, (5, columns))
        bar = Bar(stream, nocolor)
        do(bar)
        # The end of what is awaited.
        stream.write("\0")
        stream.flush()
        raw = b""
        while not raw.endswith(b"\0"):
            assert select.select([ours], [], [], 5)[0], raw
            raw += os.read(ours, 65536)
        bar.stop()
    os.close(ours)
    screen = pyte.Screen(columns, 5)
    pyte.ByteStream(screen).feed(raw)
    return raw, screen


def draw(bar: Bar) -> None:
    made = tally("convert")
    running(made, 0, 1, 2)
    made.finish(0, 10)
    made.fail(1, 10)
    bar.say("above")
    bar.show(made, 60)


def test_of_what_others_print_colours_stay_and_movements_go():
    def print_(bar: Bar) -> None:
        draw(bar)
        bar._pass_on("jobs", "10 %\r20 %\r\n\x1b[31mred\x1b[0m and\x1b[5A\x1b[2K up\nhalf a ")
        bar._pass_on("ours", "mine\n")
        bar._pass_on("jobs", "line", is_whole=True)

    raw, screen = seen(100, print_)
    lines = [line.rstrip() for line in screen.display]
    # The first has left the screen.
    assert lines[:4] == ["20 %", "red and up", "mine", "half a line"]
    assert "1 of 10 done" in lines[4]
    assert screen.buffer[1][0].fg == "red"
    assert b"\x1b[5A" not in raw


@pytest.mark.parametrize("columns", [200, 120, 100, 80, 60, 50, 45, 30, 20, 10, 4])
def test_the_row_fits_any_width_and_the_cursor_waits_at_its_beginning(columns):
    _, screen = seen(columns, draw)
    text = "\n".join(screen.display).rstrip()
    above = -(-len("above") // columns)
    assert len(text.splitlines()) == above + 1
    assert (screen.cursor.y, screen.cursor.x) == (above, 0)
    row = screen.display[above].rstrip()
    assert len(row) < columns
    if columns >= 45:
        assert "1 of 10 done, 1 failed, 1 running, 7 queued" in row
    if columns >= 60:
        assert "━" in row
    if 20 <= columns < 45:
        assert row == "1/10, 1 failed"


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colour = re.compile(rb"\x1b\[[0-9;]*3[0-9]")
    assert colour.search(seen(100, draw)[0])
    assert not colour.search(seen(100, draw, nocolor=True)[0])
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(seen(100, draw)[0])
