"""The logger as Snakemake knows it: what it tells is counted, and shown in few words."""

import os
import re
import sys
import threading
import time
from dataclasses import dataclass
from logging import WARNING, LogRecord
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase

from . import failures, messages, words
from .lines import Lines
from .settings import LogHandlerSettings
from .tally import Job, Tally

#: Seconds that a failure waits for the word that the job is tried again.
VERDICT = 1.0

#: Jobs that find it in their environment need not print why they failed: this logger tells it.
VARIABLE = "SNAKEMAKE_LOGGER_TELLS_FAILURES"

#: A LogRecord, with the attributes that Snakemake gives to the events of its kind.
_Event = Any

_AGAIN = re.compile(r"Trying to restart job (\d+)\.")
_MISSING = re.compile(r"^Job\s+(\d+)\s+completed successfully, but", re.MULTILINE)


@dataclass
class _Failure:
    job: Job
    cause: str
    at: float


class LogHandler(LogHandlerBase):
    """Counts jobs, and tells failures.

    Records come in the thread of Snakemake's queue. A thread of our own draws, and passes on what
    others print.
    """

    def __post_init__(self) -> None:
        common, settings = self.common_settings, self.settings or LogHandlerSettings()
        assert isinstance(settings, LogHandlerSettings), "Snakemake makes what `settings` names"
        quiet = {getattr(kind, "name", str(kind)).lower() for kind in common.quiet or ()}
        stream = sys.stdout if common.stdout else sys.stderr
        is_live = stream.isatty() and os.environ.get("TERM") != "dumb"
        if is_live:
            from .bar import Bar

            self._view: Bar | Lines = Bar(stream, common.nocolor)
        else:
            self._view = Lines(stream, settings.interval)
        self._tally = Tally(settings.counted)
        self._is_mute = "all" in quiet and not common.dryrun
        #: The counts are what Snakemake calls progress.
        self._has_counts = not quiet & {"all", "progress"}
        self._everything = settings.everything or common.verbose
        self._lists_jobs = common.dryrun and common.printshellcmds
        self._at_work = self._is_stopping = False
        self._has_stats = self._is_shown = False
        #: Whether the executor tells when its jobs begin: until then they are queued.
        self._begins_are_told = False
        #: What Snakemake said just before a job's error, by the thread that said it.
        self._said: dict[int | None, tuple[LogRecord, str]] = {}
        self._failures: list[_Failure] = []
        self._state = threading.RLock()
        self._is_closing = threading.Event()
        self._thread: threading.Thread | None = None
        if not common.dryrun and not self._is_mute:
            os.environ[VARIABLE] = "1"

    # -- what Snakemake asks for ------------------------------------------------------------

    writes_to_stream = True
    writes_to_file = False
    #: Snakemake adds its own filter and formatter: what passes is what it would show itself.
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def filter(self, record: LogRecord) -> bool:
        """Everything counts, whatever ``--quiet`` says; see :meth:`_would_be_shown`."""
        return True

    def _would_be_shown(self, record: LogRecord) -> bool:
        return bool(super().filter(record))

    def emit(self, record: LogRecord) -> None:
        """Take in a record."""
        try:
            with self._state:
                self._take(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """The end of everything. Called by Snakemake, also after Ctrl-C and exceptions."""
        self._is_closing.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        with self._state:
            self._finish(is_known=False)
            self._view.stop()
        super().close()

    # -- records ----------------------------------------------------------------------------

    def _take(self, record: _Event) -> None:
        event = getattr(record, "event", None)
        # Compared as text: the executors' records have events of no enumeration.
        match str(getattr(event, "value", event)):
            case "run_info" if self.common_settings.dryrun:
                # Told before the list of jobs and after it.
                self._say(record, is_worth_it=not self._has_stats)
                self._has_stats = True
            case "run_info":
                self._say(record, is_worth_it=False)
                self._tally.plan(record.stats, record.created)
                self._start()
            case "job_info" if self.common_settings.dryrun:
                self._say(record, is_worth_it=self._lists_jobs)
            case "job_info":
                self._say(record, is_worth_it=False)
                waits = self._begins_are_told and not record.local
                began = None if waits else record.created
                job = Job(record.jobid, record.rule_name, record.wildcards, record.log, began)
                self._tally.hand_over(job)
                if not self._is_shown:
                    # The first word comes with the first job, however short the run.
                    self._show(time.time())
            case "job_finished":
                self._say(record, is_worth_it=False)
                self._tally.finish(record.job_id, record.created)
            case "progress":
                self._say(record, is_worth_it=False)
                self._tally.grow(record.total)
                if record.done == record.total:
                    self._finish()
            case "job_error":
                self._job_error(record)
            case "error":
                self._error(record)
            case "shellcmd":
                self._say(record, is_worth_it=True)
            case "group_error":
                self._say(record, is_worth_it=True)
            case "None":
                self._message(record)
            case _:
                self._say(record, is_worth_it=record.levelno >= WARNING)

    def _message(self, record: LogRecord) -> None:
        """What has no event: most of it is for people, some tells what no event does."""
        self._begins_are_told |= getattr(record, "begins_are_told", False)
        begun = getattr(record, "begun", ())
        for job_id, at in begun:
            self._tally.begin(job_id, at)
        text = str(record.msg)
        if again := _AGAIN.match(text):
            self._try_again(int(again[1]))
        worth_it = messages.is_worth_it(record, self._at_work, self.common_settings.dryrun)
        self._say(record, (worth_it and not begun) or self._lists_jobs)
        self._is_stopping |= text.startswith(messages.STOPPING)
        if text.startswith((messages.THE_END, messages.STOPPING)):
            self._finish(is_known=not self._is_stopping)

    def _say(self, record: LogRecord, is_worth_it: bool) -> None:
        """Show a record as Snakemake words it, if that is wanted."""
        if not (is_worth_it or self._everything) or not self._would_be_shown(record):
            return
        text = self.format(record)
        if text and text != "None":
            style = "red" if record.levelno > WARNING else "yellow"
            self._view.say(text, style if record.levelno >= WARNING else "")

    # -- failures ---------------------------------------------------------------------------

    def _error(self, record: LogRecord) -> None:
        """An exception. Where a job's command failed, the job's error follows from the same thread,
        and tells the same."""
        status = failures.exit_status(str(record.msg))
        missing = _MISSING.search(str(record.msg))
        if status and not self._everything:
            self._tell_what_was_kept(record.thread)
            # Those that Ctrl-C has ended are none to be told.
            if not self._is_stopping:
                self._said[record.thread] = record, status
            return
        self._say(record, is_worth_it=True)
        if missing:
            # No other record tells that this job failed, and this one tells enough.
            self._tally.fail(int(missing[1]), record.created)

    def _job_error(self, record: _Event) -> None:
        said = self._said.pop(record.thread, None)
        self._say(record, is_worth_it=self.common_settings.show_failed_logs)
        job = self._tally.fail(record.jobid, record.created)
        if job is None:
            job = Job(record.jobid, record.rule_name, {}, record.log)
        status = said[1] if said else ""
        last = failures.last_words(job.logs)
        # Nor those whose log says that they were ended.
        if self._is_stopping and last.startswith("INTERRUPTED "):
            return
        cause = failures.cause(last, record.rule_msg or "", status)
        self._failures.append(_Failure(job, cause, record.created))

    def _try_again(self, job_id: int) -> None:
        job = self._tally.try_again(job_id)
        waiting = [failure for failure in self._failures if failure.job.id == job_id]
        self._failures = [failure for failure in self._failures if failure.job.id != job_id]
        if self._is_mute:
            return
        for failure in waiting:
            self._view.tell(f"again   {failure.job}: {failure.cause}", "dim")
        if job is not None and not waiting:
            self._view.tell(f"again   {job}", "dim")

    def _tell_failures(self, older_than: float) -> None:
        due = [failure for failure in self._failures if failure.at <= older_than]
        self._failures = [failure for failure in self._failures if failure.at > older_than]
        for failure in due:
            if not self._is_mute:
                self._view.tell(f"FAILED  {failure.job}: {failure.cause}", "red")
        for thread, (record, _) in list(self._said.items()):
            if record.created <= older_than:
                self._tell_what_was_kept(thread)

    def _tell_what_was_kept(self, thread: int | None) -> None:
        """No job's error followed."""
        if kept := self._said.pop(thread, None):
            self._say(kept[0], is_worth_it=True)

    # -- the view ---------------------------------------------------------------------------

    def _start(self) -> None:
        self._at_work = True
        if self._is_mute or self._thread is not None:
            return
        self._view.start()
        self._thread = threading.Thread(target=self._look, name="progress", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_closing.is_set():
            self._view.wait(self._is_closing)
            with self._state:
                now = time.time()
                self._tell_failures(now - VERDICT)
                self._show(now)

    def _show(self, now: float) -> None:
        if self._at_work and self._is_counting and not self._is_closing.is_set():
            self._is_shown = True
            self._view.show(self._tally, now)

    @property
    def _is_counting(self) -> bool:
        """Not if the run has nothing of what is counted."""
        return self._has_counts and self._tally.total > 0

    def _finish(self, is_known: bool = True) -> None:
        """Nothing runs any more. ``is_known``: and of all that ran it is known how it ended."""
        if not self._at_work:
            return
        now = time.time()
        self._at_work = False
        if is_known:
            self._tally.fail_rest(now)
        self._view.hide()
        self._tell_failures(float("inf"))
        if self._is_counting:
            self._view.tell(words.last_line(self._tally, now))
