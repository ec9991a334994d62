"""What qsub is told, and what its answers mean.

The observed texts are in ../shared; where that is absent, those tests are skipped.
"""

import shlex

import pytest
from processes import observed_pbs
from snakemake_executor_plugin_pbs import ExecutorSettings, qsub
from snakemake_executor_plugin_pbs.qsub import Later, Refused, Unclear, printed_id
from snakemake_executor_plugin_pbs.request import PackRequest, Request, clock

OBSERVED = observed_pbs() / "observed"

needs_observed = pytest.mark.skipif(not OBSERVED.is_dir(), reason="no observed PBS in ../shared")


QUEUES = "Which queues there are:  qstat -Q\n    set it:  pbs-queue: NAME"
LESS = "ask for less: pbs-pack-size (walltime), pbs-pack-cores (cores, memory)"
EXTRA = "The site has no such resource or value"

#: Of each observed refusal: its reason as the user reads it, and the advice that follows.
QSUB = {
    "qsub_unknown_queue": ("Unknown queue (exit code 170)", QUEUES),
    "qsub_over_limit": ("Job violates queue and/or server resource limits (exit code 188)", LESS),
    "qsub_walltime_over": (
        "Job violates queue and/or server resource limits (exit code 188)",
        LESS,
    ),
    "qsub_bad_mem": ("Illegal attribute or resource value select.mem (exit code 166)", EXTRA),
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
@pytest.mark.parametrize("name", QSUB)
def test_observed_refusals(name):
    error, code = (OBSERVED / f"{name}.err").read_text().rsplit("rc=", 1)
    reason, advice = QSUB[name]
    with pytest.raises(Refused) as refusal:
        printed_id(int(code), (OBSERVED / f"{name}.out").read_text(), error)
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
        printed_id(1, "", f"{error}\n")
    assert advice in str(refusal.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (38, "qsub: would exceed queue generic's per-user limit of jobs in 'Q' state"),
        (1, "qsub: Maximum number of jobs already in queue"),
        (1, "qsub: Maximum number of jobs already in queue MSG=x"),
    ],
)
def test_a_limit_is_usual(code, error):
    """It is what keeps jobs waiting where a site lets a user have few of them in the queue."""
    with pytest.raises(Later) as later:
        printed_id(code, "", error)
    assert str(later.value) == f"a limit of the queue is reached ({error})"
    assert later.value.is_usual


@pytest.mark.parametrize(
    ("code", "error", "why"),
    [
        (
            173,
            "qsub: Queue is not enabled\n",
            "the queue takes no jobs at present (qsub: Queue is not enabled)",
        ),
        (
            1,
            "qsub: Queue is not enabled MSG=queue is disabled",
            "the queue takes no jobs at present (qsub: Queue is not enabled MSG=",
        ),
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
    with pytest.raises(Later) as later:
        printed_id(code, "", error)
    assert str(later.value).startswith(why)
    assert not later.value.is_usual


def test_only_the_first_line_is_the_reason():
    """Of wrong options PBS tells all that it knows."""
    with pytest.raises(Refused, match="Unknown queue"):
        printed_id(170, "", "\nqsub: Unknown queue\nothers: omp, mpi_1 (not enabled)\n")


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
        printed_id(code, out, error)


@pytest.mark.parametrize("code", [1, 13, 57, 104, 163, 171, 183, 185, 196, 212])
def test_only_what_is_known_to_be_permanent_refuses(code):
    """A server that restarts, a network, a full /tmp: it is waited for."""
    with pytest.raises(Unclear, match=f"exit code {code} and without a job id"):
        printed_id(code, "", "qsub: Server is shutting down\n")


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
    assert printed_id(0, out, "some warning\n") == job_id


# -- what it is told ------------------------------------------------------------------------

SELECT = "-l select=1:ncpus=1"


def arguments(resources=None, count=1, threads=1, umask="022", **settings):
    """Those of qsub that depend on what is asked for."""
    settings = ExecutorSettings(**settings)
    job = Request.of("convert", 1, threads, resources or {}, settings)
    asked = PackRequest.of(job, count, settings)
    found = qsub.arguments(asked, "name", "logs/o", "/s", umask)
    fixed = ["-N", "name", "-S", "/bin/bash", "-r", "n", "-m", "n", "-j", "oe", "-o", "logs/o"]
    fixed += ["-W", f"umask={umask}"]
    assert found[: len(fixed)] == fixed
    assert found[-1] == "/s"
    return found[len(fixed) : -1]


# -- what is asked for -----------------------------------------------------------------------


def test_what_is_not_said_is_not_asked_for():
    assert arguments() == ["-l", "select=1:ncpus=1"]


@pytest.mark.parametrize(
    ("resources", "more", "expected"),
    [
        ({"mem_mb": 2000, "runtime": 90}, {}, f"{SELECT}:mem=2300mb -l walltime=1:30:00"),
        (
            {"mem_mb": 1499.5, "runtime": 0.5, "pbs_queue": "omp", "pbs_account": "sea"},
            {"threads": 4, "count": 40, "pack_cores": 28},
            "-q omp -A sea -l select=1:ncpus=28:mem=10800mb -l walltime=0:06:00",
        ),
        ({}, {"queue": "omp"}, f"-q omp {SELECT}"),
        ({"pbs_extra": "-l place=excl -p 5"}, {}, f"{SELECT} -l place=excl -p 5"),
        ({"pbs_extra": "-M 'a b'"}, {}, f"{SELECT} -M 'a b'"),
        # A select of one's own is all there is of it: PBS takes one.
        (
            {"pbs_extra": "-l select=2:ncpus=14:mem=9gb", "mem_mb": 100, "runtime": 5},
            {},
            "-l walltime=0:05:00 -l select=2:ncpus=14:mem=9gb",
        ),
        (
            {"pbs_extra": "-lwalltime=3:00:00", "mem_mb": 100, "runtime": 5},
            {},
            f"{SELECT}:mem=400mb -lwalltime=3:00:00",
        ),
        (
            {"pbs_extra": "-l select=1:ncpus=2,walltime=60", "mem_mb": 100, "runtime": 5},
            {},
            "-l select=1:ncpus=2,walltime=60",
        ),
    ],
)
def test_arguments(resources, more, expected):
    assert arguments(resources, **more) == shlex.split(expected)


def test_a_umask_of_ones_own_comes_last():
    """As all that is asked for with pbs_extra; before it that of here: with that of PBS nobody else
    could read what is made."""
    own = arguments({"pbs_extra": "-W umask=007"}, umask="077")
    assert own == ["-l", "select=1:ncpus=1", "-W", "umask=007"]


@pytest.mark.parametrize(
    ("minutes", "text"), [(59, "0:59:00"), (60, "1:00:00"), (6001, "100:01:00")]
)
def test_clock(minutes, text):
    assert clock(minutes) == text


# -- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "number", "name"),
    [
        ("convert", 1, "convert-k3x-1"),
        ("convert_to_l1b", 1, "convert_t-k3x-1"),
        ("convert_to_l1b", 99999, "conve-k3x-99999"),
        ("a" * 60, 123_456, "aaaa-k3x-123456"),
        ("1to2", 1, "r1to2-k3x-1"),
        ("_hidden", 1, "r_hidden-k3x-1"),
        ("été", 1, "r_t_-k3x-1"),  # ASCII only, with a letter to begin with
        ("\u0661", 1, "r_-k3x-1"),
        ("a b/c.d:e", 12, "a_b_c_d_-k3x-12"),
        ("a-b", 1, "a_b-k3x-1"),
        ("", 1, "job-k3x-1"),
        ("x", 1, "x-k3x-1"),
    ],
)
def test_name(rule, number, name):
    """At most 15 letters, digits, - and _: PBS takes no others."""
    assert qsub.job_name(rule, "k3x", number) == name
