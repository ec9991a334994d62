"""Whether all that a user can look at says the same: preview, end, status.csv, report, files."""

import csv
import json
import re
from collections import Counter

from work import Work

STATES = ("done", "failed", "running", "pending")


def truth(work: Work, selected: set[str], at_work: bool = False) -> dict[str, dict[str, str]]:
    """State -> SAFEs with their class, of products and outcomes alone."""
    found: dict[str, dict[str, str]] = {state: {} for state in STATES}
    for name in selected:
        file = work.log(name).with_suffix(".json")
        record = json.loads(file.read_text()) if file.exists() else None
        if (work.out / f"{name}.nc").exists():
            found["done"][name] = ""
        elif record is None:
            found["pending"][name] = ""
        elif record["state"] == "running" and at_work:
            found["running"][name] = ""
        else:
            killed = "killed" if record["state"] == "running" else record["state"]
            found["failed"][name] = record["class"] or killed
    return found


def check(
    work: Work, selected: set[str], before: str = "", end: str = "", at_work: bool = False
) -> dict[str, int]:
    """AssertionError unless ``status.csv``, the report, a preview told ``before`` and an ``end``
    agree with the files on disk. Returns how many are in which state."""
    found = truth(work, selected, at_work)
    counts = {state: len(found[state]) for state in STATES}
    classes = Counter(found["failed"].values())

    with (work.out / "status.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["selected"] == "yes"]
    table = {
        state: {row["name"]: row["class"] for row in rows if row["state"] == state}
        for state in STATES
    }
    assert table == found

    page = (work.out / "report.html").read_text()
    held = json.loads(re.search(r'id="data">(.*)</script>', page)[1])
    told = {key: _unpacked(held["columns"][key]) for key in ("name", "state", "class")}
    shown = {state: {} for state in STATES}
    for name, state, failure in zip(*told.values(), strict=True):
        shown[state][name] = failure
    assert shown == found
    assert len(held["quicklooks"]) == min(len(found["done"]), 24)

    interrupted = classes.pop("interrupted", 0)
    failed = counts["failed"] - interrupted
    said = re.escape(", ".join(f"{count} {name}" for name, count in sorted(classes.items())))
    pending = len(selected) - counts["done"]
    if before:
        assert re.search(
            rf" {len(selected)} selected, .*; {counts['done']} done, {pending} pending -> ", before
        )
        told = rf"    {failed} of the pending failed last time \({said}\)\n"
        assert bool(re.search(told, before)) == bool(classes)
        assert ("failed last time" in before) == bool(classes)
        told = f"    {interrupted} of the pending were interrupted last time\n"
        assert (told in before) == bool(interrupted)
    if end:
        assert f"    {counts['done']} of {len(selected)} SAFEs are done; each of them: " in end
        assert "out/status.csv, to look at: out/report.html\n" in end
        if classes:
            assert re.search(rf", {failed} failed \({said}\)\n", end)
        else:
            assert ", 0 failed\n" in end
    return counts


def _unpacked(column: list | dict) -> list:
    """A column of the page's data: texts that come often are told once."""
    return [column["of"][at] for at in column["at"]] if isinstance(column, dict) else column
