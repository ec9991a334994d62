#!/usr/bin/env python
"""Convert one SAFE into one checked product.

Run by the rule `convert`, with --run, or by hand, with the path of a SAFE and of the product.
"""

import argparse
import sys
from pathlib import Path

from xsar_batch import threads
from xsar_batch.failures import EXIT_CODES, Failure
from xsar_batch.function import OURS


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s SAFE PRODUCT --land-mask FILE [options]\n       %(prog)s --run FILE NAME",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit codes: 0 done, "
        + ", ".join(f"{code} {name}" for name, code in EXIT_CODES.items())
        + "; 130 Ctrl-C, 143 SIGTERM.",
    )
    parser.add_argument("safe", type=Path, help="the SAFE folder (with --run: its name)")
    parser.add_argument("product", type=Path, nargs="?", help="the netCDF file to write")
    parser.add_argument("--run", type=Path, metavar="FILE", help="what Snakemake's jobs know")
    parser.add_argument(
        "--land-mask",
        type=Path,
        metavar="FILE",
        help="land polygons, for example as workflow/scripts/land_mask.py makes them",
    )
    parser.add_argument("--resolution", default="1000m", help="size of a cell [%(default)s]")
    parser.add_argument(
        "--function",
        default=OURS,
        help="module:name or path/to/file.py:name [%(default)s]",
    )
    parser.add_argument("--threads", type=int, default=1, help="[%(default)s]")
    parser.add_argument("--compression", type=int, default=4, help="zlib level [%(default)s]")
    parser.add_argument("--log", type=Path, metavar="FILE", help="print there instead of here")
    parser.add_argument("--outcome", type=Path, metavar="FILE", help="write the outcome as JSON")
    arguments = parser.parse_args()
    if not arguments.run and not (arguments.product and arguments.land_mask):
        parser.error("PRODUCT and --land-mask are needed, or --run")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    # Before anything that loads numpy.
    threads.limit(arguments.threads)
    from xsar_batch import convert

    given = vars(arguments)
    run_file = given.pop("run")
    try:
        if run_file:
            name = arguments.safe.name.removesuffix(".SAFE")
            job = convert.Job.of_run(run_file, name, arguments.threads)
        else:
            job = convert.Job.by_hand(**given)
    except Failure as failure:
        print(f"FAILED {failure.name}: {failure}", file=sys.stderr)
        return failure.exit_code
    return convert.run(job)


if __name__ == "__main__":
    sys.exit(main())
