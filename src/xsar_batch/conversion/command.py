"""The command that converts one SAFE: what ``workflow/scripts/convert.py`` runs."""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from xsar_batch.conversion.user_function import OURS
from xsar_batch.failures import EXIT_CODES, Failure
from xsar_batch.system import threads


@cache
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="convert.py",
        description="Convert one SAFE into one checked product.",
        usage="%(prog)s SAFE PRODUCT --land-mask FILE [options]\n       %(prog)s --run FILE NAME",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit codes: 0 done, "
        + ", ".join(f"{code} {name}" for name, code in EXIT_CODES.items())
        + "; 130 Ctrl-C, 143 SIGTERM.",
    )
    made.add_argument("safe", type=Path, help="the SAFE folder (with --run: its name)")
    made.add_argument("product", type=Path, nargs="?", help="the netCDF file to write")
    made.add_argument("--run", type=Path, metavar="FILE", help="what Snakemake's jobs know")
    made.add_argument(
        "--land-mask",
        type=Path,
        metavar="FILE",
        help="land polygons, for example as workflow/scripts/land_mask.py makes them",
    )
    made.add_argument("--resolution", default="1000m", help="size of a cell [%(default)s]")
    made.add_argument(
        "--function",
        default=OURS,
        help="module:name or path/to/file.py:name [%(default)s]",
    )
    made.add_argument(
        "--no-repairs",
        dest="repairs",
        action="store_false",
        help="leave what xsar makes wrong as it is, but for positions",
    )
    made.add_argument("--threads", type=int, default=1, help="[%(default)s]")
    made.add_argument(
        "--minutes", type=float, default=0, help="with --run: time after which it is ended"
    )
    made.add_argument(
        "--memory", type=float, default=0, help="with --run: MB that it may take, for the record"
    )
    made.add_argument("--compression", type=int, default=4, help="zlib level [%(default)s]")
    made.add_argument("--quicklook", type=Path, metavar="FILE", help="draw it too, as a PNG")
    made.add_argument("--log", type=Path, metavar="FILE", help="print there instead of here")
    made.add_argument("--outcome", type=Path, metavar="FILE", help="write the outcome as JSON")
    return made


def main(words: Sequence[str]) -> int:
    """Convert; returns the exit code.

    Raises
    ------
    SystemExit
        The arguments make no sense.
    """
    reader = parser()
    given = vars(reader.parse_args(words))
    if not given["run"] and not (given["product"] and given["land_mask"]):
        reader.error("PRODUCT and --land-mask are needed, or --run")
    # Before anything that loads numpy.
    threads.limit(given["threads"])
    from xsar_batch.conversion import convert
    from xsar_batch.conversion.job import Job

    run_file = given.pop("run")
    asked = {"minutes": given.pop("minutes"), "memory_mb": given.pop("memory")}
    try:
        if run_file:
            asked_for = Job.of_run(run_file, _name(given["safe"]), given["threads"], **asked)
        else:
            asked_for = Job.by_hand(**given)
    except Failure as failure:
        print(f"FAILED {failure.name}: {failure}", file=sys.stderr)
        return failure.exit_code
    return convert.run(asked_for)


def check(words: Sequence[str]) -> int:
    """Only check the SAFE of a run's job: 0 if it is whole. Nothing is written."""
    from xsar_batch.conversion import job_table, recipe
    from xsar_batch.sentinel1 import safe

    try:
        known, path = job_table.read(*run_and_name(words))
        if path is None:
            return 1
        safe.check(Path(path), recipe.wants_repairs(known["recipe"]))
    except Failure as failure:
        return failure.exit_code
    return 0


def run_and_name(words: Sequence[str]) -> tuple[Path, str]:
    """Run file and SAFE of a job of a run."""
    given = parser().parse_args(words)
    return given.run, _name(given.safe)


def _name(path: Path) -> str:
    return path.name.removesuffix(".SAFE")
