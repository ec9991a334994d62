"""Tables of SAFEs for people and for other tools: pending, failed, or done."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xsar_batch.batch import status

if TYPE_CHECKING:
    from xsar_batch.batch.plan import Plan

#: What can be listed. What failed is pending too: the next run tries it again.
WHICH = ("pending", "failed", "done")


def lines(plan: "Plan", which: str) -> Iterator[str]:
    """The selected SAFEs that are ``which``: name, state, reason and path, with tabs in between."""
    paths, outdated = plan.catalogue.safes["path"], set(plan.done.outdated)
    states = {"pending": ("pending", "failed", "running")}.get(which, (which,))
    yield "name\tstate\treason\tpath"
    for one in status.table(paths.index, plan.done.pending, plan.layout):
        if one["selected"] == "yes" and one["state"] in states:
            words = (one["name"], one["state"], _reason(one, outdated), paths[one["name"]])
            yield "\t".join(" ".join(str(word).split()) for word in words)


def _reason(one: status.Row, outdated: set[str]) -> str:
    if one["state"] == "failed":
        return f"{one['class']}: {one['cause']}"
    if one["name"] in outdated:
        return "made with other settings"
    return {"pending": "no product", "running": "a run is at work", "done": "product is there"}[
        one["state"]
    ]
