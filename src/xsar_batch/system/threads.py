"""Keeping libraries to the threads that were asked for.

This must run before numpy is imported: OpenBLAS starts its threads when it is loaded, one a core,
28 on a node of Datarmor of which the job may own one.
"""

import os

#: One variable a library: OpenMP, OpenBLAS, MKL, numexpr, numba.
VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def limit(threads: int) -> None:
    """Limit the thread pools of all libraries that are loaded from now on."""
    for variable in VARIABLES:
        os.environ[variable] = str(threads)
    # GDAL decodes blocks side by side. Those of Sentinel-1 are a row each and not compressed: with
    # two threads, reading an IW GRDH product took 2 CPU-seconds more, and no less time.
    os.environ["GDAL_NUM_THREADS"] = "1"
