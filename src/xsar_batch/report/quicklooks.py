"""The contact sheet: the newest quicklooks, within the page itself."""

import base64
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xsar_batch.conversion.layout import Layout

#: How many at most, and how many bytes in all.
MOST, BYTES = 24, 1_900_000

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Quicklook:
    """A picture with what it shows in words. ``data`` is an address that holds it."""

    name: str
    data: str
    words: str


def there(layout: Layout) -> set[str]:
    """Names of the SAFEs that have one: one listing, not a question for each of 20,000 files."""
    try:
        return {file.name.removesuffix(".png") for file in layout.quicklooks.iterdir()}
    except OSError:
        return set()


def newest(table: pd.DataFrame, layout: Layout, there: set[str]) -> list[Quicklook]:
    """Quicklooks of the SAFEs of a prepared table that were done last, the newest first.

    ``there`` are those that have one.
    """
    rows = table[(table["state"] == "done") & table.index.isin(there)]
    made, left = [], BYTES
    for row in rows.sort_values("ended", ascending=False, kind="stable").itertuples():
        file = layout.quicklook(row.Index)
        try:
            picture = file.read_bytes() if file.stat().st_size <= left else b""
        except OSError:
            continue
        if not picture.startswith(_PNG):
            continue
        left -= len(picture)
        data = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        made.append(Quicklook(str(row.Index), data, _words(row)))
        if len(made) == MOST:
            break
    return made


def _words(row: Any) -> str:
    when = "" if pd.isna(row.acquired) else f", {row.acquired:%Y-%m-%d %H:%M} UTC"
    return f"{row.mission} {row.mode} {row.polarisation}".strip() + when
