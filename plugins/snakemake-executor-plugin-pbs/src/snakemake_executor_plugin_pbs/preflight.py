"""What can be found out before the first submission: resources that PBS cannot be asked for, and
packs that their queue would refuse."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from snakemake_interface_common.exceptions import ApiError, WorkflowError
from snakemake_interface_executor_plugins.settings import SharedFSUsage

from . import commands, site
from .queues import Queue, objections, that_fit
from .request import PackRequest, Request
from .resources import READ, refuse_unknown
from .settings import ExecutorSettings


@contextmanager
def without_traceback() -> Iterator[None]:
    """Turn a WorkflowError into an ApiError: below the former Snakemake prints lines of our code,
    which tell a user nothing."""
    try:
        yield
    except WorkflowError as refusal:
        raise ApiError(str(refusal)) from None


def refuse_site() -> None:
    """Check the commands on PATH.

    Raises
    ------
    WorkflowError
        They are not there, or not those of PBS.
    """
    if missing := commands.missing():
        raise WorkflowError(
            f"{' and '.join(missing)} not found. Start snakemake on a machine that can submit to "
            "PBS (a login node), or run the jobs on this one:  --executor local --cores all"
        )
    if refusal := site.batch_system(site.version()).refusal:
        raise WorkflowError(refusal)


def refuse_unshared(shared: Iterable[SharedFSUsage]) -> None:
    """PBS jobs read and write the very files of the main process.

    Raises
    ------
    WorkflowError
        Snakemake was told that they cannot.
    """
    if missing := sorted(one.item_to_choice() for one in SharedFSUsage.all() - set(shared)):
        raise WorkflowError(
            "The executor pbs needs a file system that all nodes share, and shared-fs-usage "
            f"leaves out: {', '.join(missing)}. Remove the key shared-fs-usage"
        )


def one_of_each_rule(jobs: Iterable[Any]) -> Iterable[tuple[Any, int]]:
    """A job of each rule that is submitted, with the number of its jobs."""
    first: dict[str, Any] = {}
    count: Counter[str] = Counter()
    for job in jobs:
        if not job.is_local and not job.is_group():
            first.setdefault(job.rule.name, job)
            count[job.rule.name] += 1
    return [(job, count[name]) for name, job in first.items()]


def not_asked(jobs: Iterable[Any]) -> str:
    """A sentence on rules with ``disk_mb``, for which PBS has no general word; empty without any.

    They run all the same: most sites have room enough, and workflows of others set it.
    """
    rules = [
        job.rule.name
        for job, _ in one_of_each_rule(jobs)
        if job.resources.get("disk_mb") and not job.resources.get("constraint")
    ]
    if not rules:
        return ""
    return (
        f"PBS is not asked for the disk_mb of {', '.join(rules)}: each site names disk space "
        "differently. Write what yours calls it, for example: constraint='scratch_local=10gb'"
    )


def check(
    jobs: Iterable[Any],
    request: Callable[[Any], Request],
    queues: Mapping[str, Queue],
    settings: ExecutorSettings,
) -> None:
    """Check what a run is going to ask for, by one job of each rule.

    ``request`` reads the resources of a job, and raises WorkflowError for what cannot be asked for.

    Raises
    ------
    WorkflowError
        PBS would refuse the jobs of a rule; the text says which, why, and what to change.
    """
    problems = []
    for job, count in one_of_each_rule(jobs):
        known = dict(job.resources)
        if any(_is_unknown(known.get(name)) for name in READ):
            # Computed from a file that is not made yet.
            continue
        refuse_unknown(job.rule.name, known)
        try:
            asked = request(job)
        except WorkflowError:
            # Perhaps a value of this one job, which then fails alone.
            continue
        size = 1 if asked.alone else min(count, settings.pack_size)
        pack = PackRequest.of(asked, size, settings)
        found = objections(pack, queues)
        problems += [
            f"rule {asked.rule}: {why}{_advice(asked, pack, size, settings, queues)}"
            for why in found
        ]
    if problems:
        raise WorkflowError("PBS would not take these jobs:\n" + "\n".join(problems))


def _is_unknown(value: Any) -> bool:
    """Snakemake's placeholder."""
    return type(value).__name__ == "TBDString" or str(value) == "<TBD>"


def _advice(
    asked: Request,
    pack: PackRequest,
    size: int,
    settings: ExecutorSettings,
    queues: Mapping[str, Queue],
) -> str:
    lines = []
    smaller = next(
        (
            n
            for n in range(size - 1, 0, -1)
            if not objections(PackRequest.of(asked, n, settings), queues)
        ),
        None,
    )
    if smaller:
        lines.append(f"smaller packs fit:  --pbs-pack-size {smaller}")
    if settings.pack_cores and objections(pack, queues):
        fewer = replace(settings, pack_cores=asked.threads)
        if not objections(PackRequest.of(asked, 1, fewer), queues):
            lines.append(f"fewer cores fit:  --pbs-pack-cores {asked.threads}")
    if others := that_fit(pack, queues):
        lines.append(f"queues that would take it: {', '.join(others)}")
    return "".join(f"\n    {line}" for line in lines)
