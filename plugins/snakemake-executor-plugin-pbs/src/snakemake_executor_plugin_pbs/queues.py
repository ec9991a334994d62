"""Queues of a site, as ``qstat -Q -f`` shows them, and what they would refuse.

PBS checks a job against the limits of its queue in qsub, hours after the start perhaps, and where
the queue is a routing queue even later, silently. What can be known before is told before.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .request import PackRequest, clock

_QUEUE = re.compile(r"^Queue: (\S+)[ \t]*$", re.MULTILINE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}


@dataclass(frozen=True)
class QueueLimits:
    """Limits of one job; None where the queue has none. Walltime in minutes, memory in MB."""

    walltime: float | None = None
    ncpus: int | None = None
    mem_mb: int | None = None
    nodes: int | None = None


@dataclass(frozen=True)
class Queue:
    """A queue. ``destinations`` are those of a routing queue."""

    name: str
    most: QueueLimits = field(default_factory=QueueLimits)
    least: QueueLimits = field(default_factory=QueueLimits)
    destinations: tuple[str, ...] = ()
    #: Whether it takes jobs, and whether it runs them.
    is_enabled: bool = True
    is_started: bool = True
    #: Jobs come in through a routing queue only.
    is_inner: bool = False
    is_restricted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a user may submit to it, as far as can be seen from outside."""
        return self.is_enabled and self.is_started and not self.is_inner


def parse(text: str) -> dict[str, Queue]:
    """Queues by name, of the output of ``qstat -Q -f``."""
    # Long lines go on after a tab.
    parts = _QUEUE.split(text.replace("\n\t", ""))
    return {
        name: _queue(name, _attributes(block))
        for name, block in zip(parts[1::2], parts[2::2], strict=True)
    }


def _attributes(block: str) -> dict[str, str]:
    return dict(re.findall(r"^    ([\w.]+) = (.*?)[ \t]*$", block, re.MULTILINE))


def _queue(name: str, known: Mapping[str, str]) -> Queue:
    route = known.get("route_destinations", "")
    return Queue(
        name=name,
        most=_limits(known, "resources_max"),
        least=_limits(known, "resources_min"),
        destinations=tuple(one.strip().split("@")[0] for one in route.split(",") if one.strip()),
        is_enabled=known.get("enabled", "True") == "True",
        is_started=known.get("started", "True") == "True",
        is_inner=known.get("from_route_only") == "True",
        is_restricted=any(known.get(f"acl_{k}_enable") == "True" for k in ("user", "group")),
    )


def _limits(known: Mapping[str, str], kind: str) -> QueueLimits:
    return QueueLimits(
        walltime=minutes(known.get(f"{kind}.walltime")),
        ncpus=_integer(known.get(f"{kind}.ncpus")),
        mem_mb=megabytes(known.get(f"{kind}.mem")),
        nodes=_integer(known.get(f"{kind}.nodect")),
    )


def minutes(text: str | None) -> float | None:
    """Minutes of a time as PBS writes it: ``36:00:00``, or seconds."""
    if text is None or not re.fullmatch(r"(\d+:)*\d+", text):
        return None
    seconds = 0
    for part in text.split(":"):
        seconds = 60 * seconds + int(part)
    return seconds / 60


def megabytes(text: str | None) -> int | None:
    """Megabytes of a size as PBS writes it: ``115gb``, ``7144kb``."""
    found = re.fullmatch(r"(\d+)([kmgtp]?)(b|w)?", text or "", re.IGNORECASE)
    if not found:
        return None
    size = int(found[1]) * _UNITS[found[2].lower()] * (8 if found[3] in ("w", "W") else 1)
    return size // _UNITS["m"]


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def objections(asked: PackRequest, queues: Mapping[str, Queue]) -> list[str]:
    """Why PBS would not run such a job in the queue that it asks for; empty if it would, or if
    that is not known."""
    name = asked.job.queue
    # Without a name the server chooses; a queue of another server is not among ours.
    if not name or "@" in name or not queues:
        return []
    queue = queues.get(name)
    if queue is None:
        names = ", ".join(sorted(one.name for one in queues.values() if one.is_open))
        return [f"there is no queue {name}. Queues that take jobs: {names}"]
    found = list(_too_much(asked, queue))
    targets = [queues[one] for one in queue.destinations if one in queues]
    if not found and targets and all(list(_too_much(asked, one)) for one in targets):
        found = [f"{one.name}: {why}" for one in targets for why in _too_much(asked, one)]
    return found


def _too_much(asked: PackRequest, queue: Queue) -> Iterator[str]:
    most, least = queue.most, queue.least
    if asked.walltime and not asked.job.has_own_walltime:
        if most.walltime and asked.walltime > most.walltime:
            yield (
                f"walltime {clock(asked.walltime)} is more than the {clock(int(most.walltime))} "
                f"of queue {queue.name}"
            )
        if least.walltime and asked.walltime < least.walltime:
            yield (
                f"walltime {clock(asked.walltime)} is less than the {clock(int(least.walltime))} "
                f"that queue {queue.name} asks for"
            )
    if asked.job.has_own_select:
        return
    for what, value, limit, unit in (
        ("cores", asked.ncpus, most.ncpus, ""),
        ("memory", asked.mem_mb, most.mem_mb, " MB"),
        ("nodes", asked.job.nodes, most.nodes, ""),
    ):
        if value and limit is not None and value > limit:
            yield f"{what}: {value}{unit} is more than the {limit}{unit} of queue {queue.name}"
    if least.ncpus and asked.ncpus < least.ncpus:
        yield f"cores: {asked.ncpus} is less than the {least.ncpus} of queue {queue.name}"


def that_fit(asked: PackRequest, queues: Mapping[str, Queue]) -> list[str]:
    """Names of queues that would take it."""
    return [
        queue.name
        for queue in queues.values()
        if queue.is_open and not queue.is_restricted and not list(_too_much(asked, queue))
    ]
