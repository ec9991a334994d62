"""Benchmarks: `make bench` runs them all, `python -m benchmarks --help` tells more."""

import sys
from pathlib import Path

#: Where the PBS of the executor's tests is, which the benchmarks run too.
_PBS = Path(__file__).parent.parent / "plugins" / "snakemake-executor-plugin-pbs" / "tests"

sys.path.append(str(_PBS))
