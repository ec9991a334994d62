"""The table that a report is made of: one row a SAFE, as ``status.csv`` has it."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from xsar_batch.batch.status import COLUMNS, Row
from xsar_batch.report.states import STATES
from xsar_batch.sentinel1.product_name import FIELDS, parse

#: Columns of ``status.csv`` by kind; what is not there counts as not known.
NUMBERS = (
    *("seconds", "cpu_seconds", "peak_memory_mb", "attempts", "product_bytes"),
    *("threads", "asked_mb", "asked_minutes"),
)
TIMES = ("started", "ended")
TEXTS = tuple(column for column in COLUMNS[1:] if column not in (*NUMBERS, *TIMES))


def read(file: Path) -> pd.DataFrame:
    """The rows of a ``status.csv``.

    Raises
    ------
    ValueError
        The file is no such table.
    """
    # A host may be called NA, and a cause "null": only what is empty is missing.
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    missing = {"name", "state"} - set(table)
    if missing:
        raise ValueError(f"{file} has no column {' and no column '.join(sorted(missing))}")
    return table.set_index("name")


def of_rows(rows: Iterable[Row]) -> pd.DataFrame:
    """The same from rows that were not written yet."""
    return pd.DataFrame(rows, columns=COLUMNS).set_index("name")


def prepared(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows with every column there and of its kind, and what the names say beside them.

    Texts are never NaN. Fields of the name are empty where it is not one of Sentinel-1;
    ``acquired`` is the start of the acquisition.

    Raises
    ------
    ValueError
        A state that nobody knows, or a SAFE that stands there twice.
    """
    unknown = sorted(set(table["state"]) - set(STATES))
    if unknown:
        raise ValueError(f"state {unknown[0]!r} is none of {', '.join(STATES)}")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise ValueError(f"{twice} stands in the table twice")
    made = pd.DataFrame(index=table.index.astype(str))
    for column in (*TEXTS, *NUMBERS, *TIMES):
        values = table[column].to_numpy() if column in table else [None] * len(table)
        given = pd.Series(values, index=made.index, dtype=object)
        if column in NUMBERS:
            made[column] = pd.to_numeric(given, errors="coerce")
        elif column in TIMES:
            made[column] = _times(given)
        else:
            made[column] = given.where(given.notna(), "").astype(str)
    fields = [parse(name) or dict.fromkeys(FIELDS, "") for name in made.index]
    for field in ("mission", "mode", "product_type", "polarisation"):
        made[field] = [one[field] for one in fields]
    made["acquired"] = pd.to_datetime(
        pd.Series([one["start"] for one in fields], index=made.index, dtype=object),
        format="%Y%m%dT%H%M%S",
        errors="coerce",
        utc=True,
    )
    return made


def _times(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
