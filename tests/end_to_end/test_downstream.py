"""docs/downstream.md is true: its blocks are run one after the other, in one folder of products."""

import re
import shutil
import subprocess
import warnings
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from repository import REPO

from xsar_batch.conversion.convert import convert
from xsar_batch.conversion.job import Job
from xsar_batch.conversion.user_function import OURS

TEXT = (REPO / "docs" / "downstream.md").read_text()

#: Sections, in their order, and what is to be seen once their blocks have been run.
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, scene, land_mask_file):
    folder = tmp_path_factory.mktemp("downstream")
    (folder / "products").mkdir()
    for number in range(2):
        safe = scene(number, lines=1500, samples=2000)
        product = folder / "products" / f"{safe.stem}.nc"
        convert(Job.by_hand(safe, product, land_mask_file, "1000m", OURS), lambda: None)
    return folder


@pytest.fixture(scope="module")
def products(folder):
    return sorted((folder / "products").glob("*.nc"))


def run(section: str, folder: Path) -> dict:
    """Run a section's blocks, and xarray's before them; returns the names of Python."""
    known: dict = {}
    parts = [SECTIONS["xarray"]] if section != "xarray" else []
    for part in (*parts, SECTIONS[section]):
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```", part, re.DOTALL | re.MULTILINE):
            if language == "python":
                exec(compile(block, f"docs/downstream.md, {section}", "exec"), known)
                continue
            assert language == "sh"
            for program in re.findall(r"^(\w+)", block, re.MULTILINE):
                if shutil.which(program) is None:
                    pytest.skip(f"{program} is not installed")
            first = re.search(r"^PRODUCT=.*$", TEXT, re.MULTILINE)[0]
            script = f"set -e\n{first}\n{block}"
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    return known


@pytest.fixture(autouse=True)
def in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    # They are of the libraries, and users see them too.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def assert_in_place(file: str, ds: xr.Dataset, name: str, size: float) -> None:
    """Every cell of a raster in degrees has the value of a cell of the product that is near."""
    place = np.stack([ds["longitude"].values, ds["latitude"].values], -1).reshape(-1, 2)
    with rasterio.open(file) as raster:
        values = raster.read(1)
        rows, columns = np.nonzero(np.isfinite(values))
        x, y = raster.xy(rows, columns)
        degrees = raster.res[0]
    assert rows.size > 0.5 * ds[name].isel(pol=0, missing_dims="ignore").notnull().sum()
    near = shapely.STRtree(shapely.points(place)).query(
        shapely.points(x, y), "dwithin", distance=size + degrees
    )
    known = ds[name].isel(pol=0, missing_dims="ignore").values.ravel()
    wanted = values[rows, columns].astype("f4")
    found = np.zeros(rows.size, bool)
    np.logical_or.at(found, near[0], known[near[1]].astype("f4") == wanted[near[0]])
    assert found.all()


def test_every_section_is_tried():
    tried = {name for name in globals() if name.startswith("test_section_")}
    assert {f"test_section_{name.split()[0].lower()}" for name in SECTIONS} == tried


def test_section_xarray(folder, products):
    known = run("xarray", folder)
    one, both = known["ds"], known["scenes"]
    cells = one.sizes["line"] * one.sizes["sample"]
    assert both.sizes == {"pol": 2, "cell": 2 * cells}
    for number, path in enumerate(products):
        with xr.open_dataset(path) as ds:
            part = both.isel(cell=slice(number * cells, (number + 1) * cells))
            np.testing.assert_array_equal(part["longitude"], ds["longitude"].values.ravel())
            np.testing.assert_array_equal(part["sigma0"], ds["sigma0"].values.reshape(2, -1))
            assert set(part["safe"].values) == {f"{path.stem}.SAFE"}
    assert known["usable"].notnull().sum() == (one["quality_flag"] <= 1).sum()
    with pytest.raises(ValueError, match="dimension coordinates"):
        xr.open_mfdataset(products)


def test_section_rioxarray(folder):
    known = run("rioxarray", folder)
    known["mapped"].rio.to_raster("mapped.tif")
    assert_in_place("mapped.tif", known["ds"], "sigma0", 0.013)


def test_section_gdal(folder):
    ds = run("GDAL and QGIS", folder)["ds"]
    assert_in_place("sigma0.tif", ds, "sigma0", 0.013)
    assert_in_place("placed.tif", ds, "incidence", 0.013)
    with rasterio.open("sigma0.tif") as raster:
        assert raster.count == ds.sizes["pol"]


def test_section_cdo(folder, products):
    run("CDO", folder)
    with netCDF4.Dataset("remapped.nc") as remapped, xr.open_dataset(products[0]) as ds:
        assert remapped["sigma0"].dimensions == ("pol", "lat", "lon")
        rows, columns = np.nonzero(~np.ma.getmaskarray(remapped["incidence"][:]))
        assert rows.size > 3
        for row, column in zip(rows, columns, strict=True):
            # Longitudes are from 0 to 360 there.
            east = (ds["longitude"] - remapped["lon"][column] + 180) % 360 - 180
            off = np.hypot(east * np.cos(np.radians(48)), ds["latitude"] - remapped["lat"][row])
            near = ds["incidence"].values[off.values < 0.013]
            assert near.min() - 0.01 <= remapped["incidence"][row, column] <= near.max() + 0.01


def test_section_nco(folder, products):
    run("NCO", folder)
    with xr.open_dataset(products[0]) as ds, xr.open_dataset("profile.nc") as profile:
        np.testing.assert_allclose(profile["sigma0"], ds["sigma0"].mean("sample"))


def test_section_xsarsea(folder):
    pytest.importorskip("xsarsea")
    known = run("xsarsea", folder)
    at_sea = known["sigma0_vv"].notnull()
    assert at_sea.any() and known["detrended"].where(at_sea).notnull().sum() == at_sea.sum()
