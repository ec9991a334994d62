"""Settings of Snakemake's scheduler that are named because they cost too much."""

import sys
from types import SimpleNamespace

import pytest
from snakemake.settings.types import MaxJobsPerTimespan
from snakemake_executor_plugin_pbs.scheduling import MANY, advice, shrink


def workflow(count=MANY, jobs=1_000_000, limit="1000000/1s", subsample=500):
    return SimpleNamespace(
        dag=SimpleNamespace(needrun_jobs=lambda: iter(range(count))),
        resource_settings=SimpleNamespace(nodes=jobs),
        scheduling_settings=SimpleNamespace(
            max_jobs_per_timespan=limit and MaxJobsPerTimespan.parse_choice(limit),
            subsample=subsample,
        ),
    )


@pytest.mark.parametrize("limit", ["1000000/1s", "2000/1s", None])
def test_settings_of_the_profile_are_not_named(limit):
    assert list(advice(workflow(limit=limit, jobs=MANY))) == []


def test_few_jobs_cost_little_with_any_settings():
    assert list(advice(workflow(MANY - 1, jobs=1, limit="1/1s", subsample=None))) == []


@pytest.mark.parametrize(
    ("settings", "found", "write"),
    [
        ({"jobs": 1999}, "jobs: 1999 holds ready jobs back", "jobs: 1000000"),
        ({"limit": "100/1s"}, "100/1s holds ready jobs back", "max-jobs-per-timespan: 1000000/1s"),
        ({"limit": "50/1m"}, "50/60s holds ready jobs back", "max-jobs-per-timespan: 1000000/1s"),
        ({"subsample": None}, "looks at all ready jobs", "scheduler-subsample: 500"),
    ],
)
def test_each_setting_that_costs_is_named_with_what_to_write(settings, found, write):
    (sentence,) = advice(workflow(**settings))
    assert f"with {MANY} jobs" in sentence
    assert found in sentence
    assert f"Write  {write}" in sentence


def test_snakemake_s_own_defaults_cost():
    assert len(list(advice(workflow(jobs=100, limit="100/1s", subsample=None)))) == 3


def test_the_set_of_ready_jobs_gives_its_room_back():
    """Its name is Snakemake's own: where that changes, this fails and nothing else does."""
    import snakemake.cli  # noqa: F401 - the module of the DAG cannot be imported first
    from snakemake.dag import DAG

    assert "_ready_jobs" in DAG.ready_jobs.fget.__code__.co_names
    jobs = set(range(100_000))
    # Handed over in portions, as with scheduler-subsample.
    for first in range(0, 100_000, 500):
        jobs -= set(range(first, first + 500))
    dag = SimpleNamespace(_ready_jobs=jobs)
    before = sys.getsizeof(jobs)
    shrink(SimpleNamespace(dag=dag))
    assert dag._ready_jobs == set()
    assert sys.getsizeof(dag._ready_jobs) < before / 1000
    shrink(SimpleNamespace(dag=SimpleNamespace()))
