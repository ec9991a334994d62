#!/usr/bin/env python
"""Print a table of SAFEs: name, state, reason and path, with tabs between them.

Run by the rules `pending`, `failed` and `done`, or by hand: python workflow/scripts/list.py failed
"""

import argparse
import sys

from xsar_batch.batch import listing, script_settings
from xsar_batch.batch.plan import Plan

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Exit code 78: the settings are wrong.",
    )
    parser.add_argument("which", choices=listing.WHICH)
    script_settings.add_arguments(parser)
    options = parser.parse_args()
    plan = script_settings.checked(Plan.of_main_process, options, __file__)
    try:
        sys.stdout.writelines(f"{line}\n" for line in listing.lines(plan, options.which))
    except BrokenPipeError:
        # `head` has seen enough.
        sys.stderr.close()
