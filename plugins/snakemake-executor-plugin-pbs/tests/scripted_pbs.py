"""`PbsJobs` whose server is a script and whose time is a number, for tests of what it concludes.

What a PBS job would write is written into its folder by the tests, as another process would.
"""

import os
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import psutil
from snakemake_executor_plugin_pbs import ExecutorSettings
from snakemake_executor_plugin_pbs.commands import Round
from snakemake_executor_plugin_pbs.folder import Folder, Pack, Task
from snakemake_executor_plugin_pbs.ledger import Ledger
from snakemake_executor_plugin_pbs.pbs_jobs import PbsJobs
from snakemake_executor_plugin_pbs.qstat import Status
from snakemake_executor_plugin_pbs.request import Request
from snakemake_executor_plugin_pbs.running import Entry

#: What ages of files are counted from.
NOW = time.time()

#: Another machine: whether its processes live cannot be told, so they count as dead.
DEAD = {"host": "other", "pid": 1, "began": 1.0}

QUEUED, RUNS = Status("Q", None, 10), Status("R", None, 42)


class Script:
    """The server: answers from lists, and when these are empty what is usual."""

    def __init__(self, clock):
        self.clock = clock
        #: Ids, exceptions, or functions that are called for either.
        self.to_qsub = []
        self.to_qstat = []
        self.to_qdel = []
        #: Of each id how it is: a Status, "gone", or None for no word of it.
        self.jobs = {}
        self.calls = []
        self.is_asking = True

    def qsub(self, arguments):
        self.calls.append(("qsub", arguments, self.clock()))
        answer = self.to_qsub.pop(0) if self.to_qsub else f"{len(self.jobs) + 1}.s"
        answer = answer() if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        self.jobs[answer] = QUEUED
        return answer

    def qstat(self, ids, timeout=None):
        self.calls.append(("qstat", list(ids), self.clock()))
        if self.to_qstat:
            answer = self.to_qstat.pop(0)
            return answer() if callable(answer) else answer
        known = {i: self.jobs[i] for i in ids if isinstance(self.jobs.get(i), Status)}
        return Round(known, {i for i in ids if self.jobs.get(i) == "gone"})

    def qdel(self, ids, timeout=None):
        self.calls.append(("qdel", list(ids), self.clock()))
        if self.to_qdel:
            return self.to_qdel.pop(0)
        self.jobs |= {i: Status("F", 271, 91) for i in ids}
        return ""

    def stop_asking(self):
        self.is_asking = False

    def ask_again(self):
        self.is_asking = True

    def asked(self, command):
        return [arguments for name, arguments, _ in self.calls if name == command]

    def times(self, command):
        return [at for name, _, at in self.calls if name == command]


class World:
    """PBS jobs with all that they need. ``interval`` is that between two qstat; ``jobs`` is what
    the server has."""

    def __init__(self, tmp_path: Path, interval=10, jobs=None, **settings):
        self.tmp_path = tmp_path
        self.now = 1000.0
        self.said: list[str] = []
        self.warned: list[str] = []
        self.reports = []
        self.prepared: list[Folder] = []
        self.packs: list[list[str]] = []
        #: Raised by what makes the folder of a pack.
        self.to_prepare: list[Exception] = []
        self.server = Script(self.clock)
        self.server.jobs |= jobs or {}
        self.ledger = Ledger(tmp_path / "pbs")
        self.ledger.load()
        self.pbs = PbsJobs(
            *(self.server, self.ledger, ExecutorSettings(**{"pack_wait": 0, **settings}), interval),
            self._prepare,
            say=self.said.append,
            warn=self.warned.append,
            clock=self.clock,
            sleep=self.sleep,
        )

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def _prepare(self, entries, asked):
        if self.to_prepare:
            raise self.to_prepare.pop(0)
        folder = self.ledger.new(f"pack-{len(self.prepared)}")
        tasks = [entry.task for entry in entries]
        made = pack(self.tmp_path, *tasks, owner=self.ledger.me, name=folder.path.name)
        folder.write(made)
        self.prepared.append(folder)
        self.packs.append([task.wildcards["name"] for task in tasks])
        return folder, made, [folder.path.name]

    def add(self, *names, inputs=(), digest="same", **request):
        """Jobs come in, and the next round takes them in."""
        for name in names:
            handle = SimpleNamespace(job=SimpleNamespace(input=list(inputs)), name=name)
            request = {"rule": "convert", **request}
            one = task(self.tmp_path, name, digest)
            self.pbs.add(Entry(handle, one, Request(**request), tuple(inputs)))

    def round(self):
        """One round; names and causes of what was reported."""
        found = self.pbs.round()
        self.reports += found
        return [(report.entry.handle.name, report.failure) for report in found]

    def live(self, seconds, step=1.0):
        """Rounds for so long."""
        found = []
        end = self.now + seconds
        while self.now < end:
            self.now += step
            found += self.round()
        return found

    def inside(self, number=0):
        """The folder of the pack of that number, as its PBS job sees it."""
        return Folder(self.prepared[number].path)

    def begin(self, number=0, **who):
        """The PBS job of that pack starts; False if it must not."""
        job_id = f"{number + 1}.s"
        if self.server.jobs.get(job_id) == QUEUED:
            self.server.jobs[job_id] = RUNS
        for one in self.pbs.running:
            if one.id == job_id and one.status == QUEUED:
                one.status = RUNS
        return self.inside(number).take(**{"id": job_id, **who})

    @property
    def reported(self):
        return Counter(report.entry.handle.name for report in self.reports)


def task(tmp_path, name, digest="same"):
    return Task("convert", {"name": name}, [name], [str(tmp_path / "out" / name)], digest)


def pack(tmp_path, *tasks, owner=None, name="earlier", runtime=600):
    return Pack(
        name=name,
        tasks=list(tasks),
        arguments=[],
        cores=1,
        runtime=runtime,
        mem_mb=500,
        log=f"/logs/{name}.log",
        output=str(tmp_path / f"{name}.out"),
        owner=owner or DEAD,
    )


def left(tmp_path, *names, name="earlier", job_id="7.s", digest="same"):
    """A pack that a Snakemake which is dead now has left."""
    folder = Folder(tmp_path / "pbs" / name)
    tasks = [task(tmp_path, one, digest) for one in names]
    folder.write(pack(tmp_path, *tasks, name=name))
    if job_id:
        folder.id = job_id
    return folder


def is_gone(pid):
    """Whether a process has ended; one whose parent ended before may stay as a zombie."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def file(path, age=0.0):
    """A file that was last changed so many seconds ago."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.touch()
    os.utime(path, (NOW - age, NOW - age))
    return str(path)


def submitted(tmp_path, *names, **settings):
    """A world in which these jobs are submitted, as one pack unless told otherwise."""
    made = World(tmp_path, **{"pack_size": 100, **settings})
    made.add(*names)
    assert made.round() == []
    return made


def folders(world):
    """Names of those that are there."""
    return {path.name for path in world.ledger.root.iterdir()}


def begun(folder, job_id="7.s"):
    """The PBS job of a folder starts."""
    assert folder.take(id=job_id)
    return folder


def ended(folder, fate="done", number=0, **more):
    """… and comes to its end, with one of its jobs."""
    begun(folder)
    folder.tell("started", number)
    folder.tell(fate, number, **more)
    folder.tell("over", stopped="")
    return folder
