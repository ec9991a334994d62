"""Failures, grouped by class and within that by cause."""

import os
import re
from dataclasses import dataclass, field

import pandas as pd

from xsar_batch import failures
from xsar_batch.conversion.layout import Layout
from xsar_batch.report import excerpts
from xsar_batch.report.states import ADVICE

#: SAFEs that are listed of one cause, and of all; `status.csv` has the rest.
LISTED, LISTED_IN_ALL = 200, 3000

#: Logs that are quoted of one class.
QUOTED = 24

#: A word of a cause that differs between SAFEs: it has a digit, or is a path.
_PARTICULAR = re.compile(r"\S*[\d/]\S*")


@dataclass
class Safe:
    """One SAFE that failed, with the end of its log where that is quoted."""

    name: str
    cause: str
    ended: str
    host: str
    attempts: str
    excerpt: str = ""


@dataclass
class Group:
    """SAFEs of the same cause, the newest first; ``listed`` are the first of ``count``."""

    cause: str
    count: int
    listed: list[Safe] = field(default_factory=list)


@dataclass
class Class:
    """A class of failures: what to do about it, and its causes, the most frequent first."""

    name: str
    exit_code: int | None
    advice: str
    count: int
    groups: list[Group]


def classes(table: pd.DataFrame, layout: Layout) -> list[Class]:
    """Classes of failures in a prepared table, the most frequent first."""
    bad = table[table["state"] == "failed"]
    bad = bad.sort_values("ended", ascending=False, kind="stable", na_position="last")
    words = bad["class"].where(bad["class"] != "", "unknown")
    made = [_class(name, part) for name, part in bad.groupby(words, sort=False)]
    made.sort(key=lambda one: (-one.count, one.name))
    left = LISTED_IN_ALL
    for one in made:
        for group in one.groups:
            del group.listed[left:]
            left -= len(group.listed)
        _quote(one, layout)
    return made


def _class(name: str, rows: pd.DataFrame) -> Class:
    keys = rows["cause"].map(key)
    groups = [_group(part) for _, part in rows.groupby(keys, sort=False)]
    groups.sort(key=lambda group: -group.count)
    return Class(name, failures.EXIT_CODES.get(name), ADVICE.get(name, ""), len(rows), groups)


def _group(rows: pd.DataFrame) -> Group:
    listed = [
        Safe(
            *(str(row.Index), row.cause),
            "" if pd.isna(row.ended) else f"{row.ended:%Y-%m-%d %H:%M}",
            *(row.host, "" if pd.isna(row.attempts) else f"{row.attempts:.0f}"),
        )
        for row in rows.head(LISTED).itertuples()
    ]
    return Group(common(rows["cause"].tolist()), len(rows), listed)


def key(cause: str) -> str:
    """What causes have in common that differ only in numbers, names and paths."""
    return _PARTICULAR.sub("…", cause)


def common(causes: list[str]) -> str:
    """The cause of a group: its words, and ``…`` for what is not the same in all of them."""
    words = zip(*(cause.split() for cause in dict.fromkeys(causes)), strict=True)
    return " ".join(map(_shortened, words)) or "no cause is known"


def _shortened(words: tuple[str, ...]) -> str:
    """What words have in common at both ends, as far as it ends between two parts of a name."""
    if len(set(words)) == 1:
        return words[0]
    # Characters in common are what is meant here, not parts of a path.
    begin = re.sub(r"\w+$", "", os.path.commonprefix(words))  # noqa: RUF071
    rest = [word[len(begin) :][::-1] for word in words]
    end = re.sub(r"^\w+", "", os.path.commonprefix(rest)[::-1])  # noqa: RUF071
    return f"{begin}…{end}"


def _quote(one: Class, layout: Layout) -> None:
    """Quote logs: of every cause the newest, then the second, as long as there is room."""
    most = max(len(group.listed) for group in one.groups)
    turns = (
        group.listed[place]
        for place in range(most)
        for group in one.groups
        if place < len(group.listed)
    )
    for safe, _ in zip(turns, range(QUOTED), strict=False):
        safe.excerpt = excerpts.tail(layout.log(safe.name))
