"""A SAFE must be the same from the check to the last pixel.

One that is still being copied, or is replaced meanwhile, may pass the check and then give pixels of
which some are not there yet. So sizes and times of the files that are read are compared: some 20
questions to the file system. A file that grows after its first reading was whole in size before
only where the copier reserves the space.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xsar_batch.failures import BadSafe

#: What is read of a SAFE.
_READ = ("manifest.safe", "annotation/*.xml", "annotation/calibration/*.xml", "measurement/*.tiff")

#: Size in bytes and time of the last change in ns, by the path below the SAFE.
State = dict[str, tuple[int, int]]


@contextmanager
def unchanged(safe: Path) -> Iterator[None]:
    """Hold a SAFE to what it is now.

    Raises
    ------
    BadSafe
        It is another one at the end of the body, or when the body has failed.
    """
    before = _state(safe)
    try:
        yield
    except Exception as error:
        _compare(safe, before, error)
        raise
    _compare(safe, before)


def _state(safe: Path) -> State:
    found = {}
    for pattern in _READ:
        below = Path(pattern).parent
        if any((safe / folder).is_symlink() for folder in (below, below.parent) if folder.name):
            # It may lead out, where nothing is to be looked at: the check says that.
            continue
        for path in safe.glob(pattern):
            try:
                status = path.stat()
            except OSError:
                # Missing, or a link to nowhere: the check says that better.
                continue
            found[os.fspath(path.relative_to(safe))] = (status.st_size, status.st_mtime_ns)
    return found


def _compare(safe: Path, before: State, error: Exception | None = None) -> None:
    after = _state(safe)
    differ = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    if not differ:
        return
    if not after:
        raise BadSafe(f"{safe} went away while it was read") from error
    more = f" and {len(differ) - 1} more" if len(differ) > 1 else ""
    raise BadSafe(
        f"{differ[0]}{more} changed while it was read: the SAFE is still being copied, or was "
        "replaced; the same command tries it again"
    ) from error
