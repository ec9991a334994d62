"""Resources of other executors' workflows: asked of PBS, or refused before the run."""

import pytest
from snakemake_executor_plugin_pbs import ExecutorSettings, qsub
from snakemake_executor_plugin_pbs.request import (
    PackRequest,
    Request,
    widest,
)
from snakemake_interface_common.exceptions import WorkflowError


def of(resources, threads=1, number=0, **settings):
    return Request.of("a", 1, threads, resources, ExecutorSettings(**settings), number=number)


def asked(resources, threads=1, count=1, **settings):
    return PackRequest.of(of(resources, threads), count, ExecutorSettings(**settings))


def arguments(resources, threads=1, count=1, **settings):
    return qsub.arguments(asked(resources, threads, count, **settings), "a", "o", "job.sh", "022")


@pytest.mark.parametrize(
    ("resources", "threads", "select"),
    [
        ({"gpu": 2, "mem_mb": 8000}, 4, "1:ncpus=4:mem=8300mb:ngpus=2"),
        ({"gpu": 0}, 1, "1:ncpus=1"),
        ({"mem_mb_per_cpu": 1800, "mem_mb": 1000}, 4, "1:ncpus=4:mem=7500mb"),
        ({"constraint": "scratch_local=10gb:cpu_type=xeon"}, 2,
         "1:ncpus=2:scratch_local=10gb:cpu_type=xeon"),
        # MPI: a chunk a task where nothing is said of nodes, so that PBS may place them anywhere.
        ({"mpi": "mpiexec", "tasks": 56}, 1, "56:ncpus=1:mpiprocs=1:ompthreads=1"),
        ({"mpi": "mpiexec", "tasks": 56, "nodes": 2}, 1,
         "2:ncpus=28:mpiprocs=28:ompthreads=1"),
        ({"mpi": "mpiexec", "tasks": 8, "nodes": 2, "mem_mb": 9001}, 3,
         "2:ncpus=12:mpiprocs=4:ompthreads=3:mem=4651mb"),
        ({"mpi": "mpiexec", "tasks": 4, "cpus_per_task": 7, "mem_mb_per_cpu": 10}, 1,
         "4:ncpus=7:mpiprocs=1:ompthreads=7:mem=145mb"),
        ({"mpi": "mpiexec", "tasks": 4, "nodes": 2, "gpu": 4}, 1,
         "2:ncpus=2:mpiprocs=2:ompthreads=1:ngpus=2"),
        ({"mpi": "mpiexec"}, 2, "1:ncpus=2:mpiprocs=1:ompthreads=2"),
        ({"nodes": 1, "tasks": 1}, 2, "1:ncpus=2"),
    ],
)  # fmt: skip
def test_select(resources, threads, select):
    assert asked(resources, threads).select == select
    assert f"select={select}" in arguments(resources, threads)


def test_nodes_are_different_nodes():
    assert "place=scatter" in arguments({"tasks": 4, "nodes": 2})
    assert "place=scatter" not in arguments({"tasks": 4})
    own = arguments({"tasks": 4, "nodes": 2, "pbs_extra": "-l place=scatter:excl"})
    assert [one for one in own if "place" in one] == ["place=scatter:excl"]


@pytest.mark.parametrize("name", ["gpu_model", "tasks_per_node", "qos", "clusters", "gres"])
def test_what_pbs_has_no_word_for_is_refused(name):
    with pytest.raises(WorkflowError, match=f"rule a: resource {name} cannot be asked of PBS. .*"
                       f"--set-resources a:{name}"):  # fmt: skip
        of({name: "x"})
    assert of({name: ""}) == of({})


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"tasks": 57, "nodes": 2}, "tasks=57 cannot be spread evenly over 2 .*tasks=58"),
        ({"tasks": 4, "nodes": 4, "gpu": 2}, "gpu=2 cannot be spread evenly over 4 .*gpu=4"),
        ({"tasks": 0}, "tasks: 0 is no number"),
        ({"gpu": "two"}, "gpu: 'two' is no number"),
        ({"mem_mb_per_cpu": -1}, "mem_mb_per_cpu: -1 is no number of megabytes"),
        ({"reservation": "R7.s", "pbs_queue": "omp"}, "reservation and pbs_queue exclude"),
    ],
)
def test_what_makes_no_sense_is_refused(resources, why):
    with pytest.raises(WorkflowError, match=why):
        of(resources)


def test_a_reservation_is_a_queue():
    assert of({"reservation": "R42.server"}, queue="omp").queue == "R42"


# -- packs -----------------------------------------------------------------------------------


def test_sizes_of_one_class_are_packed_and_the_largest_is_asked_for():
    sizes = [1100, 1300, 1200]
    requests = [of({"mem_mb": size, "runtime": 10}) for size in sizes]
    assert len(set(requests)) == 1
    assert widest(requests).mem_mb == 1300
    assert PackRequest.of(widest(requests), 3, ExecutorSettings(pack_cores=3)).mem_mb == 4200


def test_sizes_that_are_far_apart_are_not_packed():
    assert of({"mem_mb": 1000}) != of({"mem_mb": 1500})
    assert of({"runtime": 10}) != of({"runtime": 20})
    assert of({"mem_mb": 1}) != of({})


@pytest.mark.parametrize(
    "resources", [{"gpu": 1}, {"tasks": 4}, {"pbs_extra": "-l select=2:ncpus=28"}]
)
def test_what_cannot_be_shared_out_runs_one_job_at_a_time(resources):
    assert asked(resources, count=5, pack_cores=28).slots == 1


@pytest.mark.parametrize("extra", ["-l select=2:ncpus=28", "-l walltime=3:00:00"])
def test_an_own_size_is_for_one_job(extra):
    assert of({"pbs_extra": extra}, number=1) != of({"pbs_extra": extra}, number=2)
    assert of({"pbs_extra": extra}, number=1).alone


def test_prefix_of_names():
    assert qsub.job_name("convert", "abc", 1, "l1b_") == "l1b_conve-abc-1"
