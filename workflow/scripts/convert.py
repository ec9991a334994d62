#!/usr/bin/env python
"""Convert one SAFE into one checked product.

Run by the rule `convert`, or by hand: python workflow/scripts/convert.py --help
"""

import argparse
import sys
from pathlib import Path

from xsar_batch import threads


def job_of_snakemake(snakemake):
    """The job that Snakemake asks for."""
    threads.limit(snakemake.threads)
    from xsar_batch import convert

    recipe_file = Path(snakemake.input.recipe)
    return convert.Job(
        safe=Path(snakemake.params.safe),
        product=Path(snakemake.output[0]),
        land_mask=Path(snakemake.input.land_mask),
        recipe=convert.read_recipe(recipe_file),
        recipe_file=recipe_file,
        function=snakemake.params.function,
        threads=snakemake.threads,
        compression=snakemake.params.compression,
        log=Path(snakemake.log[0]),
        outcome=Path(snakemake.params.outcome),
        attempt=snakemake.resources.get("attempt", 1),
    )


def job_of_command_line():
    """The job that somebody types."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit codes: 0 done, 65 bad-safe, 69 unsupported, 70 bad-product, "
        "71 out-of-memory, 72 land-mask, 74 disk-full, 78 config, 1 unknown.",
    )
    parser.add_argument("safe", type=Path, help="the SAFE folder")
    parser.add_argument("product", type=Path, help="the netCDF file to write")
    parser.add_argument(
        "--land-mask",
        type=Path,
        required=True,
        help="land polygons, for example as workflow/scripts/land_mask.py makes them",
    )
    parser.add_argument("--resolution", default="1000m", help="size of a cell [%(default)s]")
    parser.add_argument(
        "--function",
        default="xsar_batch.l1b:l1b",
        help="module:name or path/to/file.py:name [%(default)s]",
    )
    parser.add_argument("--threads", type=int, default=1, help="[%(default)s]")
    parser.add_argument("--compression", type=int, default=4, help="zlib level [%(default)s]")
    parser.add_argument("--log", type=Path, help="print there instead of here")
    parser.add_argument("--outcome", type=Path, help="write the outcome there, as JSON")
    options = parser.parse_args()

    threads.limit(options.threads)
    from xsar_batch import convert, function, land_mask

    recipe = {
        "resolution": options.resolution,
        "function": function.identity(options.function),
        "land_mask": land_mask.identity(options.land_mask),
    }
    return convert.Job(recipe=recipe, **vars(options))


if __name__ == "__main__":
    job = job_of_snakemake(snakemake) if "snakemake" in globals() else job_of_command_line()
    from xsar_batch import convert

    sys.exit(convert.run(job))
