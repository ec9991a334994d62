"""A conversion uses the threads it was given, no more and no fewer."""

import sys

import pytest
import xarray as xr
from processes import python, run
from repository import SCRIPTS

FUNCTION = """
import threading
import time

import dask.array as da
import xarray as xr

seen = set()


def note(block):
    # Long enough for every worker to take one.
    time.sleep(0.05)
    seen.add(threading.get_ident())
    return block


def l1b(safe, resolution):
    data = da.ones((40, 10), chunks=(1, 10)).map_blocks(note, dtype=float)
    return xr.Dataset({"ones": (("a", "b"), data)}).pipe(Counted)


class Counted(xr.Dataset):
    __slots__ = ()

    def load(self, **kwargs):
        seen.clear()
        result = super().load(**kwargs)
        return result.assign_attrs(workers=len(seen))
"""


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_dask_has_exactly_as_many_workers(threads, scene, land_mask_file, tmp_path):
    (tmp_path / "mine.py").write_text(FUNCTION)
    product = tmp_path / "product.nc"
    ran = run(
        *(sys.executable, SCRIPTS / "convert.py", scene(), product, "--land-mask", land_mask_file),
        *("--function", f"{tmp_path / 'mine.py'}:l1b", "--threads", str(threads)),
    )
    assert ran.code == 0, ran.out
    with xr.open_dataset(product) as ds:
        assert ds.attrs["workers"] == threads


def test_libraries_are_kept_to_their_threads():
    """As the script does it: before numpy is loaded. GDAL is asked for what it understood."""
    ran = python(
        """
from xsar_batch.system import threads
threads.limit(2)
import os
import numpy as np
from rasterio._env import get_gdal_config
a = np.ones((1500, 1500))
a @ a
print(len(os.listdir("/proc/self/task")), get_gdal_config("GDAL_NUM_THREADS"))
"""
    )
    assert ran.code == 0, ran.out
    tasks, gdal = ran.out.split()
    assert (int(tasks), int(gdal)) == (2, 1)
