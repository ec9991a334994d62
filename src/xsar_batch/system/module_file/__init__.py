"""The modules of an environment in one file, for file systems on which opening a file is slow.

Importing xsar and Snakemake asks a file system 20,000 times: whether a module is in this folder or
in that one, how old its source is, which distributions are installed. On a parallel file system
each question costs up to milliseconds. The answers stay the same as long as the environment does,
so they are written down once, together with the code of the modules (:mod:`.record`), and read back
as one file (:mod:`.start`). Small compiled modules are in it too, and are loaded from memory; large
ones, and the libraries that they need, stay where they are.

The file's name says which environment it holds, and its index too: it is never used for another.
Nor is one that is damaged.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

#: Names the module file that processes of this run start with. The PBS executor knows it too.
VARIABLE = "PYTHON_STARTER"


def python() -> list[str]:
    """How a command begins that goes on with a script or with ``-m MODULE``: Python, and the module
    file where there is one for this run."""
    file = Path(os.environ.get(VARIABLE, ""))
    return [sys.executable, str(file)] if file.is_file() else [sys.executable]


def of_environment(packages: Iterable[str]) -> Path:
    """The module file of this Python and what is installed for it; perhaps not there.

    ``packages`` may be installed as editable: they are known by each of their sources, all else by
    the age of the folder in which it is installed.
    """
    # Each process of a run imports this module, few ask this.
    import hashlib
    import sysconfig

    from xsar_batch.system import user_cache

    known = [sys.version, sys.prefix, str(Path(sys.executable).parent)]
    for site in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        known.append(f"{site} {Path(site).stat().st_mtime_ns}")
    for package in packages:
        for folder in _folders(package):
            for source in sorted(folder.rglob("*.py")):
                about = source.stat()
                known.append(f"{source} {about.st_size} {about.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]
    return user_cache.folder() / f"modules-{digest}.pyc"


def is_whole(path: Path) -> bool:
    """Whether a module file is there, is as it was written, and is of this environment.

    Code and libraries are left out: they have a checksum each, which is looked at when they are
    loaded.
    """
    # Each process of a run imports this module, few ask this.
    from _imp import source_hash

    from xsar_batch.system.module_file import start

    try:
        known, descriptor = start.opened(os.fspath(path))
        with os.fdopen(descriptor, "rb") as file:
            _, size, checksum = known["head"]
            file.seek(0)
            is_sound = source_hash(0, file.read(size)) == checksum
        return is_sound and start.is_of(known["environment"])
    except (OSError, ValueError):
        return False


def _folders(package: str) -> list[Path]:
    from importlib.util import find_spec

    spec = find_spec(package)
    return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
