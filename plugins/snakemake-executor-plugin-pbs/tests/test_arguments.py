"""The arguments of qsub, as text."""

import shlex

import pytest
from snakemake_executor_plugin_pbs import ExecutorSettings, qsub
from snakemake_executor_plugin_pbs.request import PackRequest, Request, clock

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
