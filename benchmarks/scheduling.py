"""What the main process costs with many jobs, by an executor whose jobs cost nothing.

A workflow of one rule; the executor lets so many jobs end each second and makes their outputs
itself. Planning does not count; handing all jobs over is measured apart, as it happens once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

PROFILE = Path(__file__).resolve().parents[1] / "profiles" / "pbs" / "config.yaml"

#: Settings of Snakemake's scheduler; others of a profile do not matter here.
KEYS = ("jobs", "max-jobs-per-timespan", "scheduler", "scheduler-subsample")

WORKFLOW = """
rule all:
    input: expand("made/{{n}}", n=range({count}))

rule one:
    output: "made/{{n}}"
    shell: "touch {{output}}"
"""

#: Found by Snakemake by its name, on PYTHONPATH.
EXECUTOR = """
import asyncio, os, time
from collections import deque
from pathlib import Path
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings
from snakemake_executor_plugin_pbs.scheduling import shrink

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=False, auto_deploy_default_storage_provider=False,
    init_seconds_before_status_checks=0,
)

class Executor(RemoteExecutor):
    begun, taken, ended = None, 0, 0

    def run_jobs(self, jobs):
        super().run_jobs(jobs)
        shrink(self.workflow)

    def run_job(self, job):
        if self.begun is None:
            self.begun = time.monotonic()
            Path("begun").touch()
        self.report_job_submission(SubmittedJobInfo(job))
        self.taken += 1
        if self.taken == int(os.environ["COUNT"]):
            Path("taken").touch()

    async def check_active_jobs(self, active_jobs):
        rate = float(os.environ["ENDS_A_SECOND"])
        due = 0 if self.begun is None else int((time.monotonic() - self.begun) * rate) - self.ended
        for number, info in enumerate(active_jobs):
            if number < due:
                for path in info.job.output:
                    Path(path).touch()
                self.ended += 1
                self.report_job_success(info)
            else:
                yield info

    async def sleep(self):
        # As long as the executor for PBS sleeps between two rounds.
        await asyncio.sleep(2)

    def cancel_jobs(self, active_jobs):
        pass
"""


def settings_of(profile: Path) -> dict[str, Any]:
    """Return what a profile says to Snakemake's scheduler."""
    known = yaml.safe_load(profile.read_text())
    return {key: known[key] for key in KEYS if key in known}


def measure(
    count: int, settings: dict[str, Any], seconds: float, rate: float = 4, timeout: float = 600
) -> dict:
    """Return share of a core, threads and ends a second of a run, measured for ``seconds``.

    ``handed_over`` is what handing over all jobs costs, in CPU seconds.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugin = folder / "path" / "snakemake_executor_plugin_nothing"
        plugin.mkdir(parents=True)
        (plugin / "__init__.py").write_text(EXECUTOR)
        (folder / "Snakefile").write_text(WORKFLOW.format(count=count))
        (folder / "made").mkdir()
        words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--executor", "nothing", *words, "--quiet", "all"],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(folder / "path"),
                "ENDS_A_SECOND": str(rate),
                "COUNT": str(count),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            main = psutil.Process(process.pid)
            before = _cpu_when(folder / "begun", main)
            # Limits that hold jobs back never let all of them through.
            handed_over = _cpu_when(folder / "taken", main, timeout) - before
            return {"handed_over": handed_over, **_sample(main, folder / "made", seconds)}
        finally:
            process.kill()
            process.wait()


def _cpu_when(path: Path, process: psutil.Process, timeout: float = float("inf")) -> float:
    """CPU seconds of a process at the moment in which a file appears, or timeout is over."""
    until = time.monotonic() + timeout
    while not path.exists() and time.monotonic() < until:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError("snakemake has ended")
        time.sleep(0.1)
    times = process.cpu_times()
    return times.user + times.system


def _sample(process: psutil.Process, made: Path, seconds: float) -> dict:
    def state() -> tuple[float, float, int]:
        times = process.cpu_times()
        return time.monotonic(), times.user + times.system, sum(1 for _ in made.iterdir())

    begin, threads = state(), 0
    until = begin[0] + seconds
    while time.monotonic() < until:
        threads = max(threads, process.num_threads())
        time.sleep(1)
    elapsed, cpu, ends = (b - a for a, b in zip(begin, state(), strict=True))
    return {
        "core": 100 * cpu / elapsed,
        "threads": threads,
        "ends": ends / elapsed,
        "memory": process.memory_info().rss / 1e6,
    }


def run(counts: tuple[int, ...] = (20_000, 100_000), seconds: float = 60) -> list[dict]:
    """Return rows for the table of benchmarks."""
    rows = []
    for count in counts:
        found = measure(count, settings_of(PROFILE), seconds)
        what = f"main process, {count} jobs"
        rows += [
            {"benchmark": f"{what}: % of a core", "figure": found["core"], "goal": 5},
            {"benchmark": f"{what}: threads", "figure": found["threads"], "goal": 10},
            {"benchmark": f"{what}: ends a second, of 4", "figure": found["ends"], "goal": 4},
            {"benchmark": f"{what}: CPU s to hand over", "figure": found["handed_over"]},
            {"benchmark": f"{what}: MB", "figure": found["memory"]},
        ]
    return rows


if __name__ == "__main__":
    print(json.dumps(run(tuple(map(int, sys.argv[1:])) or (20_000, 100_000)), indent=1))
