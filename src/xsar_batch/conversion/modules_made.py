"""Making the module file: ``python -m xsar_batch.conversion.modules_made FILE``.

It imports what a conversion, its client, the fork server and the Snakemake in a PBS job import.
"""

import fcntl
import importlib
import pkgutil
import sys
import tempfile
from contextlib import chdir, suppress
from pathlib import Path

import xsar_batch
from xsar_batch.conversion.forkserver import preloading
from xsar_batch.conversion.modules import PACKAGES
from xsar_batch.system.module_file.record import Record

#: Module files that are kept: a user may have several environments.
KEPT = 3

#: What a PBS job runs.
IN_PBS_JOBS = ("snakemake_executor_plugin_pbs.supervisor", "snakemake_executor_plugin_pbs.inside")

_SNAKEFILE = """
rule convert:
    output: "product"
    shell: "touch {output}"
"""


def make(path: Path) -> None:
    """Import all that is needed, and write it down."""
    record = Record()
    with record.watching():
        for name in IN_PBS_JOBS:
            with suppress(ImportError):
                importlib.import_module(name)
        _run_snakemake()
        for module in pkgutil.walk_packages(xsar_batch.__path__, "xsar_batch."):
            importlib.import_module(module.name)
        preloading.preload()
    folders = [sys.prefix, sys.base_prefix]
    for name in PACKAGES:
        with suppress(ImportError):
            folders += importlib.import_module(name).__path__
    record.write(path, [Path(folder) for folder in folders])


def _run_snakemake() -> None:
    """Have Snakemake import what it imports only when it runs something."""
    from snakemake.cli import main

    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("Snakefile").write_text(_SNAKEFILE)
        with suppress(SystemExit):
            main(["product", "--cores", "1", "--nolock", "--quiet", "all"])


def main(path: Path) -> None:
    """Make it, once, and remove those of environments that are no more."""
    with path.with_suffix(".log").open("ab") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Another run has it made.
            return
        make(path)
    kept = sorted(path.parent.glob("modules-*.pyc"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)
        old.with_suffix(".log").unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
