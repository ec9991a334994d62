"""Run the benchmarks, print a table, save it as JSON.

Absolute times mean little on shared machines; the ratios are what counts.
"""

import argparse
import json
import platform
import time
from pathlib import Path

from benchmarks import dry_run, live, report, scheduling, slow, speed, start

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        help="speed, start, dry-run, scheduling, report [all these], slow, live",
        metavar="WHAT",
    )
    parser.add_argument("--safes", type=int, default=100_000, help="of a dry run [%(default)s]")
    parser.add_argument("--products", type=int, default=8, help="to convert [%(default)s]")
    parser.add_argument(
        "--size", type=int, nargs=2, default=speed.FULL, help="lines and samples %(default)s"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of each [%(default)s]")
    parser.add_argument(
        "--folder", type=Path, default=HERE / "data", help="for scenes and venv [%(default)s]"
    )
    options = parser.parse_args()
    what = options.what or ["speed", "start", "dry-run", "scheduling", "report"]

    rows = []
    if "speed" in what:
        rows += speed.run(
            options.folder.absolute(), options.products, tuple(options.size), options.repeats
        )
    if "start" in what:
        rows += start.run(options.safes // 2, options.repeats)
    if "dry-run" in what:
        rows += dry_run.run(options.safes, options.repeats)
    if "scheduling" in what:
        rows += scheduling.run()
    if "slow" in what:
        rows += slow.run(options.folder.absolute(), options.repeats)
    if "live" in what:
        rows += live.run(300)
    if "report" in what:
        rows += report.run(20) + report.run(20_000)
    for row in rows:
        goal = f"   goal {row['goal']}" if "goal" in row else ""
        print(f"{row['benchmark']:44} {row['figure']:8.2f}{goal}")
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    file.write_text(json.dumps({"python": platform.python_version(), "rows": rows}, indent=1))
    print(f"saved to {file}")


if __name__ == "__main__":
    main()
