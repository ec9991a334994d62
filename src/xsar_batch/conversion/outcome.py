"""The outcome of a conversion: how it went, in the log's last line and as JSON beside the log.

The JSON is written when a conversion starts, with the state ``running``, and again when it ends.
One that still says ``running`` when nothing runs was killed.
"""

import datetime as dt
import json
import os
import re
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from xsar_batch.failures import Failure
from xsar_batch.system import atomic_write


class Outcome:
    """Outcome of one attempt at one SAFE, from its start to its end."""

    def __init__(self, path: Path | None, name: str, **known: Any) -> None:
        """Start the clock; ``known`` goes into the record as it is.

        Attempts are counted over all runs, until one succeeds. As long as this one has not, the
        record keeps that of the product that is there, as ``product_record``.
        """
        self._path = path
        before = (read(path) if path else None) or {}
        tried = 0 if before.get("state") == "done" else before.get("attempt", 0)
        self._start = time.monotonic()
        self.record: dict[str, Any] = {
            "name": name,
            "state": "running",
            "class": None,
            "cause": None,
            "exit_code": None,
            "started": _now(),
            "ended": None,
            "host": os.uname().nodename,
            "pid": os.getpid(),
            "pbs_job": os.environ.get("PBS_JOBID"),
            "attempt": tried + 1,
            **known,
        }
        if (made := of_product(before)) is not None:
            self.record["product_record"] = made
        self._write()

    def forget_old_product(self) -> None:
        """The next moment there may be another product: from now on nobody knows which."""
        if self.record.pop("product_record", None) is not None:
            self._write()

    def done(self, **known: Any) -> str:
        """The product is published. Returns the log's last line."""
        self._end(state="done", exit_code=0, **known)
        return f"DONE {self.record['name']} in {self.record['seconds']:.1f} s"

    def failed(self, failure: Failure) -> str:
        """There is no product. Returns the log's last line."""
        said, line = _failed(failure)
        self._end(**said)
        return line

    def interrupted(self, by: str, exit_code: int) -> str:
        """Somebody stopped it: no fault of the SAFE. Returns the log's last line."""
        self._end(state="interrupted", cause=by, exit_code=exit_code)
        return f"INTERRUPTED by {by}"

    def _end(self, **known: Any) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.record.update(
            known,
            ended=_now(),
            seconds=round(time.monotonic() - self._start, 3),
            cpu_seconds=round(usage.ru_utime + usage.ru_stime, 3),
            peak_memory_mb=_peak_memory(),
        )
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        _write(self._path, self.record)


def _peak_memory() -> int:
    """Largest resident size of this process in MB.

    Not ``ru_maxrss``, which begins with the size of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None, "the kernel tells it of every process"
    return round(int(found[1]) / 1024)


def end_of(
    path: Path, name: str, process: int, failure: Failure, seconds: float, **known: Any
) -> str | None:
    """The outcome of a process that was ended before it could say how it ended.

    Returns the log's last line, None if the process has said it itself. ``known`` is for a record
    that it has not even begun.
    """
    record = read(path)
    if record is None or (record["pid"], record["host"]) != (process, os.uname().nodename):
        record = Outcome(path, name, **known).record
    elif record["state"] != "running":
        return None
    said, line = _failed(failure)
    record.update(said, ended=_now(), seconds=round(seconds, 3))
    _write(path, record)
    return line


def read(path: Path) -> dict[str, Any] | None:
    """The outcome in a file; None where there is none or it is not whole."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def of_product(record: dict[str, Any]) -> dict[str, Any] | None:
    """The record of the attempt that made the product; None where no record tells."""
    return record if record.get("state") == "done" else record.get("product_record")


def _failed(failure: Failure) -> tuple[dict[str, Any], str]:
    """What a record says of a failure, and the log's last line."""
    cause, code = " ".join(str(failure).split()), failure.exit_code
    said = {"state": "failed", "class": failure.name, "cause": cause, "exit_code": code}
    return said, f"FAILED {failure.name}: {cause}"


def _write(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=1) + "\n"
    try:
        atomic_write.write_text(path, text)
    except OSError:
        # On a full disk the record must not hide why the conversion failed: the log and the exit
        # code still say it. Within the block that the earlier record has there is room for a new
        # one; failing that the earlier one stays, for what it knows of the product.
        with suppress(OSError), path.open("r+b", buffering=0) as file:
            file.write(text.encode())
            file.truncate()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
