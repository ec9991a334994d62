"""Whether an error came of a disk, or a quota, that is full."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from xsar_batch.failures import DiskFull

#: What an operating system says when there is no room.
FULL = {
    errno.ENOSPC: "no space left",
    errno.EDQUOT: "disk quota exceeded",
    errno.EFBIG: "no file may be as large (ulimit -f)",
}

#: Bytes written to find out whether a disk is full: more than a file system may keep for its own.
_PROBE = 4 << 20


def disk_full(error: BaseException, folder: Path) -> DiskFull | None:
    """Whether ``error`` came of a full disk.

    netCDF and HDF5 do not say so, but "HDF error" or "Permission denied": the disk is asked then.
    """
    if isinstance(error, OSError) and error.errno in FULL:
        return DiskFull(f"{FULL[error.errno]} in {folder}")
    if not isinstance(error, OSError | RuntimeError):
        return None
    probe = folder / f".probe-{os.uname().nodename}-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as full:
        return DiskFull(f"{FULL[full.errno]} in {folder}") if full.errno in FULL else None
    finally:
        with suppress(OSError):
            probe.unlink()
    return None
