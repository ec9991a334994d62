"""The checks as a command."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake_interface_common.exceptions import WorkflowError

from ..settings import ExecutorSettings
from . import here
from .checks import Check, table
from .node import NodeJob

#: Seconds that a PBS job may wait in its queue.
WAIT = 60.0


def checks(
    folder: Path,
    profile: dict[str, Any],
    modules: Sequence[str] = (),
    paths: Sequence[str] = (),
    wait: float = WAIT,
) -> Iterator[Check]:
    """All checks, one by one. ``profile`` holds keys of a profile of Snakemake."""
    settings = settings_of(profile)
    yield here.software()
    yield from here.folder_checks(folder)
    batch_system = here.batch_system()
    yield batch_system
    if batch_system.change:
        return
    check, known = here.all_queues()
    yield check
    yield here.chosen_queue(settings, known)
    precommand = profile.get("precommand") or ""
    yield from NodeJob(folder, settings, precommand, modules, paths).checks(wait)


def settings_of(profile: dict[str, Any]) -> ExecutorSettings:
    """The executor's settings in a profile."""
    names = set(ExecutorSettings.__dataclass_fields__)
    keys = {
        key.removeprefix("pbs-").replace("-", "_"): value
        for key, value in profile.items()
        if key.startswith("pbs-")
    }
    return ExecutorSettings(**{key: value for key, value in keys.items() if key in names})


def read_profile(path: Path | None) -> dict[str, Any]:
    """Keys of a profile: a folder with ``config.yaml``, or that file."""
    if path is None:
        return {}
    file = path / "config.yaml" if path.is_dir() else path
    return yaml.safe_load(file.read_text()) or {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if there is nothing to change."""
    parser = argparse.ArgumentParser(
        prog="python -m snakemake_executor_plugin_pbs.doctor",
        description="Checks what a PBS site offers, with one small PBS job. Takes about a minute.",
    )
    parser.add_argument("--profile", type=Path, help="profile of Snakemake (a folder)")
    parser.add_argument("--queue", help="queue, instead of that of the profile")
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="folder of the output, on a shared file system"
    )
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="module of Python whose import is timed here and on a node",
    )
    parser.add_argument(
        "--read",
        dest="paths",
        action="append",
        default=[],
        metavar="PATH",
        help="folder or file that must be readable here and on a node",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT,
        metavar="SECONDS",
        help="time that the PBS job may wait in its queue",
    )
    options = parser.parse_args(arguments)
    try:
        profile = read_profile(options.profile)
        if options.queue:
            profile["pbs-queue"] = options.queue
        found = list(checks(options.folder, profile, options.modules, options.paths, options.wait))
    except (OSError, yaml.YAMLError, WorkflowError) as problem:
        print(f"doctor: {problem}", file=sys.stderr)
        return 2
    print(f"PBS at this site, {time.strftime('%Y-%m-%d %H:%M')}\n\n{table(found)}")
    return int(any(check.change for check in found))
