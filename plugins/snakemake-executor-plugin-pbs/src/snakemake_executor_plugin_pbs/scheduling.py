"""What makes Snakemake's own scheduler slow with many jobs."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

#: Fewer jobs than these cost little however they are scheduled.
MANY = 2000

#: Jobs that the scheduler looks at in one go.
SUBSAMPLE = 500


def advice(workflow: Any) -> Iterator[str]:
    """Yield a sentence for each setting that costs this workflow dearly, with what to write.

    Snakemake 9.27 looks at all ready jobs whenever it may hand over more. While a limit (``jobs``,
    ``max-jobs-per-timespan``) holds ready jobs back it does so for each job that ends, and for
    each look it sets a timer of its own: the cost is quadratic in the number of jobs.
    """
    count = sum(1 for _ in workflow.dag.needrun_jobs())
    if count < MANY:
        return
    settings = workflow.scheduling_settings
    nodes = workflow.resource_settings.nodes
    limit = settings.max_jobs_per_timespan
    about = f"with {count} jobs Snakemake's scheduler will keep a core busy"
    if nodes is not None and nodes < count:
        yield (
            f"PBS: {about}, because jobs: {nodes} holds ready jobs back. "
            "Write  jobs: 1000000  (pbs-max-jobs limits the PBS jobs)"
        )
    if limit is not None and limit.max_jobs < count:
        yield (
            f"PBS: {about}, because max-jobs-per-timespan: {limit.max_jobs}/{limit.timespan:g}s "
            "holds ready jobs back. Write  max-jobs-per-timespan: 1000000/1s"
        )
    if not settings.subsample:
        yield (
            f"PBS: {about}, because it looks at all ready jobs in one go. "
            f"Write  scheduler-subsample: {SUBSAMPLE}"
        )


def shrink(workflow: Any) -> None:
    """Rebuild Snakemake's set of ready jobs in the size that it needs.

    A set of Python from which little is taken at a time keeps its room. Snakemake goes through this
    one for each job that ends: after 100,000 jobs were handed over, that is half of what the main
    process costs.
    """
    with suppress(AttributeError):
        workflow.dag._ready_jobs = set(workflow.dag._ready_jobs)
