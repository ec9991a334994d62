"""Resources of Snakemake that PBS is asked for, and those that cannot be asked for.

A resource that would be ignored silently gives a job that runs elsewhere, smaller or without its
GPU. So each is either honoured (see :mod:`.request`) or refused before the run, with what to write
instead. Words of other executors (``slurm_...``) are theirs and stay unread.
"""

import math
from collections.abc import Mapping
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError

#: Resources that other executors know and PBS has no general word for, and what to write.
_NO_WORD = {
    "gpu_model": "PBS has no general name for it. Write what your site calls it, for example: "
    "constraint='gpu_type=a100'",
    "gpu_manufacturer": "PBS has no general name for it. Write what your site calls it, for "
    "example: constraint='gpu_type=a100'",
    "gres": "PBS has no gres. Write: gpu=1",
    "tasks_per_node": "Write how many nodes the tasks are spread over instead: nodes=2",
    "tasks_per_gpu": "Write how many GPUs the whole job needs instead: gpu=4",
    "cpus_per_gpu": "Write the cores of the job or task instead: threads: 8",
    "qos": "PBS has no qos. Queues serve that purpose: pbs_queue='NAME'",
    "clusters": "One PBS server takes all jobs of a run. Name a queue of another server as "
    "pbs_queue='QUEUE@SERVER'",
}

#: Values of dynamic resources are packed together when they are in the same class: so many classes
#: between a number and its double.
_CLASSES = 2

#: Resources that the executor asks PBS for.
READ = (
    *("mem_mb", "mem_mb_per_cpu", "runtime", "gpu", "tasks", "nodes", "cpus_per_task", "mpi"),
    *("constraint", "reservation", "pbs_queue", "pbs_account", "pbs_project", "pbs_extra"),
)

_UNITS = {
    "threads": "threads",
    "mem_mb": "megabytes",
    "mem_mb_per_cpu": "megabytes",
    "runtime": "minutes",
}


def refuse_unknown(rule: str, resources: Mapping[str, Any]) -> None:
    """Refuse resources that PBS cannot be asked for.

    Raises
    ------
    WorkflowError
        There is one.
    """
    for name, instead in _NO_WORD.items():
        if resources.get(name) not in (None, ""):
            raise WorkflowError(
                f"rule {rule}: resource {name} cannot be asked of PBS. {instead}. "
                f'To run without it:  --set-resources {rule}:{name}=""'
            )


def whole(rule: str, name: str, value: Any) -> int | None:
    """A resource as a positive whole number; None if it is not set.

    Raises
    ------
    WorkflowError
        It is no such number.
    """
    if value is None:
        return None
    # Floats come from arithmetic; Snakemake's placeholder for what is not known yet is a text.
    if isinstance(value, float) and math.isfinite(value):
        value = math.ceil(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        unit = _UNITS.get(name)
        what = f"no number of {unit}" if unit else "no number from 1 on"
        raise WorkflowError(
            f"rule {rule}: {name}: {value!r} is {what} that can be asked for. "
            f"Write for example: {name}={1000 if unit else 1}"
        )
    return value


def size_class(value: int | None) -> int | None:
    """The class of a size: the least power of 2**(1/2) that is not smaller."""
    return value and math.ceil(_CLASSES * math.log2(value))
