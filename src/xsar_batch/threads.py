"""Keeping libraries to the threads that were asked for.

This must run before numpy is imported: OpenBLAS starts its threads when it is loaded, one a core,
28 on a node of Datarmor of which the job may own one.
"""

import os

#: One variable a library: OpenMP, OpenBLAS, MKL, numexpr, numba, GDAL.
VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "GDAL_NUM_THREADS",
)


def limit(threads: int) -> None:
    """Limit the thread pools of all libraries that are loaded from now on."""
    for variable in VARIABLES:
        os.environ[variable] = str(threads)
