#!/usr/bin/env python
"""Draw a product that is there. (That of a conversion is drawn by the conversion.)

By hand: python workflow/scripts/quicklook.py PRODUCT PNG
"""

import argparse
import sys
from pathlib import Path

from xsar_batch import quicklook


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("product", type=Path, metavar="PRODUCT", help="netCDF file, read only")
    parser.add_argument("png", type=Path, metavar="PNG", help="picture to write or replace")
    given = parser.parse_args()
    try:
        quicklook.of_product(given.product, given.png)
    except Exception as error:
        print(f"no quicklook: {quicklook.cause(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
