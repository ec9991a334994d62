"""From Snakemake's resources to what is asked of PBS.

=============  =====================================  ========================================
resource       of one job                             of a pack of n jobs, s of them at a time
=============  =====================================  ========================================
threads        ``-l select=1:ncpus=THREADS``          times s
mem_mb         ``mem=…mb`` in the same ``select``     times s
runtime        ``-l walltime=`` (minutes)             times the rounds, n / s rounded up
pbs_queue      ``-q``                                 the same
pbs_account    ``-A``                                 the same
pbs_extra      more arguments, as in a shell          the same
=============  =====================================  ========================================

What is not set is not asked for. ``mem`` goes into ``select`` and never beside it: PBS refuses
both (exit code 5). Only whole numbers are written: ``mem=1.5gb`` is refused (166), and a bare
``walltime=90`` would be seconds.
"""

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError

from .settings import ExecutorSettings

#: Characters of a job's name that every version of PBS takes.
NAME_LENGTH = 15


@dataclass(frozen=True)
class Request:
    """What one job asks for. Jobs whose requests are equal are packed together.

    ``runtime`` is in minutes. ``alone`` keeps a job out of packs: it holds something that no other
    job has.
    """

    rule: str
    attempt: int = 1
    threads: int = 1
    mem_mb: int | None = None
    runtime: int | None = None
    queue: str | None = None
    account: str | None = None
    extra: tuple[str, ...] = ()
    alone: str | None = None

    @classmethod
    def of(
        cls,
        rule: str,
        attempt: int,
        threads: int,
        resources: Mapping[str, Any],
        settings: ExecutorSettings,
        alone: str | None = None,
    ) -> "Request":
        """Read the resources of a job; the settings stand in for what it does not say.

        Raises
        ------
        WorkflowError
            A resource is not what it must be.
        """
        extra = resources.get("pbs_extra", settings.extra) or ""
        try:
            words = tuple(shlex.split(str(extra)))
        except ValueError as error:
            raise WorkflowError(
                f"rule {rule}: pbs_extra: {extra!r} is no list of arguments ({error}). "
                "Write for example: pbs_extra='-l place=excl'"
            ) from None
        return cls(
            rule=rule,
            attempt=attempt,
            threads=threads,
            mem_mb=_positive(rule, "mem_mb", resources.get("mem_mb")),
            runtime=_positive(rule, "runtime", resources.get("runtime")),
            queue=resources.get("pbs_queue", settings.queue) or None,
            account=resources.get("pbs_account", settings.account) or None,
            extra=words,
            alone=alone,
        )


@dataclass(frozen=True)
class PackRequest:
    """What a PBS job asks for: ``ncpus``, ``mem_mb`` (both of the whole), ``walltime`` (minutes).

    ``slots`` of its jobs run at a time.
    """

    job: Request
    slots: int
    ncpus: int
    mem_mb: int | None
    walltime: int | None

    @classmethod
    def of(cls, job: Request, count: int, settings: ExecutorSettings) -> "PackRequest":
        """What a pack of ``count`` such jobs asks for."""
        fits = max(1, (settings.pack_cores or job.threads) // job.threads)
        slots = min(fits, count)
        ncpus = slots * job.threads
        if settings.whole_nodes and not job.alone:
            ncpus = max(ncpus, settings.pack_cores or 1)
        rounds = math.ceil(count / slots)
        return cls(
            job=job,
            slots=slots,
            ncpus=ncpus,
            mem_mb=job.mem_mb and job.mem_mb * slots,
            walltime=job.runtime and job.runtime * rounds,
        )

    def __str__(self) -> str:
        """In words, for messages."""
        parts = [f"{self.ncpus} core{'s' if self.ncpus > 1 else ''}"]
        if self.mem_mb:
            parts.append(f"{self.mem_mb} MB")
        if self.walltime:
            parts.append(f"walltime {clock(self.walltime)}")
        return ", ".join(parts)


def qsub_arguments(
    request: PackRequest, name: str, output: str, script: str, umask: str
) -> list[str]:
    """Arguments of qsub. ``output`` is the path of what PBS itself has to say, ``umask`` in octal.

    ``-r n``: a job whose node dies is not started again by PBS; what it had not finished is
    submitted anew, so that nothing that is finished is done twice.
    """
    job = request.job
    arguments = ["-N", name, "-S", "/bin/bash", "-r", "n", "-m", "n", "-j", "oe", "-o", output]
    arguments += ["-W", f"umask={umask}"]
    if job.queue:
        arguments += ["-q", job.queue]
    if job.account:
        arguments += ["-A", job.account]
    asked = " ".join(job.extra)
    if "select=" not in asked:
        chunk = f"select=1:ncpus={request.ncpus}"
        arguments += ["-l", chunk + (f":mem={request.mem_mb}mb" if request.mem_mb else "")]
    if request.walltime and not re.search(r"(?<!min_)(?<!max_)walltime=", asked):
        arguments += ["-l", f"walltime={clock(request.walltime)}"]
    return [*arguments, *job.extra, script]


def job_name(rule: str, run: str, number: int) -> str:
    """A name that PBS of any version takes, and that tells what is in the job."""
    tail = f"-{run}-{number}"
    word = "".join(c if c.isascii() and c.isalnum() else "_" for c in rule) or "job"
    # A name must begin with a letter.
    word = word if word[0].isalpha() else f"r{word}"
    return word[: max(1, NAME_LENGTH - len(tail))] + tail


def clock(minutes: int) -> str:
    """Minutes as PBS wants them: ``4:00:00``."""
    return f"{minutes // 60}:{minutes % 60:02d}:00"


def _positive(rule: str, name: str, value: Any) -> int | None:
    if value is None:
        return None
    # Snakemake's own placeholder for what is not known yet, and floats from arithmetic.
    if isinstance(value, float) and math.isfinite(value):
        value = math.ceil(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        unit = {"mem_mb": "megabytes", "runtime": "minutes"}[name]
        raise WorkflowError(
            f"rule {rule}: {name}: {value!r} is no number of {unit} that can be asked for. "
            f"Write for example: {name}=1000"
        )
    return value
