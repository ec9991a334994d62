"""Settings for scripts that are run by hand: given as Snakemake takes them, and read as it reads
them."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from xsar_batch.failures import ConfigError, Failure

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--configfile`` and ``--config`` as Snakemake has them; ``--settings`` for its rules."""
    parser.add_argument(
        "--configfile", nargs="+", default=[], metavar="FILE", help="settings, as for snakemake"
    )
    parser.add_argument(
        "--config", nargs="+", default=[], metavar="KEY=VALUE", help="settings, as for snakemake"
    )
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)


def settings(options: argparse.Namespace, script: str) -> tuple[Mapping[str, Any], Path]:
    """The settings, and the schema to check them against.

    They are those of ``config/config.yaml``, then of the files and values given, in turn.
    ``script`` is a file in ``workflow/scripts``: both belong to the same workflow.

    Raises
    ------
    ConfigError
        A file cannot be read, or a value makes no sense.
    """
    workflow = Path(script).resolve().parents[1]
    schema = workflow / "schemas" / "config.schema.yaml"
    if options.settings is not None:
        return options.settings, schema
    # Takes a second, which a rule need not spend.
    from snakemake.cli import parse_config
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    made: dict[str, Any] = {}
    try:
        for file in (workflow.parent / "config" / "config.yaml", *options.configfile):
            update_config(made, load_configfile(str(file)))
        update_config(made, parse_config(options.config))
    except Exception as error:
        raise ConfigError(
            f"the settings cannot be read: {' '.join(str(error).split())}\n"
            "    write for example:  --configfile my.yaml --config output_dir=/a/folder"
        ) from None
    return made, schema


def checked(
    make: Callable[[Mapping[str, Any], Path], T], options: argparse.Namespace, script: str
) -> T:
    """What ``make`` makes of the settings; ends the script with one sentence if they are wrong."""
    try:
        return make(*settings(options, script))
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.exit_code)
