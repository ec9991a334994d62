"""Snakemake's arguments for the jobs of a pack, of the command line that it makes for one job."""

import ast
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

#: A quoted part of a command line, as Python writes a string, or one without quotes.
_PART = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s'"]+""")


def of_pack(executor: RealExecutor, jobs: Sequence[JobExecutorInterface]) -> list[str]:
    """Arguments for jobs that run in one Snakemake, but for targets and cores."""
    command = executor.format_job_exec(jobs[0])
    for path in _with_backslash(executor):
        # Of a backslash in what is quoted nobody could tell whether it is one or half of one.
        command = command.replace(shlex.quote(path), repr(path))
    arguments = words(command.split(" -m snakemake ", 1)[1])
    # With threads, jobs with a shadow folder would change the working directory of the others.
    for option in ("--target-jobs", "--cores", "--unneeded-temp-files", "--force-use-threads"):
        arguments = _without(arguments, option)
    for option, values in (
        ("--unneeded-temp-files", map(executor.workflow.dag.get_unneeded_temp_files, jobs)),
        ("--wait-for-files", (job.get_wait_for_files() for job in jobs)),
    ):
        if all_of_them := list(dict.fromkeys(str(v) for each in values for v in each)):
            arguments += [option, *all_of_them]
    return arguments


def _with_backslash(executor: RealExecutor) -> list[str]:
    """Paths in that command line that hold a backslash: these are quoted for a shell."""
    workflow = executor.workflow
    paths = (
        *(executor.get_snakefile(), workflow.overwrite_workdir, *workflow.overwrite_configfiles),
        workflow.sourcecache.runtime_cache_path,
    )
    return [str(path) for path in paths if isinstance(path, Path) and "\\" in str(path)]


def words(command: str) -> list[str]:
    """Split a command line that Snakemake has put together: it quotes as Python does, which is
    not what a shell reads where there are quotes or backslashes within."""
    found: list[str] = []
    end = -1
    for part in _PART.finditer(command):
        text = _unquoted(part[0]) if part[0][0] in "'\"" else part[0]
        if part.start() == end:
            found[-1] += text
        else:
            found.append(text)
        end = part.end()
    return found


def _unquoted(text: str) -> str:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        # Quoted for a shell, where a backslash means itself.
        return text[1:-1]


def _without(arguments: list[str], option: str) -> list[str]:
    """Arguments without an option and its values."""
    if option not in arguments:
        return arguments
    start = arguments.index(option)
    end = start + 1
    while end < len(arguments) and not arguments[end].startswith("--"):
        end += 1
    return arguments[:start] + arguments[end:]
