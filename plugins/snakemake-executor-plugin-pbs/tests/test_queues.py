"""What PBS shows of its queues, and what they would refuse."""

import pytest
from snakemake_executor_plugin_pbs import ExecutorSettings, queues
from snakemake_executor_plugin_pbs.queues import Queue, QueueLimits, objections, that_fit
from snakemake_executor_plugin_pbs.request import PackRequest, Request

#: In the form of OpenPBS 23.06, with a line that goes on after a tab.
SHOWN = """\
Queue: sequentiel
    queue_type = Execution
    total_jobs = 0
    state_count = Transit:0 Queued:0 Held:0 Waiting:0 Running:0 Exiting:0 Begun
\t:0 
    resources_max.ncpus = 1
    resources_max.walltime = 36:00:00
    resources_default.mem = 500mb
    enabled = True
    started = True

Queue: big
    queue_type = Execution
    resources_max.mem = 115gb
    resources_max.nodect = 2
    resources_min.ncpus = 28
    resources_min.walltime = 3600
    enabled = True
    started = True
    acl_user_enable = True

Queue: entry
    queue_type = Route
    route_destinations = small,
\tlarge@server
    enabled = True
    started = True

Queue: small
    queue_type = Execution
    resources_max.walltime = 02:00:00
    from_route_only = True
    enabled = True
    started = True

Queue: large
    queue_type = Execution
    resources_max.walltime = 20:00:00
    from_route_only = True
    enabled = True
    started = True

Queue: closed
    queue_type = Execution
    enabled = False
    started = True

"""
KNOWN = queues.parse(SHOWN)


def asked(queue, count=1, **job):
    request = Request("a", queue=queue, **job)
    return PackRequest.of(request, count, ExecutorSettings(pack_cores=28))


def test_queues_are_read():
    assert KNOWN["sequentiel"] == Queue("sequentiel", most=QueueLimits(walltime=36 * 60, ncpus=1))
    big = KNOWN["big"]
    assert (big.most.mem_mb, big.most.nodes) == (115 * 1024, 2)
    assert (big.least.ncpus, big.least.walltime) == (28, 60)
    assert big.is_restricted
    assert KNOWN["entry"].destinations == ("small", "large")
    assert [one.name for one in KNOWN.values() if one.is_open] == ["sequentiel", "big", "entry"]


@pytest.mark.parametrize("text", ["", "qstat: cannot connect", "Queue Max Tot\n----- ---\n"])
def test_what_is_no_such_output_gives_no_queues(text):
    assert queues.parse(text) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [("36:00:00", 2160), ("90", 1.5), ("1:30", 1.5), (None, None), ("never", None)],
)
def test_times(text, found):
    assert queues.minutes(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("115gb", 117760), ("7144kb", 6), ("1048576", 1), ("1mw", 8), ("2TB", 2097152), ("x", None)],
)
def test_sizes(text, found):
    assert queues.megabytes(text) == found


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (asked("sequentiel", threads=2), "cores: 2 is more than the 1 of queue sequentiel"),
        (asked("sequentiel", runtime=2161),
         "walltime 36:01:00 is more than the 36:00:00 of queue sequentiel"),
        (asked("big", threads=28, mem_mb=200_000, runtime=60),
         "memory: 200300 MB is more than the 117760 MB of queue big"),
        (asked("big", threads=1), "cores: 1 is less than the 28 of queue big"),
        (asked("big", threads=28, runtime=59),
         "walltime 0:59:00 is less than the 1:00:00 that queue big asks for"),
        (asked("big", threads=28, tasks=3, nodes=3), "nodes: 3 is more than the 2 of queue big"),
        (asked("nowhere"),
         "there is no queue nowhere. Queues that take jobs: big, entry, sequentiel"),
    ],
)  # fmt: skip
def test_what_a_queue_would_refuse(request_, why):
    assert why in objections(request_, KNOWN)


@pytest.mark.parametrize(
    "request_",
    [
        asked("sequentiel", runtime=2160),
        asked("big", threads=28, runtime=60),
        asked(None, threads=1000),
        asked("far@elsewhere", threads=1000),
        asked("entry", runtime=1200),
        asked("sequentiel", threads=28, extra=("-l", "select=1:ncpus=1")),
    ],
)
def test_what_a_queue_would_take_or_is_not_known(request_):
    assert objections(request_, KNOWN) == []


def test_a_routing_queue_takes_what_one_of_its_destinations_takes():
    assert objections(asked("entry", runtime=180), KNOWN) == []
    assert len(objections(asked("entry", runtime=1201), KNOWN)) == 2


def test_without_any_known_queue_nothing_is_refused():
    assert objections(asked("nowhere"), {}) == []


def test_queues_that_would_take_it():
    assert that_fit(asked("x", threads=1, runtime=60), KNOWN) == ["sequentiel", "entry"]
