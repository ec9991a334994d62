#!/usr/bin/env python
"""Write report.html: how it stands with every SAFE, to look at.

Run by the rule `report`, or by hand: python workflow/scripts/report.py
"""

import sys

from xsar_batch.report import command

if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:], __file__))
