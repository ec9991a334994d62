"""Why a job failed, in one line."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: Bytes of the end of a log in which its last line is looked for, and characters shown of it.
TAIL = 8192
LONGEST = 400

#: How Snakemake says that a command failed.
_STATUS = re.compile(r"^Command .*(?:returned non-zero exit status|died with)\s(.+?)\.?$", re.S)

#: What Snakemake adds to whatever an executor tells.
_ADDED = "For further error details see the cluster/cloud log"

#: Colours and the like, then whatever else is no character to be read.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def readable(text: str) -> str:
    """Text without control characters, but for newlines and tabulators."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def exit_status(text: str) -> str | None:
    """What a command ended with ("exit code 1"), if an error of Snakemake's says just that."""
    kind, _, rest = text.partition("\n")
    where, _, command = rest.partition("\n")
    found = _STATUS.search(command)
    if kind != "RuleException:" or not where.startswith("CalledProcessError") or not found:
        return None
    status = found[1]
    return f"exit code {status}" if status.isdecimal() else f"ended by {status}"


def last_words(logs: Iterable[str]) -> str:
    """Last line of a job's first log that says anything; nothing if none does."""
    for log in logs:
        with suppress(OSError), Path(log).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            text = readable(file.read().decode(errors="replace").replace("\r", "\n"))
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return lines[-1][:LONGEST]
    return ""


def cause(words: str, told: str, status: str = "") -> str:
    """Why a job failed: of its log's last ``words``, of what the executor ``told``, and of the
    ``status`` that its command ended with.

    A log that ends with ``FAILED …`` tells the cause itself. Of any other it is not known whether
    its last line means anything, if there is another reason.
    """
    told = " ".join(told.partition(_ADDED)[0].split()).rstrip(". ")
    if words.startswith("FAILED "):
        return words.removeprefix("FAILED ") + (f" ({told})" if told else "")
    if words and told:
        return f"{told}; the log ends: {words}"
    if words and status:
        return f"{words} ({status})"
    return words or told or status or "it left no log that tells why"
