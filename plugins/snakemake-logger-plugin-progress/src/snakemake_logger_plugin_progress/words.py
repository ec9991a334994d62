"""Counts and times in words."""

from .tally import Tally


def span(seconds: float) -> str:
    """A time that people can use: two figures of it, no more."""
    if seconds < 0.95:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if hours < 10 else f"{round(seconds / 3600)} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


def counts(tally: Tally) -> list[str]:
    """Done, failed, running and queued; and what is done first, where nothing of it runs."""
    said = [
        f"{tally.done} of {tally.total} done",
        f"{tally.failed} failed",
        f"{tally.running} running",
        f"{tally.queued} queued",
    ]
    if tally.queued and not tally.running and (beside := tally.beside):
        said.append(f"first {' and '.join(beside)}")
    return said


def speed(tally: Tally, now: float) -> list[str]:
    """How fast it goes, as far as it is known: the time left first."""
    left, per_minute, mean = tally.left(now), tally.per_minute(now), tally.mean
    said = []
    if left:
        said.append(f"{span(left)} left")
    if per_minute is not None:
        said.append(f"{number(per_minute)} a minute")
    if mean is not None:
        said.append(f"{span(mean)} a job")
    return said


def number(value: float) -> str:
    """Two figures where it is small, whole where it is large."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"


def line(tally: Tally, now: float) -> str:
    """All that is known, for a line of a log."""
    return "; ".join(", ".join(part) for part in (counts(tally), speed(tally, now)) if part)


def last_line(tally: Tally, now: float) -> str:
    """How it ended."""
    said = [f"{tally.done} of {tally.total} done", f"{tally.failed} failed"]
    if tally.running:
        said.append(f"{tally.running} were running")
    if tally.queued:
        said.append(f"{tally.queued} not tried")
    how = [f"in {span(now - (now if tally.started is None else tally.started))}"]
    if tally.mean is not None:
        how.append(f"{span(tally.mean)} a job")
    return f"{', '.join(said)}; {', '.join(how)}"
