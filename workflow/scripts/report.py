#!/usr/bin/env python
"""Write the report of an output folder from its ``status.csv``.

By hand: python workflow/scripts/report.py --table status.csv OUTPUT_DIR OUTPUT.html
"""

import argparse
import sys
from importlib import metadata
from pathlib import Path

import xsar_batch
from xsar_batch import report
from xsar_batch.layout import Layout
from xsar_batch.report import outcomes


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output_dir", type=Path, help="folder of the products")
    parser.add_argument("report", type=Path, help="file to write, for example report.html")
    parser.add_argument(
        "--table", type=Path, help="a row for each SAFE [OUTPUT_DIR/status.csv]", metavar="CSV"
    )
    options = parser.parse_args(words)
    try:
        table = outcomes.read(options.table or options.output_dir / "status.csv")
        versions = {"xsar-batch": xsar_batch.__version__, "xsar": metadata.version("xsar")}
        report.write(options.report, table, Layout(options.output_dir), {}, versions)
    except (OSError, ValueError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
