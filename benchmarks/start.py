"""What a job costs before it converts, with many SAFEs in the run and with few.

A job's Snakemake reads the Snakefile, and the conversion looks its SAFE up.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.dry_run import REPO, measure, median, name
from xsar_batch.conversion import job_table, recipe
from xsar_batch.conversion.layout import Layout

JOB = """
import json, sys
from pathlib import Path
from xsar_batch.batch.plan import Plan
from xsar_batch.conversion.job import Job
plan = Plan.of_job(json.loads(sys.argv[1]))
Job.of_run(plan.run_file, sys.argv[2], 1)
"""


def cost(folder: Path, count: int) -> float:
    """CPU seconds of a start, with so many SAFEs."""
    config = {"safes": ["archive"], "output_dir": str(folder / f"products-{count}")}
    file = Layout(Path(config["output_dir"])).run(recipe.digest(config))
    known = {
        **{"output_dir": config["output_dir"], "land_mask": "land.fgb", "recipe": {}},
        **{"function": "xsar_batch.l1b:l1b", "compression": 4, "quicklooks": True},
    }
    if not file.exists():
        names = [name(number) for number in range(count)]
        job_table.write(file, known, {one: f"/archive/{one}.SAFE" for one in names})
    settings = json.dumps(config)
    return measure([sys.executable, "-c", JOB, settings, name(count // 2)], REPO).cpu


def run(many: int, repeats: int, few: int = 10) -> list[dict]:
    """Rows of the table."""
    os.environ["PYTHONPATH"] = str(REPO)
    with tempfile.TemporaryDirectory() as temporary:
        of = {n: [cost(Path(temporary), n) for _ in range(repeats)] for n in (few, many)}
    more = median(of[many]) - median(of[few])
    what = f"start of a job, {many} SAFEs against {few}: CPU s more"
    return [{"benchmark": what, "figure": more, "goal": 0.2}]
