"""The report as a command: by hand, as a rule, and at the end of a run."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xsar_batch.batch import script_settings, status
from xsar_batch.batch.plan import Plan
from xsar_batch.batch.settings import Settings
from xsar_batch.conversion.layout import Layout
from xsar_batch.failures import Failure
from xsar_batch.system.versions import versions

if TYPE_CHECKING:
    import pandas as pd

    from xsar_batch.batch.run import End


def at_end(plan: Plan, end: "End") -> str | None:
    """Write report and ``status.geojson``; returns why that failed, nothing if it did not, None if
    no report is wanted."""
    if not plan.settings.report or end.trouble:
        return None
    from xsar_batch.report import status_table

    try:
        _write(
            plan.layout.report, status_table.of_rows(end.rows), plan.layout, plan.settings.told()
        )
    except KeyboardInterrupt:
        # The end of the run is still to be told.
        return "interrupted"
    except OSError as error:
        return f"{error.filename2 or error.filename}: {error.strerror or error}"
    except Exception as error:
        # A run that went well does not end with a traceback because of its picture.
        return str(error) or type(error).__name__
    return ""


def main(words: list[str], script: str = __file__) -> int:
    """Write a report, and say where; returns an exit code. ``script`` is what was called."""
    parser = argparse.ArgumentParser(
        prog="report.py",
        description="Write the report: how it stands with every SAFE, to look at.",
        epilog="Without OUTPUT_DIR it is that of the settings, as it stands now: status.csv and "
        "report.html in it are written anew. That does no harm while a run is at work. With it, "
        "only the table is read, and only report and status.geojson are "
        "written. Exit code 78: the settings are "
        "wrong.",
    )
    parser.add_argument(
        "output_dir", type=Path, nargs="?", metavar="OUTPUT_DIR", help="folder of the products"
    )
    parser.add_argument(
        "report", type=Path, nargs="?", metavar="OUTPUT.html", help="[OUTPUT_DIR/report.html]"
    )
    parser.add_argument(
        "--table", type=Path, help="a row for each SAFE [OUTPUT_DIR/status.csv]", metavar="CSV"
    )
    script_settings.add_arguments(parser)
    options = parser.parse_args(words)
    if options.table and not options.output_dir:
        parser.error("--table needs an OUTPUT_DIR, where logs and quicklooks are looked up")
    try:
        file = _of_table(options) if options.output_dir else _of_now(options, script)
    except OSError as error:
        where = error.filename2 or error.filename
        print(f"report: {where}: {error.strerror or error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    print(file)
    return 0


def _of_table(options: argparse.Namespace) -> Path:
    from xsar_batch.report import status_table

    layout = Layout(options.output_dir)
    table = status_table.read(options.table or layout.status)
    file = options.report or layout.report
    _write(file, table, layout, {})
    return file


def _of_now(options: argparse.Namespace, script: str) -> Path:
    from xsar_batch.report import status_table

    plan, rows = as_it_stands(*script_settings.settings(options, script))
    layout = plan.layout
    layout.output_dir.mkdir(parents=True, exist_ok=True)
    status.write(layout.status, rows)
    _write(layout.report, status_table.of_rows(rows), layout, plan.settings.told())
    return layout.report


def _write(file: Path, table: "pd.DataFrame", layout: Layout, settings: Mapping[str, str]) -> None:
    # Half a second, which only who writes one need spend.
    from xsar_batch import report
    from xsar_batch.report import geojson, status_table

    told = {key.removesuffix("_version"): value for key, value in versions().items()}
    report.write(file, table, layout, settings, told)
    geojson.write(file.with_name(layout.geojson.name), status_table.prepared(table))


def as_it_stands(config: Mapping[str, Any], schema: Path) -> tuple[Plan, list[status.Row]]:
    """The plan, and how it stands with every SAFE now.

    Should a run end meanwhile, and write ``status.csv``, that one is newer: then once more.

    Raises
    ------
    ConfigError, LandMaskError
        As :meth:`Plan.of_main_process`.
    """
    file = Layout(Settings.from_config(config, schema).output_dir).status
    while True:
        before = _version(file)
        plan = Plan.of_main_process(config, schema)
        assert plan.catalogue is not None, "the main process lists the SAFEs"
        rows = status.table(plan.catalogue.safes.index, plan.done.pending, plan.layout)
        if _version(file) == before:
            return plan, rows


def _version(file: Path) -> tuple[int, int] | None:
    try:
        told = file.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
