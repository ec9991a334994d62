"""The numbers of a report: how many of what, from which kinds of SAFE, at what cost."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from xsar_batch.report.states import STATES


@dataclass(frozen=True)
class Summary:
    """What stands at the top. ``counts`` has every state; ``figures`` are labels with values."""

    total: int
    counts: Mapping[str, int]
    figures: Mapping[str, str]

    @property
    def shown(self) -> dict[str, int]:
        """States that somebody is in."""
        return {state: count for state, count in self.counts.items() if count}

    def share(self, state: str) -> str:
        """Percentage of all; never 0 or 100 where that is not the whole truth."""
        count = self.counts[state]
        percent = round(100 * count / self.total, 1) if self.total else 0.0
        if 0 < count < self.total:
            percent = min(max(percent, 0.1), 99.9)
        return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


def summarise(table: pd.DataFrame) -> Summary:
    """The summary of a :func:`prepared <xsar_batch.report.outcomes.prepared>` table."""
    found = table["state"].value_counts()
    counts = {state: int(found.get(state, 0)) for state in STATES}
    return Summary(len(table), counts, figures(table))


def figures(table: pd.DataFrame) -> dict[str, str]:
    """Label -> value with its unit, of all that is known."""
    done = table[table["state"] == "done"]
    told = {}
    if table["acquired"].notna().any():
        first, last = table["acquired"].min(), table["acquired"].max()
        told["Acquired"] = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if table["ended"].notna().any():
        told["Processed"] = f"{table['started'].min():%Y-%m-%d} to {table['ended'].max():%Y-%m-%d}"
    if done["cpu_seconds"].notna().any():
        told["CPU of a product, median"] = f"{done['cpu_seconds'].median():.1f} s"
        told["CPU of all last attempts"] = duration(table["cpu_seconds"].sum())
    if done["peak_memory_mb"].notna().any():
        told["Peak memory, largest"] = f"{table['peak_memory_mb'].max():,.0f} MB"
    if done["product_bytes"].notna().any():
        told["Products"] = volume(done["product_bytes"].sum())
    again = int((done["attempts"] > 1).sum())
    if again:
        told["Done after several attempts"] = f"{again:,}"
    hosts = table.loc[table["host"] != "", "host"].nunique()
    if hosts > 1:
        told["Hosts"] = f"{hosts:,}"
    return told


def by(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """How many SAFEs of each state, by some columns; with the total, sorted.

    Columns are all states, and ``total``.
    """
    counted = pd.crosstab([table[column] for column in columns], table["state"])
    counted = counted.reindex(columns=list(STATES), fill_value=0)
    counted["total"] = counted.sum(axis=1)
    return counted


def by_month(table: pd.DataFrame) -> pd.DataFrame:
    """The same by month of the acquisition, ``YYYY-MM``, without gaps."""
    known = table[table["acquired"].notna()]
    if known.empty:
        return pd.DataFrame(columns=[*STATES, "total"], dtype=int)
    months = known["acquired"].dt.tz_localize(None).dt.to_period("M").rename("month")
    counted = by(known.assign(month=months), "month")
    every = pd.period_range(months.min(), months.max(), freq="M", name="month")
    counted = counted.reindex(every, fill_value=0)
    counted.index = counted.index.astype(str)
    return counted


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def volume(size: float) -> str:
    """Bytes in the largest unit of which there is at least one."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
