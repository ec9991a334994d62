"""What qstat says, and what it means: on what a real server was seen to print.

The observed texts are in ../shared; where that is absent, these tests are skipped, and those on
texts written here remain.
"""

import re

import pytest
from processes import observed_pbs
from snakemake_executor_plugin_pbs import qstat
from snakemake_executor_plugin_pbs.qstat import Cause, Status

OBSERVED = observed_pbs() / "observed"

needs_observed = pytest.mark.skipif(not OBSERVED.is_dir(), reason="no observed PBS in ../shared")

#: Of each observed text: id -> state, Exit_status, substate and, where it is over, the cause.
SHOWN = {
    "finished_exit_0": {241: ("F", 0, 92, Cause.EXITED)},
    "finished_exit_3": {242: ("F", 3, 93, Cause.EXITED)},
    "killed_walltime": {243: ("F", -29, 93, Cause.WALLTIME)},
    "killed_memory": {244: ("F", -27, 93, Cause.MEMORY)},
    "deleted_running": {245: ("F", 271, 91, Cause.DELETED)},
    "deleted_queued": {250: ("F", None, 91, Cause.DELETED)},
    "running": {246: ("R", None, 42, None)},
    "queued": {247: ("Q", None, 10, None)},
    "held": {248: ("H", None, 20, None)},
    "several_one_unknown": {
        241: ("F", 0, 92, Cause.EXITED),
        242: ("F", 3, 93, Cause.EXITED),
        246: ("R", None, 42, None),
    },
    "array_with_subjobs": {
        # The array as a whole shows 0 although its index 2 failed.
        "249[]": ("F", 0, 93, Cause.EXITED),
        "249[0]": ("F", 0, 92, Cause.EXITED),
        "249[1]": ("F", 0, 92, Cause.EXITED),
        "249[2]": ("F", 5, 93, Cause.EXITED),
        "249[3]": ("F", 0, 92, Cause.EXITED),
    },
    "finished_without_x": {},
    "two_jobs": {},  # JSON is not read: it gives nothing, and no nonsense
}

MORE_MEMORY = "it used more memory than it had asked for"


def block(*lines, job_id="7.datarmor0"):
    return f"Job Id: {job_id}\n" + "".join(f"    {line}\n" for line in lines) + "\n"


def only(text):
    (status,) = qstat.parse(text).values()
    return status


# -- observed --------------------------------------------------------------------------------


@needs_observed
def test_all_that_was_observed_is_tested():
    files = [path for path in OBSERVED.iterdir() if path.suffix in (".txt", ".json")]
    assert {path.stem for path in files} == set(SHOWN)


@needs_observed
@pytest.mark.parametrize("name", SHOWN)
def test_observed(name):
    (path,) = (p for p in OBSERVED.glob(f"{name}.*") if p.suffix != ".err")
    found = qstat.parse(path.read_text())
    expected = {f"{number}.datarmor0": values for number, values in SHOWN[name].items()}
    assert list(found) == list(expected)
    for job_id, (state, exit_status, substate, cause) in expected.items():
        status = found[job_id]
        assert (status.state, status.exit_status, status.substate) == (state, exit_status, substate)
        assert status.is_over == (cause is not None)
        if cause is not None:
            assert qstat.ending(status)[0] is cause


@needs_observed
@pytest.mark.parametrize(
    ("name", "job_id"),
    [
        ("finished_without_x", "241.datarmor0"),
        ("qdel_finished", "241.datarmor0"),
        ("qdel_unknown", "99999.datarmor0"),
        ("qstat_unknown", "99999.datarmor0"),
        ("several_one_unknown", "99999.datarmor0"),
        ("running", None),
        *((name, None) for name in ("qsub_unknown_queue", "qsub_bad_name", "qsub_over_limit")),
    ],
)
def test_observed_as_gone(name, job_id):
    error = (OBSERVED / f"{name}.err").read_text()
    # A word more does no harm, an id does.
    found = {one for one in qstat.gone(error) if re.match(r"\d", one)}
    assert found == ({job_id} if job_id else set())


# -- texts that are meant to mislead ---------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        (("job_state = R", "substate = 42", "run_count = 1"), None),
        (("job_state = F", "substate = 93", "Exit_status = 1"), Cause.EXITED),
        (("job_state = F", "substate = 91", "project = x"), Cause.DELETED),
    ],
)
def test_an_environment_that_looks_like_an_end(fields, cause):
    """PBS prints a newline in a value as it is: lines of Variable_List are not to be trusted."""
    lie = "Variable_List = PBS_O_HOME=/h,NOTE=a\n    Exit_status = 0\n    job_state = F\nb,C=d"
    status = only(block(*fields[:2], lie, *fields[2:]))
    assert status.is_over == (cause is not None)
    assert cause is None or qstat.ending(status)[0] is cause


def test_wrapped_lines():
    """Without -w, which old versions do not know, a long line goes on after a tab."""
    text = (
        "Job Id: 7.datarmor0\n"
        "    Job_Name = a\n"
        "    job_state = F\n"
        "    substate = 93\n"
        "    Variable_List = PBS_O_HOME=/home1/datahome/user,PBS_O_LOGNAME=user,PBS_O_PATH=\n"
        "\t/usr/bin:/bin,PBS_O_MAIL=/var/mail/user\n"
        "    comment = Job run at Sun Nov 22 at 12:21 on (datarmor0:ncpus=1:mem=204800kb) an\n"
        "\td exceeded resource wall\n"
        "\ttime\n"
        "    Exit_status = 271\n\n"
    )
    status = only(text)
    assert status.comment.endswith("and exceeded resource walltime")
    assert qstat.ending(status)[0] is Cause.WALLTIME


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "\n\n",
        "\x00\ufffd<html>502 Bad Gateway</html>\n    job_state = F\n    Exit_status = 0\n",
        "Job Id: 7.datarmor0\n",
        "Job Id: 7.datarmor0\n    Job_Name = a\n",
        "Job Id: 7.datarmor0\n    job_state = \n    Exit_status = 0\n",
        "Job Id: 7.datarmor0\n    job_state = Finished\n",
        "Job Id: 7.datarmor0\njob_state = F\nExit_status = 0\n",
        "Job Id:\n    job_state = F\n",
        "qstat: Unknown Job Id 7.datarmor0\n",
        '{"Jobs": {"7.datarmor0": {"job_state": "F", "Exit_status": 0}}}',
    ],
)
def test_garbage_tells_nothing(garbage):
    assert qstat.parse(garbage) == {}


@pytest.mark.parametrize("number", ["", "none", "0x0", "0.0", "00:00:00", "- 1"])
def test_an_exit_status_that_is_no_number(number):
    status = only(block("job_state = F", "substate = 92", f"Exit_status = {number}"))
    assert status.exit_status is None


def test_a_text_that_breaks_off():
    """An overloaded server: the last job is not whole, and the first is still told."""
    whole = block("job_state = R", "substate = 42", job_id="1.s")
    half = block("job_state = F", "substate = 92", job_id="2.s").rstrip("\n")
    found = qstat.parse(whole + half)
    assert found["1.s"].state == "R"
    assert found["2.s"].exit_status is None


# -- what is an end ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", [*"QHWTSERBMUX", "?"])
def test_only_f_is_an_end(state):
    status = only(block(f"job_state = {state}", "substate = 42", "Exit_status = 0"))
    assert not status.is_over


@pytest.mark.parametrize("exit_status", [271, 265, 143, 42, 1, 0])
def test_deleted_while_it_ran(exit_status):
    comment = "comment = Job run at Sun Nov 22 at 12:21 on (n:ncpus=1) and terminated by a@b"
    status = only(block("job_state = F", "substate = 91", comment, f"Exit_status = {exit_status}"))
    assert qstat.ending(status) == (Cause.DELETED, "it was deleted by a@b")


@pytest.mark.parametrize(
    ("resource", "cause", "words"),
    [
        ("walltime 12 exceeded limit 10", Cause.WALLTIME, "its walltime was over"),
        ("mem 224972kb exceeded limit 204800kb", Cause.MEMORY, MORE_MEMORY),
        ("vmem 224972kb exceeded limit 204800kb", Cause.MEMORY, MORE_MEMORY),
        ("cput 90 exceeded limit 60", Cause.PBS, "it used more cput than it had asked for"),
        ("ncpus 4.2 exceeded limit 1 (sum)", Cause.PBS, "it used more ncpus than it had asked for"),
    ],
)
def test_killed_by_an_old_version(resource, cause, words):
    """Before version 22: 271, as after a qdel. Only the output of the job tells."""
    output = f"line of the job\n=>> PBS: job killed: {resource}\nTerminated\n"
    status = Status("F", 271, 93, "", "00:00:12", "300kb")
    assert qstat.ending(status, output) == (cause, f"{words} ({resource})")
    assert qstat.killed(qstat.KILLED.search(output)) == qstat.ending(status, output)
    # Without that text all that is known is the signal.
    assert qstat.ending(status, "line of the job\n") == (Cause.SIGNAL, "it was killed by signal 15")


def test_what_qstat_tells_comes_before_what_was_written():
    """The text is the only source of old versions; new ones tell also how much was used."""
    output = "=>> PBS: job killed: walltime 12 exceeded limit 10\n"
    status = Status("F", -29, 93, "", "00:00:12")
    assert qstat.ending(status, output) == (Cause.WALLTIME, "its walltime was over (00:00:12 used)")
    status = Status("F", 271, 93, "and exceeded resource mem", "00:00:12", "300kb")
    assert qstat.ending(status, output) == (Cause.MEMORY, f"{MORE_MEMORY} (300kb used)")
    # A qdel of what PBS was killing at that moment.
    assert qstat.ending(Status("F", 271, 91), output)[0] is Cause.WALLTIME


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job killed: walltime 12 exceeded limit 10",
        "=>> PBS: job killed: node 3 requested job terminate",
        "=>> PBS: job killed: walltimes",
    ],
)
def test_not_written_by_pbs_or_of_no_limit(text):
    assert qstat.KILLED.search(text) is None
    assert qstat.ending(Status("F", 271, 91), text)[0] is Cause.DELETED


@pytest.mark.parametrize(
    ("status", "cause", "words"),
    [
        (Status("F", -29, 93), Cause.WALLTIME, "its walltime was over"),
        (Status("F", -27, 93), Cause.MEMORY, MORE_MEMORY),
        (
            Status("F", 271, 93, "and exceeded resource cput"),
            Cause.PBS,
            "it used more cput than it had asked for",
        ),
        (Status("F", 137, 93), Cause.SIGNAL, "signal 9; the kernel kills so when memory is short"),
        (Status("F", 139, 93), Cause.SIGNAL, "it was killed by signal 11"),
        (Status("F", 143, 93), Cause.SIGNAL, "it was killed by signal 15"),
        (Status("F", 265, 93), Cause.SIGNAL, "signal 9; the kernel kills so when memory is short"),
        (Status("F", -4, 93), Cause.PBS, "PBS gave it up (Exit_status -4: no comment)"),
        (Status("F", -3, 93, "no node"), Cause.PBS, "PBS gave it up (Exit_status -3: no node)"),
        (Status("F", None, 92), Cause.UNKNOWN, "PBS tells of no exit status"),
        (Status("F", 128, 93), Cause.EXITED, "it ended with exit code 128"),
    ],
)
def test_other_ends(status, cause, words):
    found = qstat.ending(status)
    assert found[0] is cause
    assert found[1].endswith(words)
