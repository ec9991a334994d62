"""The ends of logs of what failed, whatever is in them."""

import re
from pathlib import Path

import pandas as pd

from xsar_batch.conversion.layout import Layout

#: Logs that are quoted: so many of a cause, and in all.
OF_A_CAUSE, QUOTED = 2, 100

#: A word of a cause that differs between SAFEs: it has a digit, or is a path.
_PARTICULAR = r"\S*[\d/]\S*"

#: What is quoted: lines, characters of a line, and how far back they are looked for.
LINES, CHARACTERS, BYTES = 15, 400, 32_768

#: Colours and cursor movements of a terminal, and control characters but for the tabulator.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def of(table: pd.DataFrame, layout: Layout) -> dict[str, str]:
    """Name -> end of its log, of the newest failures of each cause, in a prepared table.

    Causes that differ only in numbers, names and paths are one.
    """
    failed = table[table["state"] == "failed"].sort_values(
        "ended", ascending=False, kind="stable", na_position="last"
    )
    cause = failed["cause"].str.replace(_PARTICULAR, "…", regex=True)
    turn = failed.groupby([failed["class"], cause], sort=False).cumcount()
    newest = turn[turn < OF_A_CAUSE].sort_values(kind="stable").index[:QUOTED]
    quoted = ((name, tail(layout.log(name))) for name in newest)
    return {name: text for name, text in quoted if text}


def tail(log: Path) -> str:
    """The last lines; empty where there is no file, or it cannot be read.

    Only the end is read. What is not UTF-8 shows as �, and a line that is too long is cut.
    """
    try:
        # A pipe of that name would wait for ever.
        if not log.is_file():
            return ""
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - BYTES))
            end = file.read(BYTES).decode(errors="replace")
    except OSError:
        return ""
    # A bar of progress writes over its own line.
    lines = [line.rsplit("\r", 1)[-1] for line in end.replace("\r\n", "\n").split("\n")]
    lines = [_CONTROL.sub("", line).rstrip() for line in lines]
    return "\n".join(map(_cut, "\n".join(lines).strip("\n").split("\n")[-LINES:]))


def _cut(line: str) -> str:
    return line if len(line) <= CHARACTERS else line[: CHARACTERS - 1] + "…"
