"""From Snakemake's resources to what is asked of PBS.

====================  ==============================  =====================================
resource              of one job                      of a pack of n jobs, s of them at a time
====================  ==============================  =====================================
threads               ``select=1:ncpus=THREADS``      times s
mem_mb                ``mem=...mb`` in that chunk     the largest of the pack, times s
                      and `OWN_MB` more               and `OWN_MB` more
mem_mb_per_cpu        the same, times threads         the same
gpu                   ``ngpus=...`` in that chunk     one job at a time
tasks, nodes          one chunk a node, or a task     one job at a time
constraint            added to each chunk             the same
runtime               ``walltime`` (minutes)          times the rounds, n / s rounded up
pbs_queue             ``-q``                          the same
reservation           ``-q``, its queue               the same
pbs_account           ``-A``                          the same
pbs_project           ``-P``                          the same
pbs_extra             more arguments, as in a shell   the same
====================  ==============================  =====================================

What is not set is not asked for. ``mem`` goes into ``select`` and never beside it: PBS refuses
both (exit code 5). Only whole numbers are written: ``mem=1.5gb`` is refused (166), and a bare
``walltime=90`` would be seconds.
"""

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError

from .resources import refuse_unknown, size_class, whole
from .settings import ExecutorSettings

#: Megabytes for the Snakemake that runs the jobs of a PBS job, and for who watches it: PBS counts
#: their memory too, and ends the PBS job where that is more than was asked for.
OWN_MB = 300

_OWN_SELECT = re.compile(r"(?:^|[\s,])select=")
_OWN_WALLTIME = re.compile(r"(?<!min_)(?<!max_)walltime=")


@dataclass(frozen=True)
class Request:
    """What one job asks for. Jobs whose requests are equal are packed together.

    ``mem_mb`` and ``runtime`` (minutes) of equal requests may differ within their class:
    :func:`widest` is what a pack of them asks for. ``alone`` keeps a job out of packs: it holds
    something that no other job has. ``tasks`` are processes of MPI, each of ``threads`` cores.
    """

    rule: str
    attempt: int = 1
    threads: int = 1
    mem_mb: int | None = field(default=None, compare=False)
    runtime: int | None = field(default=None, compare=False)
    queue: str | None = None
    account: str | None = None
    extra: tuple[str, ...] = ()
    alone: str | None = None
    project: str | None = None
    gpus: int | None = None
    tasks: int | None = None
    nodes: int | None = None
    constraint: str | None = None
    mem_class: int | None = field(init=False, repr=False)
    runtime_class: int | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the classes by which requests are compared."""
        object.__setattr__(self, "mem_class", size_class(self.mem_mb))
        object.__setattr__(self, "runtime_class", size_class(self.runtime))

    @classmethod
    def of(
        cls,
        rule: str,
        attempt: int,
        threads: int,
        resources: Mapping[str, Any],
        settings: ExecutorSettings,
        alone: str | None = None,
        number: int = 0,
    ) -> "Request":
        """Read the resources of a job; the settings stand in for what it does not say.

        ``number`` is Snakemake's number of the job.

        Raises
        ------
        WorkflowError
            A resource is not what it must be, or cannot be asked of PBS.
        """
        refuse_unknown(rule, resources)
        extra = _extra(rule, resources.get("pbs_extra", settings.extra) or "")
        # Sized for one job by its author: nobody knows how many would fit in.
        if _has(_OWN_SELECT, extra) or _has(_OWN_WALLTIME, extra):
            alone = alone or f"job {number}"
        tasks, nodes = _tasks(rule, resources)
        if tasks:
            cores = whole(rule, "cpus_per_task", resources.get("cpus_per_task"))
            threads = cores or threads
        gpus = resources.get("gpu") or None
        return cls(
            rule=rule,
            attempt=attempt,
            threads=whole(rule, "threads", threads) or 1,
            mem_mb=_memory(rule, threads * (tasks or 1), resources),
            runtime=whole(rule, "runtime", resources.get("runtime")),
            queue=_queue(rule, resources, settings),
            account=resources.get("pbs_account", settings.account) or None,
            project=resources.get("pbs_project", settings.project) or None,
            extra=extra,
            alone=alone,
            gpus=_spread(rule, "gpu", whole(rule, "gpu", gpus), nodes or tasks or 1),
            tasks=tasks,
            nodes=nodes,
            constraint=str(resources.get("constraint") or "") or None,
        )

    @property
    def has_own_select(self) -> bool:
        """Whether ``extra`` holds a select, which replaces ours."""
        return _has(_OWN_SELECT, self.extra)

    @property
    def has_own_walltime(self) -> bool:
        """Whether ``extra`` holds a walltime, which replaces ours."""
        return _has(_OWN_WALLTIME, self.extra)

    @property
    def cores(self) -> int:
        """Cores of the whole job."""
        return self.threads * (self.tasks or 1)


def widest(requests: Sequence[Request]) -> Request:
    """What a pack of jobs with equal requests has to ask for of each."""
    return replace(
        requests[0],
        mem_mb=max((r.mem_mb for r in requests if r.mem_mb), default=None),
        runtime=max((r.runtime for r in requests if r.runtime), default=None),
    )


def _has(option: re.Pattern[str], extra: Sequence[str]) -> bool:
    return option.search(" ".join(extra)) is not None


def _extra(rule: str, text: Any) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(str(text)))
    except ValueError as error:
        raise WorkflowError(
            f"rule {rule}: pbs_extra: {text!r} is no list of arguments ({error}). "
            "Write for example: pbs_extra='-l place=excl'"
        ) from None


def _tasks(rule: str, resources: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Processes of MPI and nodes; neither for a job without MPI."""
    tasks = whole(rule, "tasks", resources.get("tasks"))
    nodes = whole(rule, "nodes", resources.get("nodes"))
    if not resources.get("mpi") and (tasks or 1) == 1 and (nodes or 1) == 1:
        return None, None
    tasks = tasks or nodes or 1
    _spread(rule, "tasks", tasks, nodes or 1)
    return tasks, nodes


def _spread(rule: str, name: str, value: int | None, chunks: int) -> int | None:
    """Check that a number is spread evenly, for each chunk of a PBS job is like the others."""
    if value and value % chunks:
        raise WorkflowError(
            f"rule {rule}: {name}={value} cannot be spread evenly over {chunks} nodes or tasks. "
            f"Write for example: {name}={math.ceil(value / chunks) * chunks}"
        )
    return value


def _memory(rule: str, cores: int, resources: Mapping[str, Any]) -> int | None:
    """Memory of a job in MB. Memory a core comes first: the other may be a default of all rules."""
    per_core = resources.get("mem_mb_per_cpu")
    if per_core is not None:
        return (whole(rule, "mem_mb_per_cpu", per_core) or 0) * cores
    return whole(rule, "mem_mb", resources.get("mem_mb"))


def _queue(rule: str, resources: Mapping[str, Any], settings: ExecutorSettings) -> str | None:
    """The queue; a reservation of PBS is one, named as its id without the server."""
    reservation = str(resources.get("reservation") or "").split(".")[0]
    if reservation and resources.get("pbs_queue"):
        raise WorkflowError(
            f"rule {rule}: reservation and pbs_queue exclude each other: a reservation has its own "
            "queue. Remove pbs_queue"
        )
    return reservation or resources.get("pbs_queue", settings.queue) or None


@dataclass(frozen=True)
class PackRequest:
    """What a PBS job asks for: ``ncpus``, ``mem_mb`` (both of the whole), ``walltime`` (minutes).

    ``slots`` of its jobs run at a time.
    """

    job: Request
    slots: int
    ncpus: int
    mem_mb: int | None
    walltime: int | None

    @classmethod
    def of(cls, job: Request, count: int, settings: ExecutorSettings) -> "PackRequest":
        """What a pack of ``count`` such jobs asks for."""
        fits = max(1, (settings.pack_cores or job.threads) // job.threads)
        # Who shares a GPU, or the nodes of an MPI job, nobody could tell.
        is_whole = bool(job.tasks or job.gpus or job.alone)
        slots = 1 if is_whole else min(fits, count)
        ncpus = slots * job.cores
        if settings.whole_nodes and not job.alone and not job.tasks:
            ncpus = max(ncpus, settings.pack_cores or 1)
        rounds = math.ceil(count / slots)
        return cls(
            job=job,
            slots=slots,
            ncpus=ncpus,
            mem_mb=job.mem_mb and job.mem_mb * slots + OWN_MB,
            walltime=job.runtime and job.runtime * rounds,
        )

    @property
    def chunks(self) -> int:
        """Parts of equal size, each on one node: the nodes or the processes of an MPI job."""
        return self.job.nodes or self.job.tasks or 1

    @property
    def select(self) -> str:
        """The resource ``select`` of PBS."""
        job, chunks = self.job, self.chunks
        parts = [f"{chunks}:ncpus={self.ncpus // chunks}"]
        if job.tasks:
            parts.append(f"mpiprocs={job.tasks // chunks}:ompthreads={job.threads}")
        if self.mem_mb:
            parts.append(f"mem={math.ceil(self.mem_mb / chunks)}mb")
        if job.gpus:
            parts.append(f"ngpus={job.gpus // chunks}")
        if job.constraint:
            parts.append(job.constraint)
        return ":".join(parts)

    def __str__(self) -> str:
        """In words, for messages."""
        parts = [f"{self.ncpus} core{'s' if self.ncpus > 1 else ''}"]
        if self.job.nodes:
            parts[0] += f" on {self.job.nodes} node{'s' if self.job.nodes > 1 else ''}"
        if self.mem_mb:
            parts.append(f"{self.mem_mb} MB")
        if self.job.gpus:
            parts.append(f"{self.job.gpus} GPU{'s' if self.job.gpus > 1 else ''}")
        if self.walltime:
            parts.append(f"walltime {clock(self.walltime)}")
        return ", ".join(parts)


def clock(minutes: int) -> str:
    """Minutes as PBS wants them: ``4:00:00``."""
    return f"{minutes // 60}:{minutes % 60:02d}:00"
