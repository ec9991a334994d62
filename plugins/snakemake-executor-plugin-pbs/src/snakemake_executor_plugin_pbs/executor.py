"""The executor as Snakemake knows it: its jobs are handed over to :class:`.pbs_jobs.PbsJobs`."""

import asyncio
import json
import os
import secrets
import string
import time
import traceback
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args

from . import arguments, digest, job_script, logs, preflight, qsub, scheduling, site
from .commands import Commands
from .environment import portable
from .folder import Folder, Pack, Task
from .interrupt import Interrupt
from .ledger import Ledger
from .pbs_jobs import PbsJobs
from .request import PackRequest, Request
from .running import LAG, Entry

#: Seconds between two looks whether the run ends: so soon Ctrl-C is heard.
TICK = 0.25

#: What a PBS job runs.
_SUPERVISOR = "snakemake_executor_plugin_pbs.supervisor"

#: Of characters that a job's name may have; three of them tell runs apart.
_TOKEN = string.ascii_lowercase + string.digits


class Executor(RemoteExecutor):
    """Submits to PBS, many jobs of Snakemake in one PBS job."""

    pbs: PbsJobs
    #: The base class begins to check in its constructor, before there is anything to check.
    _has_pbs = False

    def __post_init__(self) -> None:
        """Called by the base class at the end of its constructor.

        Raises
        ------
        ApiError
            qsub, qstat or qdel are not there or not those of PBS, or files are not shared.
        """
        with preflight.without_traceback():
            preflight.refuse_site()
            preflight.refuse_unshared(self.workflow.storage_settings.shared_fs_usage)
        interval = self.workflow.remote_execution_settings.seconds_between_status_checks
        self.workdir = Path.cwd()
        ledger = Ledger(self.workdir / ".snakemake" / "pbs")
        ledger.load()
        settings = self.executor_settings
        self.logdir = self.workdir / Path(settings.logdir).expanduser()
        if settings.delete_logfiles_older_than:
            logs.remove_old(self.logdir, settings.delete_logfiles_older_than)
        # PBS keeps quiet about an output that it cannot deliver, and loses it.
        self.logdir.mkdir(parents=True, exist_ok=True)
        self._umask = job_script.current_umask()
        self._run = "".join(secrets.choice(_TOKEN) for _ in range(3))
        self._number = 0
        self._problem = ""
        self._is_checked = False
        self._failed_logs: set[str] = set()
        self.interrupt = Interrupt()
        self.pbs = PbsJobs(
            *(Commands(), ledger, settings, interval, self._prepare),
            say=self.logger.info,
            warn=self.logger.warning,
            lag=max(LAG, self.workflow.execution_settings.latency_wait),
        )
        self._has_pbs = True
        for advice in scheduling.advice(self.workflow):
            self.logger.warning(advice)
        # Loggers that count what runs must know that not all runs that is handed over.
        self.logger.info(
            f"PBS: at most {settings.max_jobs} PBS jobs, {settings.pack_size} jobs in each; "
            f"logs in {settings.logdir}",
            extra={"begins_are_told": True},
        )

    # -- jobs come in -----------------------------------------------------------------------

    def run_job(self, job: JobExecutorInterface) -> None:
        """Hand the job over: it is packed, submitted and watched in the thread of the base class.

        One that asks for what cannot be told to PBS fails alone.
        """
        info = SubmittedJobInfo(job)
        try:
            entry = Entry(info, self._task(job), self._request(job), tuple(map(str, job.input)))
        except WorkflowError as wrong:
            self.report_job_error(info, msg=f"{wrong} ")
            return
        self.report_job_submission(info)
        self.pbs.add(entry)

    def run_jobs(self, jobs: list[JobExecutorInterface]) -> None:
        """Hand over what is ready; and say so if nothing else is, for then no pack need wait.

        Raises
        ------
        ApiError
            Before the first submission: PBS would not take the jobs of a rule.
        """
        # Not sooner: Snakemake sets its handler after it has made the executor.
        self.interrupt.hear_sigterm()
        if not self._is_checked:
            self._is_checked = True
            queues, settings = site.known_queues(), self.executor_settings
            to_do = list(self.workflow.dag.needrun_jobs())
            with preflight.without_traceback():
                preflight.check(to_do, self._request, queues, settings)
            if note := preflight.not_asked(to_do):
                self.logger.warning(note)
        super().run_jobs(jobs)
        scheduling.shrink(self.workflow)
        # Asked only where it matters: the answer takes a look at each job of the workflow.
        scheduler = self.workflow.scheduler
        if not self.pbs.running and all(job.is_local for job in scheduler.remaining_jobs):
            self.pbs.complete()

    def _request(self, job: JobExecutorInterface) -> Request:
        alone = f"group {job.jobid}" if job.is_group() else None
        threads, settings = job.threads, self.executor_settings
        resources = dict(job.resources)
        return Request.of(
            *(job.name, job.attempt, threads, resources, settings, alone), number=job.jobid
        )

    def _task(self, job: JobExecutorInterface) -> Task:
        """What a pack has to know of a job, and what a later Snakemake recognises it by."""
        properties = json.loads(job.properties())
        wildcards = {k: str(v) for k, v in (properties.get("wildcards") or {}).items()}
        return Task(
            rule=job.name,
            wildcards=wildcards,
            targets=encode_target_jobs_cli_args(job.get_target_spec()),
            outputs=[str(Path(path).absolute()) for path in job.output],
            digest=digest.of_job(job, self.workflow),
        )

    # -- a pack -----------------------------------------------------------------------------

    def _prepare(self, entries: list[Entry], asked: PackRequest) -> tuple[Folder, Pack, list[str]]:
        """Make the folder of a pack; returns it with the arguments of qsub."""
        self._number += 1
        prefix = self.executor_settings.jobname_prefix
        name = qsub.job_name(asked.job.rule, self._run, self._number, prefix)
        folder = self.pbs.ledger.new(f"{name}-{secrets.token_hex(3)}")
        first = entries[0].handle.job
        seconds = asked.job.runtime and asked.job.runtime * 60
        pack = Pack(
            name=name,
            tasks=[entry.task for entry in entries],
            arguments=arguments.of_pack(self, [entry.handle.job for entry in entries]),
            cores=asked.slots * asked.job.threads,
            # A pack of one is limited by PBS, and better explained.
            runtime=seconds if len(entries) > 1 else None,
            mem_mb=asked.job.mem_mb,
            log=str(self.logdir / f"{name}.log"),
            output=str(self.logdir / f"{name}.out"),
            is_group=first.is_group(),
            owner=self.pbs.ledger.me,
            asked_mb=asked.mem_mb,
        )
        script = job_script.write(
            folder.path,
            self.workdir,
            self._umask,
            environment={**portable(os.environ), **self.envvars()},
            precommand=self.workflow.remote_execution_settings.precommand or "",
            command=(self.get_python_executable(), "-m", _SUPERVISOR, str(folder.path)),
        )
        folder.write(pack)
        # Relative to here: PBS takes nothing but ASCII in it, and what is above is not ours.
        output = os.path.relpath(pack.output, self.workdir)
        return folder, pack, qsub.arguments(asked, name, output, str(script), self._umask)

    def get_job_args(self, job: JobExecutorInterface, **kwargs: Any) -> str:
        """Not those of the remote executor: files to wait for are collected for a whole pack."""
        return RealExecutor.get_job_args(self, job, **kwargs)

    # -- what becomes of them ---------------------------------------------------------------

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        """One round; yields what is still active. No exception leaves it: that would end the run
        and abandon all that is queued."""
        ended: set[int] = set()
        if not self._has_pbs:
            return
        try:
            reports = self.pbs.round()
            self._tell_begun()
            for report in reports:
                info = report.entry.handle
                ended.add(id(info))
                if report.failure is None:
                    # The rules of a group differ, and so does what they use.
                    if not info.job.is_group():
                        self.pbs.efficiency.job_done(report.entry.request, report.seconds)
                    self.report_job_success(info)
                else:
                    paths = [report.log] if report.log else []
                    self._failed_logs.update(paths)
                    self.report_job_error(info, msg=f"{report.failure}. ", aux_logs=paths)
            self._problem = ""
        except Exception as problem:
            if self._problem != str(problem):
                self.logger.warning(f"pbs executor: {traceback.format_exc()}")
            self._problem = str(problem)
        if self.pbs.fatal:
            self.workflow.scheduler.executor_error_callback(WorkflowError(self.pbs.fatal))
        for info in active_jobs:
            if id(info) not in ended:
                yield info

    def _tell_begun(self) -> None:
        """One line for all that began since the last round; loggers find them in ``begun``."""
        taken, self.pbs.begun = self.pbs.begun, []
        begun = [(number, at) for entry, at in taken for number in _job_ids(entry.handle.job)]
        if begun:
            # Not at the top: what watches over a PBS job imports this package, and no Snakemake.
            from snakemake.settings.enums import Quietness

            numbers = ", ".join(str(number) for number, _ in begun)
            extra = {"begun": begun, "quietness": Quietness.PROGRESS}
            self.logger.info(f"Begun in PBS: jobid {numbers}", extra=extra)

    async def sleep(self) -> None:
        """Between two rounds. How often PBS is asked is another matter: see PbsJobs."""
        until = time.monotonic() + (self.pbs.seconds_between_looks if self._has_pbs else 0.0)
        while self.wait and (time.monotonic() < until or not self._has_pbs):
            if self._has_pbs:
                self.interrupt.repeat(is_heard=self.pbs.is_cancelled)
            await asyncio.sleep(TICK)

    def cancel_jobs(self, active_jobs: Iterable[SubmittedJobInfo]) -> None:
        """Delete all PBS jobs: on Ctrl-C, and when Snakemake itself fails."""
        self.interrupt.ignore()
        self.pbs.cancel()

    def shutdown(self) -> None:
        """The end, good or bad."""
        super().shutdown()
        self.pbs.close()
        self.interrupt.restore()
        if not self.pbs.is_cancelled:
            if lines := self.pbs.efficiency.lines():
                self.logger.info("\n".join(["What the jobs used, by rule:", *lines]))
            if not self.executor_settings.keep_successful_logs:
                logs.remove_successful(self.logdir, self._run, self._failed_logs)


def _job_ids(job: JobExecutorInterface) -> list[int]:
    """Snakemake's numbers of a job, or of all in a group."""
    return [one.jobid for one in (job.jobs if job.is_group() else [job])]
