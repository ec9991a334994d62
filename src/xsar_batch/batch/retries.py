"""No second attempt where the first has found that it is useless.

Snakemake asks the rule how often a job is tried, whatever it failed of. A bad SAFE would be tried
again too: with PBS, in a second PBS job, for which the run would wait.
"""

from collections.abc import Callable

from snakemake.jobs import Job


def skip_useless(rule: str, has_failed_for_good: Callable[[str], bool]) -> None:
    """Let Snakemake, in this process, ask first; its jobs of ``rule`` have a wildcard ``name``."""

    def restart_times(job: Job) -> int:
        allowed = job.rule.restart_times
        if allowed and job.rule.name == rule and has_failed_for_good(job.wildcards.name):
            return 0
        return allowed

    # Its scheduler reads this after a failure, and at no other time.
    Job.restart_times = property(restart_times)
