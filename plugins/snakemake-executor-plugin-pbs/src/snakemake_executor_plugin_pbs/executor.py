"""The executor as Snakemake knows it: its jobs become entries of a :class:`.fleet.Fleet`."""

import asyncio
import hashlib
import json
import os
import secrets
import shlex
import string
import sys
import traceback
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args

from .commands import Commands
from .environment import portable
from .fleet import Fleet
from .folder import Folder, Pack, Task
from .interrupt import Interrupt
from .ledger import Ledger
from .request import PackRequest, Request, job_name, qsub_arguments
from .running import Entry
from .words import without, words

#: Seconds between two looks at the folders of the packs: what a job reports is seen that soon.
TICK = 0.5

#: What a PBS job runs.
_SUPERVISOR = "snakemake_executor_plugin_pbs.supervisor"

#: Of characters that a job's name may have; three of them tell runs apart.
_TOKEN = string.ascii_lowercase + string.digits


class Executor(RemoteExecutor):
    """Submits to PBS, many jobs of Snakemake in one PBS job."""

    #: The base class begins to check in its constructor, before there is anything to check.
    fleet: Fleet | None = None

    def __post_init__(self) -> None:
        """Called by the base class at the end of its constructor.

        Raises
        ------
        WorkflowError
            qsub, qstat or qdel are not there.
        """
        server = Commands()
        if missing := server.missing():
            raise WorkflowError(
                f"{' and '.join(missing)} not found. Start snakemake on a machine that can submit "
                "to PBS (a login node), or run the jobs on this one:  --executor local --cores all"
            )
        interval = self.workflow.remote_execution_settings.seconds_between_status_checks
        self.workdir = Path.cwd()
        ledger = Ledger(self.workdir / ".snakemake" / "pbs")
        ledger.load()
        settings = self.executor_settings
        self.logdir = self.workdir / Path(settings.logdir).expanduser()
        # PBS keeps quiet about an output that it cannot deliver, and loses it.
        self.logdir.mkdir(parents=True, exist_ok=True)
        self._umask = _umask()
        self._run = "".join(secrets.choice(_TOKEN) for _ in range(3))
        self._number = 0
        self._problem = ""
        self.interrupt = Interrupt()
        self.fleet = Fleet(
            *(server, ledger, settings, interval, self._prepare),
            say=self.logger.info,
            warn=self.logger.warning,
        )
        # Loggers that count what runs must know that not all runs that is handed over.
        self.logger.info(
            f"PBS: at most {settings.max_jobs} PBS jobs, {settings.pack_size} jobs in each; "
            f"logs in {settings.logdir}",
            extra={"begins_are_told": True},
        )

    # -- jobs come in -----------------------------------------------------------------------

    def run_job(self, job: JobExecutorInterface) -> None:
        """Hand the job over: it is packed, submitted and watched in the thread of the base class.

        Raises
        ------
        WorkflowError
            It asks for what cannot be told to PBS.
        """
        info = SubmittedJobInfo(job)
        entry = Entry(info, self._task(job), self._request(job), tuple(map(str, job.input)))
        self.report_job_submission(info)
        self.fleet.add(entry)

    def run_jobs(self, jobs: list[JobExecutorInterface]) -> None:
        """Hand over what is ready; and say so if nothing else is, for then no pack need wait."""
        super().run_jobs(jobs)
        # Asked only where it matters: the answer takes a look at each job of the workflow.
        scheduler = self.workflow.scheduler
        if not self.fleet.running and all(job.is_local for job in scheduler.remaining_jobs):
            self.fleet.complete()

    def _request(self, job: JobExecutorInterface) -> Request:
        alone = f"group {job.jobid}" if job.is_group() else None
        threads, settings = job.threads, self.executor_settings
        return Request.of(job.name, job.attempt, threads, job.resources, settings, alone)

    def _task(self, job: JobExecutorInterface) -> Task:
        """What a pack has to know of a job, and what a later Snakemake recognises it by."""
        properties = json.loads(job.properties())
        wildcards = {k: str(v) for k, v in (properties.get("wildcards") or {}).items()}
        targets = encode_target_jobs_cli_args(job.get_target_spec())
        decisive = [
            *(targets, properties.get("params"), properties.get("log")),
            *(_command(job), self.workflow.main_snakefile),
        ]
        return Task(
            rule=job.name,
            wildcards=wildcards,
            targets=targets,
            outputs=[str(Path(path).absolute()) for path in job.output],
            digest=hashlib.sha256(json.dumps(decisive, default=str).encode()).hexdigest()[:16],
        )

    # -- a pack -----------------------------------------------------------------------------

    def _prepare(self, entries: list[Entry], asked: PackRequest) -> tuple[Folder, Pack, list[str]]:
        """Make the folder of a pack; returns it with the arguments of qsub."""
        self._number += 1
        name = job_name(asked.job.rule, self._run, self._number)
        folder = self.fleet.ledger.new(f"{name}-{secrets.token_hex(3)}")
        first = entries[0].handle.job
        seconds = asked.job.runtime and asked.job.runtime * 60
        pack = Pack(
            name=name,
            tasks=[entry.task for entry in entries],
            arguments=self._arguments([entry.handle.job for entry in entries]),
            slots=asked.slots,
            cores=asked.slots * asked.job.threads,
            # A pack of one is limited by PBS, and better explained.
            runtime=seconds if len(entries) > 1 else None,
            mem_mb=asked.job.mem_mb,
            log=str(self.logdir / f"{name}.log"),
            output=str(self.logdir / f"{name}.out"),
            is_group=first.is_group(),
            owner=self.fleet.ledger.me,
            asks=str(asked),
        )
        environment = {**portable(os.environ), **self.envvars()}
        folder.write(pack, self._script(folder.path), environment)
        script = str(folder.path / "job.sh")
        # Relative to here: PBS takes nothing but ASCII in it, and what is above is not ours.
        output = os.path.relpath(pack.output, self.workdir)
        return folder, pack, qsub_arguments(asked, name, output, script, self._umask)

    def _script(self, folder: Path) -> str:
        """What PBS runs. It starts in the home directory, with nothing of this environment."""
        settings = self.workflow.remote_execution_settings
        search = os.environ.get("PYTHONPATH")
        lines = [
            "#!/bin/bash",
            f"cd {shlex.quote(str(self.workdir))} || exit 1",
            f"umask {self._umask}",
            self.executor_settings.prologue or "",
            settings.precommand or "",
            f"export PYTHONPATH={shlex.quote(search)}" if search else "",
            f"exec {shlex.quote(self.get_python_executable())} -m {_SUPERVISOR} "
            f"{shlex.quote(str(folder))}",
        ]
        return "\n".join(line for line in lines if line) + "\n"

    def _arguments(self, jobs: list[JobExecutorInterface]) -> list[str]:
        """Snakemake's arguments for a pack, but for targets and cores, which the pack adds."""
        command = self.format_job_exec(jobs[0])
        for path in self._paths():
            # Of a backslash in what is quoted nobody could tell whether it is one or half of one.
            command = command.replace(shlex.quote(path), repr(path))
        arguments = words(command.split(" -m snakemake ", 1)[1])
        for option in ("--target-jobs", "--cores", "--unneeded-temp-files"):
            arguments = without(arguments, option)
        for option, values in (
            ("--unneeded-temp-files", map(self.workflow.dag.get_unneeded_temp_files, jobs)),
            ("--wait-for-files", (job.get_wait_for_files() for job in jobs)),
        ):
            if all_of_them := list(dict.fromkeys(str(v) for each in values for v in each)):
                arguments += [option, *all_of_them]
        return arguments

    def _paths(self) -> list[str]:
        """Paths in that command line that hold a backslash: these are quoted for a shell."""
        workflow = self.workflow
        paths = (
            *(self.get_snakefile(), workflow.overwrite_workdir, *workflow.overwrite_configfiles),
            workflow.sourcecache.runtime_cache_path,
        )
        return [str(path) for path in paths if isinstance(path, Path) and "\\" in str(path)]

    def get_job_args(self, job: JobExecutorInterface, **kwargs) -> str:
        """Not those of the remote executor: files to wait for are collected for a whole pack."""
        return RealExecutor.get_job_args(self, job, **kwargs)

    # -- what becomes of them ---------------------------------------------------------------

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        """One round; yields what is still active. No exception leaves it: that would end the run
        and abandon all that is queued."""
        ended: set[int] = set()
        if self.fleet is None:
            return
        self.interrupt.insist(is_heard=self.fleet.is_cancelled)
        try:
            reports = self.fleet.round()
            self._tell_begun()
            for report in reports:
                info = report.entry.handle
                ended.add(id(info))
                if report.failure is None:
                    self.report_job_success(info)
                else:
                    logs = [report.log] if report.log else []
                    self.report_job_error(info, msg=f"{report.failure}. ", aux_logs=logs)
            self._problem = ""
        except Exception as problem:
            if self._problem != str(problem):
                self.logger.warning(f"pbs executor: {traceback.format_exc()}")
            self._problem = str(problem)
        if self.fleet.fatal:
            self.workflow.scheduler.executor_error_callback(WorkflowError(self.fleet.fatal))
        for info in active_jobs:
            if id(info) not in ended:
                yield info

    def _tell_begun(self) -> None:
        """One line for all that began since the last round; loggers find them in ``begun``."""
        taken, self.fleet.begun = self.fleet.begun, []
        begun = [(number, at) for entry, at in taken for number in _job_ids(entry.handle.job)]
        if begun:
            # Not at the top: what watches over a PBS job imports this package, and no Snakemake.
            from snakemake.settings.enums import Quietness

            numbers = ", ".join(str(number) for number, _ in begun)
            extra = {"begun": begun, "quietness": Quietness.PROGRESS}
            self.logger.info(f"Begun in PBS: jobid {numbers}", extra=extra)

    async def sleep(self) -> None:
        """Between two rounds. How often PBS is asked is another matter: see Fleet."""
        await asyncio.sleep(TICK)

    def cancel_jobs(self, active_jobs: Iterable[SubmittedJobInfo]) -> None:
        """Delete all PBS jobs: on Ctrl-C, and when Snakemake itself fails."""
        self.interrupt.ignore()
        self.fleet.cancel()

    def shutdown(self) -> None:
        """The end, good or bad."""
        super().shutdown()
        self.fleet.close()
        self.interrupt.restore()

    def get_python_executable(self) -> str:
        """By its path: PBS jobs do not have our PATH."""
        return sys.executable


class _Whatever:
    """Stands for resources where they are of no consequence."""

    def __getattr__(self, name: str) -> str:
        return "any"


def _command(job: JobExecutorInterface) -> str | None:
    """What a job runs, the same at every attempt: only its resources differ then."""
    template = getattr(getattr(job, "rule", None), "shellcmd", None)
    return template and job.format_wildcards(template, resources=_Whatever())


def _job_ids(job: JobExecutorInterface) -> list[int]:
    """Snakemake's numbers of a job, or of all in a group."""
    return [one.jobid for one in (job.jobs if job.is_group() else [job])]


def _umask() -> str:
    """As a text of octal digits: PBS starts jobs with its own, under which nobody else may read
    the products."""
    mask = os.umask(0o077)
    os.umask(mask)
    return f"{mask:03o}"
