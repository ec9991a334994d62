"""The Snakemake inside a PBS job: one for many jobs, and each job's end told apart.

It is the very command line that Snakemake would give to a single remote job, with several
targets and ``--keep-going``. What becomes of each is told by Snakemake's log events. Logger
plugins are switched off in remote mode, so a filter listens at Snakemake's logger: it is called
in the moment in which the event is logged, and lets every record pass.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .folder import Folder, Task
from .processes import MARK

#: Seconds between a failure and its report: Snakemake removes what the job left in that time, and
#: a second try elsewhere must not begin before.
SETTLING = 1.0


class Listener:
    """Writes started, done and failed of each job into the folder."""

    def __init__(self, folder: Folder, numbers: Mapping[tuple, int]) -> None:
        self._folder = folder
        self._numbers = numbers
        self._running: dict[int, tuple[int, float]] = {}
        self._timers: list[threading.Timer] = []

    def __call__(self, record: Any) -> bool:
        """A filter of :mod:`logging`: a LogRecord has the attributes of Snakemake's event."""
        event = getattr(record, "event", None)
        # Compared as text: the enumeration's module is not needed for more.
        match str(getattr(event, "value", event)):
            case "job_info":
                number = self._numbers.get(_key(record.rule_name, record.wildcards))
                if number is not None:
                    self._running[record.jobid] = (number, time.monotonic())
                    self._folder.tell("started", number)
            case "job_finished":
                self._end("done", record.job_id)
            case "job_error":
                self._end("failed", record.jobid)
        return True

    def _end(self, event: str, jobid: int) -> None:
        number, began = self._running.pop(jobid, (None, 0.0))
        if number is None:
            return
        seconds = round(time.monotonic() - began, 2)
        if event == "done":
            self._folder.tell(event, number, seconds=seconds)
            return
        timer = threading.Timer(SETTLING, self._folder.tell, (event, number), {"seconds": seconds})
        self._timers.append(timer)
        timer.start()

    def flush(self) -> None:
        """Wait until all is told."""
        for timer in self._timers:
            timer.join()
        self._folder.flush()


def run(folder: Folder, tasks: dict[int, Task], arguments: Sequence[str], cores: int) -> int:
    """Run Snakemake for these tasks; returns its exit code. To be called in a fresh process."""
    from snakemake.cli import main
    from snakemake.logging import logger

    numbers = {_key(task.rule, task.wildcards): number for number, task in tasks.items()}
    listener = Listener(folder, numbers)
    logger.addFilter(listener)
    _mark_processes(numbers)
    _try_once()
    targets = [target for task in tasks.values() for target in task.targets]
    command = [*arguments, "--cores", str(cores), "--keep-going", "--target-jobs", *targets]
    sys.argv = ["snakemake", *command]
    code: Any = 0
    try:
        main(command)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        listener.flush()
    return code


def _mark_processes(numbers: Mapping[tuple, int]) -> None:
    """Have the first process of each job lead a process group and carry the job's number.

    Snakemake runs each job in a thread, so what that thread starts belongs to the job.
    """
    from snakemake.executors.local import Executor

    thread = threading.local()
    run_job, start = Executor.cached_or_run, subprocess.Popen.__init__

    def cached_or_run(self: Executor, job: Any, *arguments: Any) -> None:
        thread.number = None if job.is_group() else numbers.get(_key(job.rule.name, job.wildcards))
        try:
            run_job(self, job, *arguments)
        finally:
            thread.number = None

    def __init__(self: subprocess.Popen, *arguments: Any, **options: Any) -> None:
        number = getattr(thread, "number", None)
        if number is not None:
            options["env"] = {**(options.get("env") or os.environ), MARK: str(number)}
            if not options.get("start_new_session"):
                options.setdefault("process_group", 0)
        start(self, *arguments, **options)

    Executor.cached_or_run = cached_or_run
    subprocess.Popen.__init__ = __init__  # type: ignore[method-assign]  # it has no hook


def _try_once() -> None:
    """Overrule ``retries:`` of rules, which ``--retries 0`` does not: each attempt is a submission
    of its own, with the resources of that attempt."""
    from snakemake.rules import Rule

    Rule.restart_times = property(lambda self: 0, lambda self, value: None)


def _key(rule: str, wildcards: Any) -> tuple:
    return rule, tuple(sorted((str(k), str(v)) for k, v in dict(wildcards or {}).items()))
