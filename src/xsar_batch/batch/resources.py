"""What conversions really needed, as lines for a profile."""

import math
from collections.abc import Iterable, Iterator

from xsar_batch.batch.status import Row
from xsar_batch.system.messages import duration

#: Megabytes that a PBS job has besides a conversion: two processes of Snakemake (190), the warm
#: interpreter (290), and the one that waits (20). PBS adds up what each has, shared or not.
BESIDE = 500

#: What is asked for, as a multiple of the most that was needed.
MEMORY_MARGIN = 1.25
TIME_MARGIN = 2.0

#: Conversions from which one may draw conclusions.
ENOUGH = 20


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Memory and run time of the products that are done, and what to ask for, as YAML."""
    done = [row for row in rows if row["state"] == "done" and row["seconds"]]
    if not done:
        yield "# nothing was measured yet: no conversion has come to its end"
        return
    memory = sorted(float(row["peak_memory_mb"]) for row in done)
    seconds = sorted(float(row["seconds"]) for row in done)
    yield (
        f"# {len(done)} conversions needed up to {memory[-1]:.0f} MB and {duration(seconds[-1])}"
        f" (99 % of them: {_most(memory):.0f} MB and {duration(_most(seconds))})"
        + ("" if len(done) >= ENOUGH else f"; fewer than {ENOUGH} may be too few to tell")
    )
    yield "set-resources:"
    yield "  convert:"
    yield f"    mem_mb: attempt * {_up(memory[-1] * MEMORY_MARGIN + BESIDE, 100)}"
    yield f"    runtime: attempt * {max(2, _up(seconds[-1] * TIME_MARGIN / 60, 1))}"


def _most(values: list[float]) -> float:
    """The value that 99 % do not exceed."""
    return values[math.ceil(0.99 * len(values)) - 1]


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
