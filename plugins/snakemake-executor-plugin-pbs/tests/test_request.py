"""What is asked of PBS: resources and settings of jobs become a request for a pack of them."""

import math

import pytest
from snakemake_executor_plugin_pbs import ExecutorSettings
from snakemake_executor_plugin_pbs.request import OWN_MB, PackRequest, Request
from snakemake_interface_common.exceptions import WorkflowError


def of(resources=None, settings=None, threads=1, **more):
    return Request.of(
        "convert", 1, threads, resources or {}, settings or ExecutorSettings(), **more
    )


def pack(count, threads=1, alone=None, mem_mb=None, runtime=None, **settings):
    job = Request("convert", threads=threads, mem_mb=mem_mb, runtime=runtime, alone=alone)
    return PackRequest.of(job, count, ExecutorSettings(**settings))


# -- one job ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["queue", "account", "project"])
def test_resources_come_before_settings(key):
    settings = ExecutorSettings(**{key: "sea"})
    found = [
        getattr(of(resources, settings), key)
        for resources in ({}, {f"pbs_{key}": "wind"}, {f"pbs_{key}": ""})
    ]
    assert found == ["sea", "wind", None]


def test_extra_of_resources_comes_before_that_of_settings():
    settings = ExecutorSettings(extra="-l place=excl")
    assert of({}, settings).extra == ("-l", "place=excl")
    assert of({"pbs_extra": "-p 5"}, settings).extra == ("-p", "5")
    assert of({"pbs_extra": ""}, settings).extra == ()


@pytest.mark.parametrize("name", ["mem_mb", "runtime"])
@pytest.mark.parametrize(
    ("value", "asked"),
    [(None, None), (1, 1), (1000, 1000), (1500.2, 1501), (2.0, 2), (0.1, 1), (3e3, 3000)],
)
def test_whole_numbers(name, value, asked):
    found = getattr(of({name: value}), name)
    assert found == asked
    # 2000.0mb would be refused by PBS.
    assert found is None or type(found) is int


@pytest.mark.parametrize(("name", "unit"), [("mem_mb", "megabytes"), ("runtime", "minutes")])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "4 GB", "<TBD>", "", [1]])
def test_no_whole_numbers(name, unit, value):
    with pytest.raises(WorkflowError) as error:
        of({name: value})
    assert str(error.value) == (
        f"rule convert: {name}: {value!r} is no number of {unit} that can be asked for. "
        f"Write for example: {name}=1000"
    )


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("-l place=excl", ("-l", "place=excl")),
        ("  -p 5   -W umask=022 ", ("-p", "5", "-W", "umask=022")),
        ("-M 'a b@c.fr'", ("-M", "a b@c.fr")),
    ],
)
def test_extra_is_read_as_a_shell_does(written, words):
    assert of({"pbs_extra": written}).extra == words


@pytest.mark.parametrize("where", ["resource", "setting"])
def test_extra_that_no_shell_could_read(where):
    wrong = "-W 'umask"
    settings = ExecutorSettings(extra=wrong if where == "setting" else None)
    with pytest.raises(WorkflowError) as error:
        of({"pbs_extra": wrong} if where == "resource" else {}, settings)
    assert 'rule convert: pbs_extra: "-W \'umask" is no list of arguments' in str(error.value)


def test_jobs_that_ask_for_the_same_are_equal():
    resources = {"mem_mb": 2000, "runtime": 10.0, "pbs_extra": "-p 5", "_cores": 1, "disk_mb": 7}
    other = {"mem_mb": 2000.0, "runtime": 10, "pbs_extra": "-p  5", "tmpdir": "/elsewhere"}
    assert of(resources) == of(other)
    assert len({of(resources), of(other)}) == 1


@pytest.mark.parametrize(
    "different",
    [
        {"rule": "other"},
        {"attempt": 2},
        {"threads": 2},
        {"resources": {"mem_mb": 2}},
        {"resources": {"pbs_queue": "omp"}},
        {"alone": "group 1"},
    ],
)
def test_jobs_that_ask_for_something_else_differ(different):
    plain = {"rule": "a", "attempt": 1, "threads": 1, "resources": {"mem_mb": 1}}
    settings = ExecutorSettings()
    assert Request.of(settings=settings, **plain) == Request.of(settings=settings, **plain)
    other = {**plain, **different}
    assert Request.of(settings=settings, **plain) != Request.of(settings=settings, **other)


# -- a pack of them --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "threads", "cores", "slots", "rounds"),
    [
        (1, 1, None, 1, 1),
        (40, 1, None, 1, 40),
        (40, 4, None, 1, 40),
        (40, 4, 28, 7, 6),
        (28, 4, 28, 7, 4),
        (3, 4, 28, 3, 1),  # the last ones: fewer than there is room for
        (8, 4, 28, 7, 2),
        (40, 5, 28, 5, 8),  # three cores would be idle, so they are not asked for
        (4, 28, 28, 1, 4),
        (4, 32, 28, 1, 4),  # more threads than pack_cores: still what the job asks for
        (1, 1, 28, 1, 1),
    ],
)
def test_slots_and_rounds(count, threads, cores, slots, rounds):
    found = pack(count, threads, mem_mb=1500, runtime=25, pack_cores=cores)
    assert found.slots == slots
    assert found.ncpus == slots * threads
    assert found.mem_mb == slots * 1500 + OWN_MB
    assert found.walltime == rounds * 25


@pytest.mark.parametrize(
    ("count", "threads", "cores", "alone", "ncpus"),
    [
        (28, 1, 28, None, 28),
        (3, 1, 28, None, 28),
        (3, 5, 28, None, 28),
        (2, 32, 28, None, 32),
        (2, 4, None, None, 4),
        (1, 4, 28, "group 7", 4),  # it holds what no pack has, and is sized by itself
    ],
)
def test_whole_nodes(count, threads, cores, alone, ncpus):
    found = pack(count, threads, alone, mem_mb=100, pack_cores=cores, whole_nodes=True)
    assert found.ncpus == ncpus
    # Memory is that of the jobs that run, not of the idle cores.
    assert found.mem_mb == found.slots * 100 + OWN_MB


@pytest.mark.parametrize(
    ("count", "resources", "cores", "words"),
    [
        (1, {}, None, "1 core"),
        (4, {"mem_mb": 500}, 4, "4 cores, 2300 MB"),
        (9, {"runtime": 45}, 4, "4 cores, walltime 2:15:00"),
        (1, {"gpu": 1}, None, "1 core, 1 GPU"),
        (1, {"tasks": 56, "nodes": 2}, None, "56 cores on 2 nodes"),
        (1, {"tasks": 2, "nodes": 1, "mem_mb": 5}, None, "2 cores on 1 node, 305 MB"),
    ],
)
def test_in_words(count, resources, cores, words):
    settings = ExecutorSettings(pack_cores=cores)
    assert str(PackRequest.of(of(resources), count, settings)) == words


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("pack_size", 0, 1),
        ("pack_size", -3, 1),
        ("pack_cores", 0, 1),
        ("pack_wait", -1, 0),
        ("max_jobs", 0, 1),
    ],
)
def test_settings_that_make_no_sense(name, value, least):
    option = "pbs-" + name.replace("_", "-")
    with pytest.raises(WorkflowError) as error:
        ExecutorSettings(**{name: value})
    assert str(error.value) == (
        f"{option}: {value} is less than {least}. Write for example: {option}: {least}"
    )
    ExecutorSettings(**{name: least})
