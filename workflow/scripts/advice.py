#!/usr/bin/env python
"""Print what conversions really needed, as lines to paste into a profile.

By hand: python workflow/scripts/advice.py
"""

import argparse
import sys

from xsar_batch import advice, by_hand, status
from xsar_batch.failures import Failure
from xsar_batch.layout import Layout
from xsar_batch.settings import Settings

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    by_hand.add_arguments(parser)
    try:
        settings = Settings.from_config(*by_hand.settings(parser.parse_args(), __file__))
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.exit_code)
    rows = status.read(Layout(settings.output_dir).status)
    print("\n".join(advice.lines(rows.values())))
