"""What the answers of qsub mean.

The observed texts are in ../shared; where that is absent, those tests are skipped.
"""

import pytest
from processes import observed_pbs
from snakemake_executor_plugin_pbs.qsub import Later, Refused, Unclear, printed_id

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
