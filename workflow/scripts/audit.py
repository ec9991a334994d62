#!/usr/bin/env python
"""Check products that are there: list, and take away on request, those to be made again.

Run by the rule `audit`, or by hand: python workflow/scripts/audit.py --help
"""

import sys

from xsar_batch.audit import command

if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:]))
