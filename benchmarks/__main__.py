"""Run the benchmarks, print a table, save it as JSON.

Absolute times mean little on shared machines; the ratios are what counts.
"""

import argparse
import json
import platform
import time
from pathlib import Path

from . import dry_run

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--safes", type=int, default=20_000, help="in the archive [%(default)s]")
    parser.add_argument("--repeats", type=int, default=3, help="of each [%(default)s]")
    options = parser.parse_args()

    rows = dry_run.run(options.safes, options.repeats)
    for row in rows:
        print(
            f"{row['benchmark']:40} ours {row['ours CPU s']:6.1f} s CPU {row['ours MB']:5.0f} MB   "
            f"bare {row['bare CPU s']:6.1f} s CPU {row['bare MB']:5.0f} MB   "
            f"ratio {row['ratio']:.2f}"
        )
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    file.write_text(json.dumps({"python": platform.python_version(), "rows": rows}, indent=1))
    print(f"saved to {file}")


if __name__ == "__main__":
    main()
