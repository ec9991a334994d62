"""Snakemake executor for PBS Pro and OpenPBS: many jobs of Snakemake in one PBS job, each with
its own end.

A PBS job runs one Snakemake for all jobs that it holds (``inside``), watched by a small process
that tells what becomes of each (``supervisor``, ``limits``, ``processes``). The main process packs
what waits (``packing``, ``request``, ``submission``), asks PBS once for all (``commands``,
``qstat``) and draws conclusions (``running``, ``adoption``, ``pbs_jobs``). Both sides meet in a
folder a PBS job (``folder``, ``ledger``). ``executor`` is what Snakemake sees of it.
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
