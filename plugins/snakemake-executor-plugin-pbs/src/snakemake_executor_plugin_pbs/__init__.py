"""Snakemake executor for PBS Pro and OpenPBS: many jobs of Snakemake in one PBS job, each with
its own end.

What it is made of, and what users would miss without:

======================  ===========================================================================
``executor``            what Snakemake sees: its jobs come in, their ends go out
``pbs_jobs``            all PBS jobs, every other second: look into folders, ask PBS, submit
``packing``             packs: thousands of short jobs would be thousands of PBS jobs
``request``             what is asked of PBS (``resources``), in the words of ``qsub``
``submission``          what qsub's answers lead to: a server that is away fails no job
``broken_nodes``        one node without Python would eat all that waits (``backoff``)
``commands``            one ``qstat`` for all PBS jobs; its answers are read with suspicion
``folder``, ``ledger``  a folder for each PBS job, in which both sides meet: jobs end one by one
``running``             what became of jobs, of what their PBS job and PBS itself have told
``adoption``            after a kill, PBS jobs are taken over if they do the same (``digest``)
``cancel``              Ctrl-C leaves no PBS job behind (``interrupt``)
``supervisor``          the process of a PBS job: starts Snakemake (``inside``) by way of a
                        ``job_script`` with the user's ``environment`` and Snakemake's ``arguments``
``limits``              one job that hangs or needs too much memory ends alone (``processes``)
``preflight``           what PBS would refuse is said before the first submission (``queues``,
                        ``site``)
``efficiency``          what to ask for next time; which ``logs`` are kept
``scheduling``          Snakemake's scheduler is slow with 100,000 jobs under some settings
``doctor``              a check of a site, by hand, before the first run
======================  ===========================================================================
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
