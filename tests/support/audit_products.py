"""Products to audit: of the notebook and of this workflow, whole and broken in the ways of life."""

import os
import shutil
import signal
import time
from pathlib import Path

import dask
import netCDF4
import numpy as np
import pytest
import xsar
from plain_xsar import opened

from benchmarks.notebook import l1b as notebook
from xsar_batch import xsar_fixes
from xsar_batch.conversion import convert
from xsar_batch.conversion.job import Job

#: When a file was written that nobody writes any more.
LONG_AGO = time.time() - 86_400


def aged(path: Path) -> Path:
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


class plain_xsar:
    """xsar as the notebook's users have it."""

    def __enter__(self):
        xsar_fixes.remove()

    def __exit__(self, *error):
        xsar_fixes.apply()


class Maker:
    """Makes products of SAFEs; each ends in ``folder``, under the name of its SAFE."""

    def __init__(self, folder: Path, land: Path) -> None:
        self.folder, self.land = folder, land

    def _begin(self, safe: Path) -> Path:
        xsar.Sentinel1Meta.set_mask_feature("land", str(self.land))
        dask.config.set(scheduler="threads", num_workers=1)
        self.folder.mkdir(exist_ok=True, parents=True)
        return self.folder / f"{safe.stem}.nc"

    def ours(self, safe: Path, resolution: str = "1000m", **others: object) -> Path:
        path = self._begin(safe)
        function = others.pop("function", convert.user_function.OURS)
        job = Job.by_hand(safe, path, self.land, resolution, function, **others)
        convert.convert(job, lambda: None)
        with netCDF4.Dataset(path, "a") as file:
            # Found through its own attribute, as one of the notebook is, for it is to be copied
            # without the record of its conversion.
            file.setncattr("name", f"SENTINEL1_DS:{safe}:IW")
        return path

    def notebook(self, safe: Path) -> Path:
        """As it would be if xsar were right."""
        path = self._begin(safe)
        xsar_fixes.apply()
        notebook(str(safe), path)
        return path

    def mixed_up(self, safe: Path) -> Path:
        """The write dies over the times, so the user leaves them out: and it is silently wrong."""
        path = self._begin(safe)
        with plain_xsar():
            ds = _opened(safe, {"line": 100, "sample": 100})
            ds.drop_vars(["time", "azimuth_time"]).to_netcdf(path)
        return path

    def failed(self, safe: Path) -> Path:
        """What a write leaves that ended in an exception."""
        path = self._begin(safe)
        with plain_xsar(), pytest.raises(AttributeError, match="year"):
            notebook(str(safe), path)
        return path

    def drifted(self, safe: Path) -> Path:
        """The notebook's own resolution, in metres, with values that are not mixed up."""
        path = self._begin(safe)
        with plain_xsar():
            ds = _opened(safe, "1000m")
            for name in list(ds.variables):
                ds[name] = ds[name].load()
            ds.to_netcdf(path)
        return path

    def killed(self, safe: Path) -> Path:
        """What a write leaves that was killed when it had come as far as sigma0."""
        path = self._begin(safe)
        xsar_fixes.apply()
        ds = _opened(safe, {"line": 100, "sample": 100})

        def die(block):
            # dask tries it on nothing first.
            return block if block.size < 10 else os.kill(os.getpid(), signal.SIGKILL)

        killing = ds["sigma0"].data.map_blocks(die, dtype=float)
        child = os.fork()
        if child == 0:
            try:
                # A fork has no threads but this one.
                with dask.config.set(scheduler="synchronous"):
                    ds.assign(sigma0=ds["sigma0"].copy(data=killing)).to_netcdf(path)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status == signal.SIGKILL
        return path


def _opened(safe: Path, resolution: object):
    ds = opened(safe, resolution)
    ds.attrs.update({name: str(ds.attrs[name]) for name in ("footprint", "multidataset")})
    return ds


def renamed(product: Path, folder: Path, number: int, archive: Path | None = None) -> Path:
    """The same acquisition, processed again: another four digits at the end of its names.

    Its SAFE is said to be in ``archive``, or where none is.
    """
    old = product.stem
    new = f"{old[:-4]}{number:04X}"
    folder.mkdir(exist_ok=True, parents=True)
    path = Path(shutil.copyfile(product, folder / f"{new}.nc"))
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr("name", f"SENTINEL1_DS:{archive or '/nowhere'}/{new}.SAFE:IW")
        file.safe = f"{new}.SAFE"
        file.short_name = file.short_name.replace(old, new)
    return aged(path)


def changed(product: Path, path: Path, *changes) -> Path:
    """A copy of which each of ``changes`` gets the open file."""
    shutil.copyfile(product, path)
    with netCDF4.Dataset(path, "a") as file:
        file.set_auto_maskandscale(False)
        for change in changes:
            change(file)
    return path


def hide_safe(file: netCDF4.Dataset) -> None:
    file.setncattr("name", "SENTINEL1_DS:/nowhere:IW")


def hole(path: Path, values: np.ndarray) -> None:
    """Zeros instead of these values, as where a block never arrived."""
    data = path.read_bytes()
    at = data.find(values.tobytes())
    assert at > 0 and values.nbytes > 100
    path.write_bytes(data[:at] + bytes(values.nbytes) + data[at + values.nbytes :])
