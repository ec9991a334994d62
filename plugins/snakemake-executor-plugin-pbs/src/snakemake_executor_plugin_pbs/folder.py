"""The folder of a PBS job: what Snakemake and the job tell each other. See :mod:`.ledger`."""

import json
import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: Bytes of events that are read at once: those of some thousand jobs.
READ_AT_ONCE = 1 << 22


#: Exit code of a PBS job that does not find its folder.
NO_FOLDER = 79


@dataclass(frozen=True)
class Task:
    """A Snakemake job, as a pack knows it.

    ``targets`` are what is passed to ``--target-jobs`` (several for a group job); ``rule`` and
    ``wildcards`` are those of a single job. ``digest`` stands for all that decides what it does.
    """

    rule: str
    wildcards: dict[str, str]
    targets: list[str]
    outputs: list[str]
    digest: str


@dataclass(frozen=True)
class Pack:
    """What a PBS job is to do. ``runtime`` in seconds and ``mem_mb`` are those of one job of it.

    They share ``cores``. ``arguments`` are Snakemake's, but for the targets. ``asked_mb`` is the
    memory that PBS was asked for; ``owner`` is who made the pack.
    """

    name: str
    tasks: list[Task]
    arguments: list[str]
    cores: int
    runtime: int | None
    mem_mb: int | None
    log: str
    output: str
    is_group: bool = False
    owner: dict[str, Any] = field(default_factory=dict)
    asked_mb: int | None = None


@dataclass(frozen=True)
class Use:
    """What a PBS job used, as it told at its end.

    ``largest_mb`` is its largest process that had ended by then, ``together_mb`` the most that all
    its processes were seen to hold at a time.
    """

    seconds: float
    cpu_seconds: float
    largest_mb: float
    together_mb: float


@dataclass
class Events:
    """What the PBS job has told so far. Keys are numbers of tasks, values the events' lines."""

    started: dict[int, dict] = field(default_factory=dict)
    done: dict[int, dict] = field(default_factory=dict)
    failed: dict[int, dict] = field(default_factory=dict)
    #: On which host its supervisor began; empty before.
    host: str = ""
    #: Why the PBS job was told to stop, if it was.
    stopped: dict | None = None
    #: It has said its last word: nothing of it runs any more.
    is_over: bool = False
    #: What it used, once it is over.
    use: Use | None = None
    #: What did not come to its own end: killed together with the PBS job.
    killed: set[int] = field(default_factory=set)
    #: Limits that tasks have broken, so that they were told to end.
    breaches: dict[int, str] = field(default_factory=dict)


class Folder:
    """The folder of one PBS job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0
        #: All that is known, as of the last :meth:`read`.
        self.events = Events()
        self._lock = threading.Lock()
        #: Lines that could not be written yet.
        self._pending: list[bytes] = []

    # -- written once -----------------------------------------------------------------------

    def write(self, pack: Pack) -> None:
        """Write what is to be done, before it is submitted and after all else is there."""
        self.path.mkdir(parents=True, exist_ok=True)
        # There from the start: a network file system remembers for a minute that a file is absent.
        for name in ("events", "beat"):
            (self.path / name).touch()
        _write_whole(self.path / "pack.json", json.dumps(asdict(pack), indent=1))

    def pack(self) -> Pack:
        """Read ``pack.json``; OSError, ValueError, KeyError or TypeError if it is not there or
        not ours."""
        known = json.loads((self.path / "pack.json").read_text())
        return Pack(**{**known, "tasks": [Task(**task) for task in known["tasks"]]})

    @property
    def id(self) -> str | None:
        """The id of the PBS job, as qsub or the job itself told it."""
        with suppress(OSError):
            return (self.path / "id").read_text().strip() or None
        claim = self.claim()
        return claim.get("id") if claim else None

    @id.setter
    def id(self, value: str) -> None:
        _write_whole(self.path / "id", value)

    # -- who may run it ---------------------------------------------------------------------

    def take(self, **who: Any) -> bool:
        """Claim the pack; False if somebody else has, or its folder is not there any more."""
        try:
            handle = os.open(self.path / "claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except (FileExistsError, FileNotFoundError):
            return False
        with os.fdopen(handle, "w") as file:
            json.dump(who, file)
            file.flush()
            os.fsync(file.fileno())
        return True

    def revoke(self) -> bool:
        """See to it that the pack never runs; False if it runs already or did."""
        if self.take(revoked=True):
            return True
        claim = self.claim()
        # Without its folder it cannot run.
        return claim is None or bool(claim.get("revoked"))

    def claim(self) -> dict[str, Any] | None:
        """Who has claimed the pack; None if nobody has."""
        for _ in range(20):
            try:
                return json.loads((self.path / "claim").read_text())
            except FileNotFoundError:
                return None
            except ValueError:
                # Between its making and its writing.
                time.sleep(0.05)
        return {}

    # -- what became of its tasks -----------------------------------------------------------

    def tell(self, event: str, task: int | None = None, **more: Any) -> None:
        """Add a line to ``events``: in one write, so that lines of several processes do not mix.

        Where the disk is full, nothing is raised: the line is kept and written with the next one.
        """
        line = json.dumps({"event": event, "task": task, "at": round(time.time(), 3), **more})
        with self._lock:
            # A line that another process could write only half is ended first.
            self._pending.append(b"\n" + line.encode() + b"\n")
            self._write_pending()

    def flush(self, seconds: float = 30) -> None:
        """Write what could not be written before; wait so long for room on the disk."""
        until = time.monotonic() + seconds
        while self._pending and time.monotonic() < until:
            time.sleep(0.5)
            with self._lock:
                self._write_pending()

    def _write_pending(self) -> None:
        with suppress(OSError):
            handle = os.open(self.path / "events", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
            try:
                while self._pending:
                    if os.write(handle, self._pending[0]) < len(self._pending[0]):
                        return
                    self._pending.pop(0)
            finally:
                os.close(handle)

    def read(self) -> Events:
        """Read what has come since the last call, and return all that is known."""
        try:
            # Opened each time: only then does a network file system ask its server.
            handle = os.open(self.path / "events", os.O_RDONLY)
            try:
                text = os.pread(handle, READ_AT_ONCE, self._read)
            finally:
                os.close(handle)
        except OSError:
            return self.events
        # A line that is not whole yet is read next time.
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            with suppress(ValueError, KeyError, TypeError):
                self._take_in(json.loads(line))
        return self.events

    def _take_in(self, line: dict[str, Any]) -> None:
        events, task = self.events, line["task"]
        match line["event"]:
            case "began":
                events.host = line["host"]
            case "started":
                events.started[task] = line
            case "done":
                events.done[task] = line
            case "failed" if events.stopped and task not in events.done:
                # It ended with the PBS job: no fault of its own.
                events.killed.add(task)
            case "failed":
                events.failed[task] = line
            case "breach":
                events.breaches[task] = line["limit"]
            case "stopped":
                events.stopped = line
            case "over":
                events.is_over = True
                events.use = Use(**line["use"]) if line.get("use") else None

    def beat(self) -> None:
        """Show that the PBS job is alive."""
        (self.path / "beat").write_text(str(time.time()))

    def last_beat(self) -> str:
        """Another text whenever the job has shown that it is alive: compare, do not interpret."""
        try:
            return (self.path / "beat").read_text()
        except OSError:
            return ""

    def stop(self) -> None:
        """Ask the PBS job to end itself."""
        with suppress(OSError):
            (self.path / "stop").touch()

    @property
    def is_to_stop(self) -> bool:
        return (self.path / "stop").exists()

    # -- what Snakemake knows ---------------------------------------------------------------

    def set_reported(self, task: int) -> None:
        """Remember that Snakemake was told of a failure, so that no later run takes it for new."""
        with suppress(OSError), (self.path / "reported").open("a") as file:
            file.write(f"{task}\n")

    def reported(self) -> set[int]:
        with suppress(OSError):
            return {int(line) for line in (self.path / "reported").read_text().split()}
        return set()

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _write_whole(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
