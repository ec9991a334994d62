"""Snakemake executor for PBS Pro and OpenPBS: many jobs of Snakemake in one PBS job, each with
its own end.

=============================  ====================================================================
``executor``                   what Snakemake sees: its jobs come in, their ends go out
``pbs_jobs``                   what the main process does every other second, in this order:
``adoption``, ``running``      look into folders, and conclude what became of jobs
``qstat``, ``commands``        ask PBS about all PBS jobs at once
``packing``, ``submission``    submit what waits (``request``, ``resources``, ``qsub``)
``broken_nodes``, ``backoff``  wait, where that does not work
``folder``, ``ledger``         a folder for each PBS job, in which both sides meet
``supervisor``                 the process of a PBS job: starts Snakemake (``inside``), tells what
                               becomes of each job, and ends those that break their ``limits``
``preflight``                  what is refused before the first submission (``queues``, ``site``)
``doctor``                     a check of a site, by hand
=============================  ====================================================================
"""

from snakemake_interface_executor_plugins.settings import CommonSettings

from .executor import Executor
from .settings import ExecutorSettings

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    # They go through a file that is the user's alone, not through the command line.
    pass_envvar_declarations_to_cmd=False,
    auto_deploy_default_storage_provider=False,
    init_seconds_before_status_checks=0,
)
