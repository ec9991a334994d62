#!/usr/bin/env python
"""Print what conversions really needed, as lines to paste into a profile.

By hand: python workflow/scripts/advice.py
"""

import argparse

from xsar_batch.batch import resources, script_settings, status
from xsar_batch.batch.settings import Settings
from xsar_batch.conversion.layout import Layout

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    script_settings.add_arguments(parser)
    settings = script_settings.checked(Settings.from_config, parser.parse_args(), __file__)
    rows = status.read(Layout(settings.output_dir).status)
    print("\n".join(resources.lines(rows.values())))
