"""How it stands with every SAFE: one table for preview, end of a run, ``status.csv`` and report.

What is done is told by the products, what was tried by the outcomes beside the logs. Reading
100,000 outcomes takes minutes on a parallel file system, so rows of products that are done are
taken from the last ``status.csv``, unless they were tried since.
"""

import csv
import io
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xsar_batch.batch import lock
from xsar_batch.conversion import outcome
from xsar_batch.conversion.layout import Layout
from xsar_batch.system import atomic_write
from xsar_batch.system.process import began

#: Columns of ``status.csv``, in their order. Those from ``seconds`` on are empty where there was no
#: attempt, or nobody noted it. Times are UTC (ISO 8601), ``footprint`` is WKT.
COLUMNS = (
    *("name", "state", "class", "cause", "selected"),
    *("seconds", "cpu_seconds", "peak_memory_mb", "attempts", "started", "ended"),
    *("threads", "asked_mb", "asked_minutes", "host", "pbs_job", "product_bytes"),
    *("ipf", "resolution", "function", "xsar_batch_version", "xsar_version", "safe", "footprint"),
)

#: What is said of a conversion that never said how it ended.
NO_WORD = "ended without a word, out of memory or by a signal"

Row = dict[str, Any]


def tried(layout: Layout) -> set[str]:
    """Names of all SAFEs that were ever tried: those with an outcome."""
    try:
        with os.scandir(layout.logs) as entries:
            return {entry.name[:-5] for entry in entries if entry.name.endswith(".json")}
    except OSError:
        return set()


def row(name: str, record: Mapping[str, Any] | None, is_done: bool, running: str | None) -> Row:
    """One SAFE. ``record`` is its last outcome, ``running`` the run that is at work, if one is.

    States are ``done``; ``failed``, with a class (``interrupted`` and ``killed`` among them);
    ``running``; and ``pending``, which was not tried, or whose product has gone or is outdated.
    """
    made = dict.fromkeys(COLUMNS)
    made.update(name=name, state="done" if is_done else "pending")
    if record is None or (record["state"] == "done" and not is_done):
        # A product of a notebook; or one that has gone since.
        return made
    last = record
    if is_done:
        # A later attempt may have failed, or been interrupted: the product is there all the same.
        record = outcome.of_product(dict(record))
        if record is None:
            return made
    if is_at_work(last, running):
        made["state"] = "running"
    elif not is_done:
        made.update(
            {"state": "failed", "class": failure_class(record), "cause": record["cause"] or NO_WORD}
        )
    recipe, versions = record.get("recipe") or {}, record.get("versions") or {}
    made.update({key: record.get(key) for key in COLUMNS[5:] if key in record})
    made.update(
        attempts=record.get("attempt"),
        resolution=recipe.get("resolution"),
        function=recipe.get("function"),
        xsar_batch_version=versions.get("xsar_batch_version"),
        xsar_version=versions.get("xsar_version"),
    )
    return made


def is_at_work(record: Mapping[str, Any], running: str | None) -> bool:
    """Whether an outcome is that of a conversion which is not at its end yet."""
    if record["state"] != "running" or running is None or record.get("run") != running:
        return False
    # A run that goes on after one that was killed has its name, and finds what died with it here.
    return record["host"] != os.uname().nodename or bool(began(record["pid"]))


def failure_class(record: Mapping[str, Any]) -> str:
    """Class of a failure; a record that was never finished is that of a killed process."""
    return record["class"] or {"running": "killed"}.get(record["state"], record["state"])


def last_attempts(names: Iterable[str], layout: Layout) -> Iterator[Row]:
    """Rows of SAFEs that were tried and are not done, in their order by name."""
    running = lock.running(layout.lock)
    for name in sorted(names):
        yield row(name, outcome.read(layout.outcome(name)), False, running)


def in_state(names: Iterable[str], states: Collection[str], layout: Layout) -> list[str]:
    """Those of ``names`` whose last attempt failed: with one of the classes in ``states``, or with
    any where these hold ``failed``."""
    return [
        one["name"]
        for one in last_attempts(tried(layout).intersection(names), layout)
        if one["state"] == "failed" and {"failed", one["class"]} & set(states)
    ]


def table(
    selected: Iterable[str],
    pending: Collection[str],
    layout: Layout,
    fresh: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> list[Row]:
    """One row a SAFE: those that are ``selected``, and all others that were ever tried here.

    ``pending`` are those of them that are not done, ``fresh`` the outcomes of those that were tried
    since ``status.csv`` was written, which are not read a second time.
    """
    from xsar_batch.batch.pending import products

    selected, pending, fresh = set(selected), set(pending), fresh or {}
    there, running = products(layout.output_dir), lock.running(layout.lock)
    ever = tried(layout)
    known = {} if not layout.status.exists() else read(layout.status)
    rows = []
    for name in sorted(selected | ever):
        is_done = name in there and name not in pending
        before = known.get(name)
        if is_done and name not in fresh and before and before["state"] == "done":
            one = dict(before)
        else:
            record = fresh.get(name)
            if name not in fresh and name in ever:
                record = outcome.read(layout.outcome(name))
            one = row(name, record, is_done, running)
        rows.append({**one, "selected": "yes" if name in selected else "no"})
    return rows


def read(path: Path) -> dict[str, Row]:
    """Rows of a ``status.csv`` by name; none if it is not one, or of another version."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                return {}
            return {one["name"]: one for one in reader}
    except (OSError, ValueError, csv.Error):
        return {}


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write ``status.csv`` in one step."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write.write_text(path, text.getvalue())


def forget(path: Path, names: Iterable[str]) -> None:
    """Before products are made again: what ``status.csv`` knows of them is of no use any more, even
    if nobody lives to see the end."""
    known = read(path)
    stale = [name for name in names if known.get(name, {}).get("state") == "done"]
    for name in stale:
        known[name] = {**dict.fromkeys(COLUMNS), "name": name, "state": "pending"}
    if stale:
        write(path, known.values())
