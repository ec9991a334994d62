#!/usr/bin/env python
"""Check what the PBS of this site offers to the workflow; the report can go into an issue.

Run by the rule `doctor`, or by hand: python workflow/scripts/doctor.py --configfile my.yaml
"""

import argparse
import sys
from pathlib import Path

from snakemake_executor_plugin_pbs.doctor import command

from xsar_batch.batch import script_settings
from xsar_batch.batch.settings import Settings


def main() -> int:
    """Check the site with the profile, the archive and the output folder of the settings."""
    parser = argparse.ArgumentParser(prog="doctor.py", description=__doc__)
    parser.add_argument("--wait", default="60", help="seconds that the PBS job may wait [60]")
    script_settings.add_arguments(parser)
    options = parser.parse_args()
    settings = script_settings.checked(Settings.from_config, options, __file__)
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    profile = Path(__file__).resolve().parents[2] / "profiles" / "pbs"
    readable = [word for safes in settings.safes for word in ("--read", str(safes))]
    return command.main(
        [
            *("--profile", str(profile), "--folder", str(settings.output_dir)),
            *("--import", "xsar", "--wait", options.wait, *readable),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
