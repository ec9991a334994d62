"""What users can set: each field is an option ``--pbs-...`` and a key of profiles."""

# ruff: noqa: UP045 - Snakemake reads the types of these fields, and knows Optional but not "| None".

from dataclasses import dataclass, field
from typing import Any, Optional

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecutorSettingsBase


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning, "env_var": False, "required": False})


@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    """Settings of a run. What concerns single jobs are resources: see :mod:`.request`."""

    queue: Optional[str] = _setting(
        None, "Queue of jobs without a resource pbs_queue. Unset: the server's default queue."
    )
    account: Optional[str] = _setting(
        None, "Account (qsub -A) of jobs without a resource pbs_account."
    )
    project: Optional[str] = _setting(
        None, "Project (qsub -P) of jobs without a resource pbs_project."
    )
    extra: Optional[str] = _setting(
        None, "More arguments of qsub, for jobs without a resource pbs_extra, as one text."
    )
    pack_size: int = _setting(
        1, "Snakemake jobs in one PBS job, at most. Jobs that ask for the same are packed."
    )
    pack_cores: Optional[int] = _setting(
        None,
        "Cores of one PBS job: so many of its jobs run side by side as their threads fit in. "
        "Unset: as many as one job has threads.",
    )
    whole_nodes: bool = _setting(
        False,
        "Always ask for all pack-cores, even if a pack is too small to use them: for queues that "
        "hand out whole nodes.",
    )
    pack_wait: int = _setting(
        60,
        "Seconds that a pack which is not full waits for more jobs, counted from the last that "
        "came. While nothing is in the queue it waits for 1.5 seconds at most.",
    )
    max_jobs: int = _setting(100, "PBS jobs that are queued or run at once, at most.")
    jobname_prefix: str = _setting(
        "", "Prefix of the names of PBS jobs, which are cut to 15 characters."
    )
    logdir: str = _setting(".snakemake/pbs_logs", "Folder of the logs, one a PBS job.")
    keep_successful_logs: bool = _setting(
        False, "Keep the logs of PBS jobs in which nothing failed. They are removed otherwise."
    )
    delete_logfiles_older_than: int = _setting(
        10, "Days after which logs of earlier runs are removed. 0: they are kept."
    )

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises
        ------
        WorkflowError
            A number is too small.
        """
        for name, least in (
            ("pack_size", 1),
            ("pack_cores", 1),
            ("pack_wait", 0),
            ("max_jobs", 1),
            ("delete_logfiles_older_than", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                option = "pbs-" + name.replace("_", "-")
                raise WorkflowError(
                    f"{option}: {value} is less than {least}. Write for example: {option}: {least}"
                )
