"""The notebook's function in warm workers: what users run today. Runs in a venv of its own.

usage: python notebook.py LAND WORKERS OUTPUT SAFE [SAFE …]

With the smallest changes that make it run, and give right values, with today's xsar: the flat
Dataset of ``open_datatree``, whole pixels for a resolution, attributes that netCDF can hold, and
dask 2025.7, with which variables are not mixed up. Prints JSON: CPU and wall seconds of the
conversions, without imports.
"""

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS"):
    os.environ[variable] = "1"


def l1b(safe, outfile):
    import xsar

    tree = xsar.open_datatree(safe, resolution={"line": 100, "sample": 100})
    ds = tree["measurement"].to_dataset()
    for name in ("footprint", "multidataset"):
        ds.attrs[name] = str(ds.attrs[name])
    ds.to_netcdf(outfile)


def warm(land):
    import dask
    import xsar

    dask.config.set(scheduler="threads", num_workers=1)
    xsar.Sentinel1Meta.set_mask_feature("land", land)


def convert(safe_and_output):
    begin = time.process_time()
    l1b(*safe_and_output)
    return time.process_time() - begin


def main(land, workers, output, *safes):
    workers = int(workers)
    jobs = [(safe, str(Path(output) / f"{Path(safe).stem}.nc")) for safe in safes]
    with multiprocessing.get_context("spawn").Pool(workers, warm, (land,)) as pool:
        # All workers have imported all that they need.
        first = [(safes[0], str(Path(output) / f"{worker}.nc")) for worker in range(workers)]
        pool.map(convert, first, chunksize=1)
        begin = time.monotonic()
        cpu = sum(pool.map(convert, jobs, chunksize=1))
        wall = time.monotonic() - begin
    print(json.dumps({"cpu": cpu, "wall": wall}))


if __name__ == "__main__":
    main(*sys.argv[1:])
