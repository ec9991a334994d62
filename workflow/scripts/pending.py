#!/usr/bin/env python
"""List the SAFEs that are pending, a path a line, for other tools.

Run by the rule `pending`, or by hand: python workflow/scripts/pending.py > list.txt
"""

import argparse
import sys

from xsar_batch.batch import script_settings
from xsar_batch.batch.plan import Plan

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Such a list, as a .txt file, is what the setting `safes` takes. Exit code 78: the "
        "settings are wrong.",
    )
    script_settings.add_arguments(parser)
    options = parser.parse_args()
    plan = script_settings.checked(Plan.of_main_process, options, __file__)
    paths = plan.catalogue.safes["path"]
    try:
        sys.stdout.writelines(f"{paths[name]}\n" for name in plan.done.pending)
    except BrokenPipeError:
        # `head` has seen enough.
        sys.stderr.close()
