"""Processes: which one it is, whether it still runs, and whose job this one is."""

import os
from pathlib import Path

#: Names the process whose jobs these are, and when it began. A job ends when that process is gone.
OWNER = "XSAR_BATCH_OWNER"


def began(process: int) -> int:
    """When a process began, in clock ticks since boot; 0 if there is no such process.

    Together with its number that names a process: numbers are given out again.
    """
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0
    # A zombie is no more.
    return 0 if after_name[0] == "Z" else int(after_name[19])


def is_orphaned() -> bool:
    """Whether this is a job of a process that is no more."""
    process, _, time = os.environ.get(OWNER, "").partition("-")
    return bool(time) and began(int(process)) != int(time)


def umask() -> int:
    """The umask of this process. The kernel only tells it when it is set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
