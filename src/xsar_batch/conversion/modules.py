"""The module file of conversions and of PBS jobs: ``python -m xsar_batch.conversion.modules FILE``.

It holds what a conversion, its client, the fork server and the Snakemake in a PBS job import.
"""

import importlib
import pkgutil
import sys
import tempfile
from contextlib import chdir, suppress
from pathlib import Path

import xsar_batch
from xsar_batch.conversion.forkserver import preloading
from xsar_batch.system import module_file
from xsar_batch.system.module_file.record import Record

#: Packages of this project that take part. They know nothing of each other, so these are names.
PACKAGES = ("xsar_batch", "snakemake_executor_plugin_pbs", "snakemake_logger_plugin_progress")

#: What a PBS job runs.
IN_PBS_JOBS = ("snakemake_executor_plugin_pbs.supervisor", "snakemake_executor_plugin_pbs.inside")

_SNAKEFILE = """
rule convert:
    output: "product"
    shell: "touch {output}"
"""


def file() -> Path:
    """The module file of this environment; perhaps not there."""
    return module_file.of_environment(PACKAGES)


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


if __name__ == "__main__":
    make(Path(sys.argv[1]))
