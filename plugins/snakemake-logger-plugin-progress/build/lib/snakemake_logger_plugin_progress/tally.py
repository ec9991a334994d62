"""What is known of the jobs of a run, from what Snakemake tells. Times are seconds since 1970."""

from collections import deque
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

#: The speed is that of so many ends and seconds at most: steady, and yet it follows a change.
RECENT_ENDS = 500
RECENT_SECONDS = 1800.0


@dataclass
class Job:
    """One attempt at a job. ``began`` is None as long as it waits in a queue."""

    id: int
    rule: str
    wildcards: Mapping[str, str] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    began: float | None = None

    def __str__(self) -> str:
        """As users know it: the rule, and what tells this job from the rule's others."""
        values = [str(value) for value in self.wildcards.values()]
        if len(values) > 1:
            values = [f"{key}={value}" for key, value in self.wildcards.items()]
        return " ".join([self.rule, *values])


class Tally:
    """Counts of a run; ``rules`` are those that are counted, none for all.

    A job is done, failed, running or queued, and only one of them: one that failed and is tried
    again is queued again. So the four add up to ``total`` at any time.
    """

    def __init__(self, rules: Collection[str] = ()) -> None:
        self._rules = frozenset(rules)
        self.total = self.done = self.failed = self.running = 0
        self.started: float | None = None
        #: Of those that are done and whose begin is known: how many, and their seconds together.
        self._timed, self._seconds = 0, 0.0
        #: Those that run or wait in the queue of their executor.
        self._jobs: dict[int, Job] = {}
        #: Those that failed, and when.
        self._failed: dict[int, tuple[Job, float]] = {}
        self._ends: deque[float] = deque()

    # -- what happens -----------------------------------------------------------------------

    def plan(self, counts: Mapping[str, int], now: float) -> None:
        """The run begins; ``counts`` are jobs a rule, and their sum as ``total``."""
        jobs = {rule: number for rule, number in counts.items() if rule != "total"}
        self.total = sum(n for rule, n in jobs.items() if not self._rules or rule in self._rules)
        self.started = now

    def grow(self, total: int) -> None:
        """Snakemake knows of so many jobs now: checkpoints add some during a run."""
        if not self._rules:
            self.total = max(self.total, total)

    def hand_over(self, job: Job) -> None:
        """An attempt at a job runs, or waits in a queue if it has not begun."""
        self.try_again(job.id)
        self._jobs[job.id] = job
        if job.began is not None:
            self.running += self._counts(job)
        # Where only some rules are counted, this is how it is seen that a checkpoint added jobs.
        self.total = max(self.total, self.done + self.failed + self.running)

    def begin(self, job_id: int, at: float) -> None:
        """A job that waited in the queue of its executor has begun."""
        job = self._jobs.get(job_id)
        if job is not None and job.began is None:
            job.began = at
            self.running += self._counts(job)

    def finish(self, job_id: int, now: float) -> None:
        """A job is done."""
        job = self._leave(job_id)
        if job is not None and self._counts(job):
            self.done += 1
            if job.began is not None:
                self._timed += 1
                self._seconds += max(0.0, now - job.began)
            self._end(now)

    def fail(self, job_id: int, now: float) -> Job | None:
        """A job failed, for good unless it is tried again. None for one that was not at work."""
        job = self._leave(job_id)
        if job is not None:
            self._failed[job_id] = job, now
            if self._counts(job):
                self.failed += 1
                self._end(now)
        return job

    def try_again(self, job_id: int) -> Job | None:
        """A job that failed is queued again; None for one that is new."""
        job, at = self._failed.pop(job_id, (None, 0.0))
        if job is None:
            return self._leave(job_id)
        if self._counts(job):
            self.failed -= 1
            with suppress(ValueError):
                self._ends.remove(at)
        return job

    def fail_rest(self, now: float) -> None:
        """Nothing runs any more: what did not say how it ended has failed."""
        for job in list(self._jobs.values()):
            if job.began is not None:
                self.fail(job.id, now)

    def _leave(self, job_id: int) -> Job | None:
        job = self._jobs.pop(job_id, None)
        if job is not None and job.began is not None:
            self.running -= self._counts(job)
        return job

    def _counts(self, job: Job) -> bool:
        return not self._rules or job.rule in self._rules

    def _end(self, now: float) -> None:
        self._ends.append(now)
        while len(self._ends) > RECENT_ENDS or now - self._ends[0] > RECENT_SECONDS:
            self._ends.popleft()

    # -- what follows -----------------------------------------------------------------------

    @property
    def queued(self) -> int:
        """Those that have not begun, whether Snakemake has handed them over or not."""
        return max(0, self.total - self.done - self.failed - self.running)

    @property
    def beside(self) -> list[str]:
        """Rules at work whose jobs are not counted: what those that are counted may wait for."""
        at_work = (job for job in self._jobs.values() if job.began is not None)
        return sorted({job.rule for job in at_work if not self._counts(job)})

    @property
    def mean(self) -> float | None:
        """Seconds of a job that is done, from its begin to its end."""
        return self._seconds / self._timed if self._timed else None

    def per_minute(self, now: float) -> float | None:
        """Ends a minute of late, good and bad ones, over all that run side by side."""
        if not self._ends or self.started is None:
            return None
        # What left the window last is forgotten, so its oldest end is where it begins.
        is_whole = len(self._ends) == self.done + self.failed
        since = self.started if is_whole else self._ends[0]
        count = len(self._ends) - (not is_whole)
        return 60 * count / max(now - since, 1e-3) if count else None

    def left(self, now: float) -> float | None:
        """Seconds until all is over, at the speed of late."""
        speed = self.per_minute(now)
        return 60 * (self.running + self.queued) / speed if speed else None
