"""What the main process says: to whom, and how numbers are written."""

import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from xsar_batch.failures import Failure


def say(lines: Iterable[str]) -> None:
    """Print to stderr, where Snakemake's own messages go."""
    text = "\n".join(lines)
    if text:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal ends this process with what it says, instead of lines of code that led to it."""
    try:
        yield
    except Failure as refusal:
        sys.exit(f"{type(refusal).__name__}: {refusal}")


def end_on_broken_pipe() -> None:
    """From now on end without a word when nobody reads on, as after ``| head``."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def some(what: str, names: list[str]) -> Iterator[str]:
    """A line with a count and the first few names, if there are any."""
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"    {len(names)} {what}: {', '.join(map(str, names[:3]))}{more}"


def by_class(classes: Iterable[str]) -> str:
    """Counts of failures, as ``2 bad-safe, 1 killed``."""
    return ", ".join(f"{count} {name}" for name, count in sorted(Counter(classes).items()))


def duration(seconds: float) -> str:
    """As one would say it: ``1.9 s``, ``12 min``, ``2 h 10 min``, ``3 d 4 h``."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def size(number: float) -> str:
    """Bytes, in units of a thousand: ``4.4 MB``, ``440 MB``, ``1.2 GB``."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if number < 999.5 or unit == "TB":
            digits = 1 if number < 9.95 and unit != "bytes" else 0
            return f"{number:.{digits}f} {unit}"
        number /= 1000
    raise AssertionError
