"""Products of full size, made from the metadata of real ones: what a user gets, against the truth.

Run by `make bench`. The metadata are in ../shared; where that is absent, these tests are skipped.
The pixels are made here, 1.7 GB a product, so that every cell has a known value.
"""

import importlib.util
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from helpers import high_priority_issues

from xsar_batch import safe, verify

REPO = Path(__file__).resolve().parents[1]
SHARED = REPO.parent / "shared"
CELL = 100

pytestmark = [
    pytest.mark.full_size,
    pytest.mark.skipif(not (SHARED / "safe").is_dir(), reason="no real metadata in ../shared"),
]


def load_fill_measurement():
    """The tool that fills a SAFE with pixels of a known sigma0."""
    path = SHARED / "tools" / "fill_measurement.py"
    spec = importlib.util.spec_from_file_location("fill_measurement", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.xz")


def convert(safe_path: Path, land_mask: Path, folder: Path, *options: str) -> Path:
    """Convert by hand, as documented."""
    product = folder / f"{safe_path.stem}{''.join(options)}.nc"
    script = REPO / "workflow" / "scripts" / "convert.py"
    command = [sys.executable, script, safe_path, product, "--land-mask", land_mask, *options]
    subprocess.run(command, check=True)
    return product


@pytest.fixture(scope="module")
def land_mask(tmp_path_factory) -> Path:
    from xsar_batch import land_mask

    path = tmp_path_factory.mktemp("land_mask") / "land.fgb"
    land_mask.build(None, path)
    return path


@pytest.fixture(
    scope="module",
    params=["S1A_IW_GRDH_1SDV_20150203T043109", "S1A_IW_GRDH_1SDV_20210809T173953"],
    ids=["IPF2.70", "IPF3.31"],
)
def real(request, tmp_path_factory):
    """A SAFE with simulated pixels, one product of it at a time: (SAFE, folder to work in)."""
    folder = tmp_path_factory.mktemp("full_size")
    (archive,) = (SHARED / "safe").glob(f"{request.param}*.tar.xz")
    path = unpack(archive, folder)
    tool = SHARED / "tools" / "fill_measurement.py"
    subprocess.run([sys.executable, tool, path], check=True)
    yield path, folder
    # 1.7 GB: the next one is made after this.
    for tiff in path.glob("measurement/*.tiff"):
        tiff.unlink()


@pytest.fixture(scope="module")
def product(real, land_mask) -> Path:
    return convert(real[0], land_mask, real[1])


@pytest.fixture(scope="module")
def ds(product):
    with xr.open_dataset(product) as ds:
        yield ds.load()


def test_every_cell_lies_where_the_annotation_says(ds, real):
    """Longitude and latitude within 15 m at the centre of the pixels that were averaged."""
    image = safe.check(real[0]).annotations[0]
    lines = np.arange(image.lines // CELL) * CELL + (CELL - 1) / 2
    samples = np.arange(image.samples // CELL) * CELL + (CELL - 1) / 2
    assert ds["longitude"].shape == (lines.size, samples.size)
    error = verify.position_error(
        ds["longitude"].values,
        ds["latitude"].values,
        verify.interpolate(image.grid, image.grid.longitude, lines, samples),
        verify.interpolate(image.grid, image.grid.latitude, lines, samples),
    )
    print(f"positions: largest error {error.max():.3g} m")
    assert error.max() < 15
    assert error[-1].max() < 15 and error[:, -1].max() < 15


@pytest.fixture(scope="module")
def unrepaired(real, land_mask):
    with xr.open_dataset(convert(real[0], land_mask, real[1], "--no-repairs")) as ds:
        yield ds.load()


@pytest.mark.parametrize("kind", ["valid", "border"])
def test_sigma0_is_the_truth_to_the_edges(ds, real, kind):
    """Bias below 0.1 dB in each polarisation, over cells within and at the border of the swath."""
    tool = load_fill_measurement()
    image = safe.check(real[0]).annotations[0]
    line, sample = np.meshgrid(ds["line"], ds["sample"], indexing="ij")
    for pol in ds["pol"].values:
        flag = ds["quality_flag"].sel(pol=pol).values
        found = flag == ["valid", "border", "no_data"].index(kind)
        truth = tool.truth(pol, line, sample, image.lines, image.samples)[found]
        made = ds["sigma0"].sel(pol=pol).values
        assert np.isnan(made[flag > 1]).all() and found.sum() > 100
        bias = 10 * np.log10(made[found].mean() / truth.mean())
        print(f"sigma0 {pol} {kind}: {found.sum()} cells, bias {bias:+.3f} dB")
        assert abs(bias) < 0.1


@pytest.mark.parametrize("where", ["everywhere", "last 30 rows", "last 30 columns"])
def test_sigma0_is_the_truth(ds, real, where):
    """Bias below 0.1 dB in each polarisation, over cells without zeros of the border."""
    tool = load_fill_measurement()
    image = safe.check(real[0]).annotations[0]
    line, sample = np.meshgrid(ds["line"], ds["sample"], indexing="ij")
    half = (CELL - 1) / 2
    whole = (line - half >= tool.BORDER_TOP) & (sample - half >= tool.BORDER_NEAR)
    whole &= sample + half < image.samples - tool.BORDER_FAR
    part = {
        "everywhere": np.s_[:],
        "last 30 rows": np.s_[-30:],
        "last 30 columns": np.s_[:, -30:],
    }[where]
    for pol in ds["pol"].values:
        truth = tool.truth(pol, line, sample, image.lines, image.samples)
        made = ds["sigma0"].sel(pol=pol).values
        assert np.isfinite(made[part][whole[part]]).all()
        bias = 10 * np.log10(made[part][whole[part]].mean() / truth[part][whole[part]].mean())
        print(f"sigma0 {pol} {where}: bias {bias:+.3f} dB")
        assert abs(bias) < 0.1


def test_all_variables_are_those_of_plain_xsar(unrepaired, real, land_mask, tmp_path):
    """Plain xsar, asked for whole pixels and loaded one by one, gives the same to the last bit."""
    code = """
import pickle, sys, warnings
warnings.simplefilter("ignore")
import xsar
xsar.Sentinel1Meta.set_mask_feature("land", sys.argv[2])
tree = xsar.open_datatree(sys.argv[1], resolution={"line": 100, "sample": 100})
plain = tree["measurement"].to_dataset().copy()
for name in list(plain.variables):
    plain[name] = plain[name].load()
variables = {name: (v.dims, v.values) for name, v in plain.variables.items()}
pickle.dump(variables, open(sys.argv[3], "wb"))
"""

    file = tmp_path / "plain.pickle"
    subprocess.run([sys.executable, "-c", code, real[0], land_mask, file], check=True)
    plain = pickle.loads(file.read_bytes())
    assert set(plain) <= set(unrepaired.variables)
    assert len(plain) == 31
    for name, (dims, values) in plain.items():
        assert unrepaired[name].dims == dims, name
        equal_nan = values.dtype.kind in "fM"
        assert np.array_equal(unrepaired[name].values, values, equal_nan=equal_nan), name


def test_the_file_is_small_with_nothing_dropped(product, ds):
    """Against the same Dataset as plain to_netcdf writes it."""
    plain = product.with_suffix(".plain.nc")
    bare = ds.copy()
    for variable in bare.variables.values():
        variable.encoding = {}
    bare.to_netcdf(plain)
    ratio = product.stat().st_size / plain.stat().st_size
    print(f"file: {product.stat().st_size / 1e6:.2f} MB, {ratio:.2f} of plain")
    assert ratio < 0.52


def test_cf_compliance(product, tmp_path):
    assert high_priority_issues(product, tmp_path / "report.json") == (0, [])


def test_cells_of_a_checkerboard_are_not_mixed(real, ds, land_mask, tmp_path):
    """Pixels in squares of one cell: each cell is 100 or 300, to the last row and column.

    Runs after the tests above, since it overwrites the pixels.
    """
    path, _ = real
    image = safe.check(path).annotations[0]
    row = (np.arange(image.samples) // CELL % 2).astype(bool)
    for tiff in path.glob("measurement/*.tiff"):
        with rasterio.open(tiff, "r+") as file:
            for first in range(0, image.lines, CELL):
                rows = min(CELL, image.lines - first)
                odd = row ^ (first // CELL % 2 == 1)
                block = np.broadcast_to(np.where(odd, 300, 100).astype("uint16"), (rows, row.size))
                file.write(block, 1, window=((first, first + rows), (0, row.size)))
    with xr.open_dataset(convert(path, land_mask, tmp_path)) as checkered:
        made = checkered["digital_number"].values
    cells = np.add.outer(np.arange(made.shape[1]), np.arange(made.shape[2])) % 2
    assert (made == np.where(cells, 300, 100)).all()


def test_stripmap_is_refused_in_a_sentence(tmp_path):
    (archive,) = (SHARED / "safe").glob("S1C_S4_*.tar.xz")
    script = REPO / "workflow" / "scripts" / "convert.py"
    command = [sys.executable, script, unpack(archive, tmp_path), tmp_path / "out.nc"]
    command += ["--land-mask", os.devnull]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 69
    assert "FAILED unsupported: this is a stripmap product (S4 GRDH)" in ended.stderr
