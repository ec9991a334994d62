"""One interpreter that has imported xsar, for all conversions of a run or of a PBS job.

Importing xsar takes 2 to 3 seconds of CPU, and minutes on a parallel file system. The first
conversion starts a process that imports it (``server``); this one and all others are forks of that
process. Whoever asks for a conversion (``client``) waits for its fork, hands signals on, and ends
as it ends, so for Snakemake, a shell and PBS nothing is different: each SAFE has a process of its
own, with the log, the exit code, the limits and the environment of who asked.

The server belongs to one Snakemake process, its owner, and goes when that goes. Its socket is in a
folder that nobody else may enter.
"""

import os
import stat
from pathlib import Path

from xsar_batch.system.process import OWNER, began

#: Names the folder; unset where each conversion is to import xsar itself.
VARIABLE = "XSAR_BATCH_WARM"

#: Bytes that the path of a socket may have, less what is added to that of the folder.
_LONGEST = 107 - len("/1/socket")


def announce(wanted: bool) -> None:
    """Tell the jobs of this process, which is the owner, whose they are and where their server is,
    or that there is none. Nothing is started: the first job does that, or :func:`.client.start`
    before it."""
    os.environ[OWNER] = f"{os.getpid()}-{began(os.getpid())}"
    if wanted:
        os.environ[VARIABLE] = str(folder_of(os.getpid()))
    else:
        os.environ.pop(VARIABLE, None)


def folder_of(owner: int) -> Path:
    """Folder of the server of a process."""
    # Who asks a server knows its folder, and starts sooner without this.
    import tempfile

    name = f"xsar-batch-{os.getuid()}-{owner}-{began(owner)}"
    folder = Path(tempfile.gettempdir()) / name
    return folder if len(os.fsencode(folder)) <= _LONGEST else Path("/tmp") / name


def owner_of(folder: Path) -> tuple[int, int]:
    """Process, and when it began, of which this is the folder."""
    _, process, time = folder.name.rsplit("-", 2)
    return int(process), int(time)


def left_behind(beside: Path) -> list[Path]:
    """Folders beside this one that servers of this user left, killed together with their owners."""
    found = []
    for folder in beside.parent.glob(f"xsar-batch-{os.getuid()}-*-*"):
        try:
            process, time = owner_of(folder)
            if began(process) != time and folder.lstat().st_uid == os.getuid():
                found.append(folder)
        except (OSError, ValueError):
            # Not ours, or gone meanwhile.
            continue
    return found


def make_private(folder: Path) -> None:
    """Make a folder for this user alone.

    Raises
    ------
    PermissionError
        It is there and belongs to somebody else, or others may enter it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    is_ours = found.st_uid == os.getuid() and not found.st_mode & 0o077
    if not (stat.S_ISDIR(found.st_mode) and is_ours):
        raise PermissionError(f"{folder} is not a folder of this user alone")
