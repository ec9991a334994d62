"""Whether two jobs are the same: what a later Snakemake recognises a job by.

It takes over what an earlier one has submitted or done only if all is equal that Snakemake's own
triggers look at: code, params, input and software. Resources are left out, as they differ from
attempt to attempt.
"""

import hashlib
import json
from contextlib import suppress
from typing import Any

from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args

#: What a rule runs if it is no command; such code can read all of the configuration.
_FILES = ("script", "notebook", "wrapper", "cwl", "template_engine")


def of_job(job: JobExecutorInterface, workflow: Any) -> str:
    """Return a text that is the same for the same job."""
    single = job.jobs if job.is_group() else [job]
    parts = sorted(json.dumps(_decisive(one, workflow), default=str) for one in single)
    targets = encode_target_jobs_cli_args(job.get_target_spec())
    decisive = json.dumps([sorted(targets), str(workflow.main_snakefile), parts])
    return hashlib.sha256(decisive.encode()).hexdigest()[:16]


def _decisive(job: Any, workflow: Any) -> list:
    rule = job.rule
    code = [_command(job), getattr(rule, "run_func_src", None), *_files(job, workflow)]
    files = [sorted(map(str, files)) for files in (job.input, job.output, job.log)]
    params = {str(key): repr(value) for key, value in job.params.items()}
    params |= {str(n): repr(value) for n, value in enumerate(job.params)}
    return [code, files, params, _software(job), _config(rule, workflow)]


def _command(job: Any) -> str | None:
    """The command, the same at every attempt: only its resources differ then."""
    template = getattr(job.rule, "shellcmd", None)
    return template and job.format_wildcards(template, resources=_Whatever())


def _files(job: Any, workflow: Any) -> list:
    """Names of scripts and notebooks, with their contents."""
    from snakemake.script import get_source

    found = []
    for kind in _FILES:
        path = getattr(job.rule, kind, None)
        if not path or path is True:
            continue
        found.append(str(path))
        if kind in ("script", "notebook"):
            # One that cannot be read fails the job itself, which says so.
            with suppress(Exception):
                source = get_source(
                    *(path, workflow.sourcecache, job.rule.basedir),
                    wildcards=job.wildcards,
                    params=job.params,
                )
                found.append(hashlib.sha256(repr(source[1]).encode()).hexdigest())
    return found


def _software(job: Any) -> list:
    """Environment, container and modules."""
    found: list = []
    for name, attribute in (("conda_env", "hash"), ("env_modules", "hash")):
        with suppress(Exception):
            found.append(str(getattr(getattr(job, name), attribute)))
    found.append(str(getattr(job, "container_img_url", None)))
    return found


def _config(rule: Any, workflow: Any) -> Any:
    """The configuration, if the job can read it other than by its command and params."""
    if getattr(rule, "shellcmd", None) is not None:
        return None
    return getattr(workflow, "config", None) or getattr(
        getattr(workflow, "config_settings", None), "config", None
    )


class _Whatever:
    """Stands for resources where they are of no consequence."""

    def __getattr__(self, name: str) -> str:
        return "any"

    __getitem__ = __getattr__
