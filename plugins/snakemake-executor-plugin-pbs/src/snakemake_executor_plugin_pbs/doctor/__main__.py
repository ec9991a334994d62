"""``python -m snakemake_executor_plugin_pbs.doctor``."""

import sys

from .command import main

sys.exit(main())
