"""What a dry run costs, against a bare Snakefile of one rule over the same names.

The bare one lists the archive and asks for all products: the least that any workflow can do.
Both run in turn, so that a busy machine slows both; figures are CPU seconds of the whole process.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]

BARE = """
import os
NAMES = sorted(entry[:-5] for entry in os.listdir("archive"))

rule all:
    input: expand("products/{name}.nc", name=NAMES)

rule convert:
    input: "archive/{name}.SAFE"
    output: "products/{name}.nc"
    shell: "touch {output}"
"""


@dataclass(frozen=True)
class Cost:
    """CPU seconds and megabytes of one command."""

    cpu: float
    memory: float


def measure(command: list[str], cwd: Path) -> Cost:
    """Run a command to its end; RuntimeError with its output if it fails."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{command} failed:\n{output.read()[-4000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def prepare(folder: Path, count: int) -> None:
    """An archive of empty SAFE folders, the bare Snakefile, and our settings."""
    (folder / "archive").mkdir()
    (folder / "products").mkdir()
    for number in range(count):
        (folder / "archive" / f"{name(number)}.SAFE").mkdir()
    (folder / "Snakefile").write_text(BARE)
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text("safes: [archive]\noutput_dir: products\n")


def name(number: int) -> str:
    """A valid name of a SAFE, another for every number."""
    day, second = divmod(number * 30, 86_400)
    start = time.strftime("%Y%m%dT%H%M%S", time.gmtime(1_700_000_000 + day * 86_400 + second))
    return f"S1A_IW_GRDH_1SDV_{start}_{start}_{number:06d}_{number:06X}_{number % 65_536:04X}"


def compare(folder: Path, repeats: int) -> dict[str, list[Cost]]:
    """Costs of both, in turn."""
    snakemake = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all"]
    ours = [*snakemake, "--snakefile", str(REPO / "Snakefile")]
    ours += ["--configfile", "config/config.yaml"]
    costs: dict[str, list[Cost]] = {"ours": [], "bare": []}
    for _ in range(repeats):
        costs["bare"].append(measure([*snakemake, "--rerun-triggers", "mtime"], folder))
        costs["ours"].append(measure(ours, folder))
    return costs


def run(count: int, repeats: int) -> list[dict]:
    """Rows of the table: CPU and memory, and their ratio to the bare Snakefile's."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder, count)
        for state in ("none done", "all done"):
            if state == "all done":
                # Products made later than the archive, as in life.
                for number in range(count):
                    (folder / "products" / f"{name(number)}.nc").write_text("made")
            costs = compare(folder, repeats)
            what = f"dry run of {count} SAFEs, {state}"
            for unit, key in (("CPU s", "cpu"), ("MB", "memory")):
                of = {who: median([getattr(c, key) for c in costs[who]]) for who in costs}
                rows += [
                    {"benchmark": f"{what}: {unit}", "figure": of["ours"]},
                    {"benchmark": f"{what}: {unit} / bare", "figure": of["ours"] / of["bare"]},
                ]
                rows[-1]["goal"] = 1.2
    return rows


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
