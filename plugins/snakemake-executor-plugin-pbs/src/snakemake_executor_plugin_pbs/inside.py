"""The Snakemake inside a PBS job: one for many jobs, and each job's fate told apart.

It is the very command line that Snakemake would give to a single remote job, with several
targets and ``--keep-going``. What becomes of each is told by Snakemake's log events. Logger
plugins are switched off in remote mode, so a filter listens at Snakemake's logger: it is called
in the moment in which the event is logged, and lets every record pass.
"""

import logging
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from .folder import Folder, Task

#: Seconds between a failure and its report: Snakemake removes what the job left in that time, and
#: a second try elsewhere must not begin before.
SETTLING = 1.0


class Listener:
    """Writes started, done and failed of each task to ``fates``."""

    def __init__(self, folder: Folder, tasks: dict[int, Task]) -> None:
        self._folder = folder
        self._numbers = {_key(task.rule, task.wildcards): n for n, task in tasks.items()}
        self._running: dict[int, tuple[int, float]] = {}
        self._timers: list[threading.Timer] = []

    def __call__(self, record: logging.LogRecord) -> bool:
        """A filter of :mod:`logging`."""
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


def run(folder: Folder, tasks: dict[int, Task], arguments: Sequence[str], cores: int) -> int:
    """Run Snakemake for these tasks; returns its exit code. To be called in a fresh process."""
    from snakemake.cli import main
    from snakemake.logging import logger

    listener = Listener(folder, tasks)
    logger.addFilter(listener)
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


def _key(rule: str, wildcards: Any) -> tuple:
    return rule, tuple(sorted((str(k), str(v)) for k, v in dict(wildcards or {}).items()))
