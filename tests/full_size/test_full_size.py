"""Products of full size, made from the metadata of real ones: what a user gets, against the truth.

Run by `make bench`. The metadata are in ../shared; where that is absent, these tests are skipped.
The pixels are made here, up to 1.7 GB a product, so that every cell has a known value.
"""

import importlib.util
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from independent import Grd, metres_apart

from xsar_batch.product import quality_flag

REPO = Path(__file__).resolve().parents[2]
SHARED = REPO.parent / "shared"
CELL = 1000
KINDS = {
    "IPF2.36": "S1A_IW_GRDH_1SDV_20150203T043109*FEC3",
    "IPF2.70": "S1A_IW_GRDH_1SDV_20150203T043109*6D00",
    "IPF3.31": "S1A_IW_GRDH_1SDV_20210809T173953",
    "stripmap": "S1C_S4_GRDH_",
    "EW": "S1?_EW_GRDM_",
}

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
    from xsar_batch.landmask import polygons

    path = tmp_path_factory.mktemp("land_mask") / "land.fgb"
    polygons.build(None, path)
    return path


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def real(request, tmp_path_factory):
    """A SAFE with simulated pixels, one product of it at a time: (SAFE, folder to work in)."""
    folder = tmp_path_factory.mktemp("full_size")
    archives = sorted((SHARED / "safe").glob(f"{request.param}*.tar.xz"))
    if not archives:
        pytest.skip("no metadata of that kind in ../shared")
    path = unpack(archives[0], folder)
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


def bands(ds, path: Path) -> list[tuple[Grd, xr.Dataset]]:
    """Of each polarisation, XML and pixels, and what was made of them."""
    return [(Grd(path, pol), ds.sel(pol=pol)) for pol in ds["pol"].values]


def test_every_cell_lies_where_the_annotation_says(ds, real):
    """Longitude and latitude within 15 m at the centre of the pixels that were averaged."""
    for image, made in bands(ds, real[0]):
        at = image.centres(CELL)
        np.testing.assert_array_equal(made["line"], at[0])
        np.testing.assert_array_equal(made["sample"], at[1])
        found = [made[name].values for name in ("longitude", "latitude")]
        error = metres_apart(
            found, [image.on_grid(name, *at) for name in ("longitude", "latitude")]
        )
        print(f"positions: largest error {error.max():.3g} m")
        assert error.max() < 15
        incidence = image.on_grid("incidenceAngle", *at)
        np.testing.assert_allclose(made["incidence"], incidence, atol=1e-9)


def test_sigma0_is_what_pixels_calibration_and_noise_make(ds, real):
    for image, made in bands(ds, real[0]):
        flag, known = made["quality_flag"].values, np.isfinite(image.mean_noise(CELL))
        whole = known & (flag == quality_flag.VALID)
        square = image.mean_square(CELL)
        raw = square / image.sigma_nought(*image.centres(CELL)) ** 2
        for name, expected in (("sigma0_raw", raw), ("sigma0", image.sigma0(CELL))):
            off = 10 * np.abs(np.log10(made[name].values[whole] / expected[whole]))
            print(f"{name} {image.pol}: at most {off.max():.2g} dB off, {whole.sum()} cells")
            assert off.max() < 0.01
        assert abs(made["digital_number"].values - np.sqrt(square))[whole].max() < 0.51
        assert np.isfinite(made["sigma0"].values[known & (flag != quality_flag.NO_DATA)]).all()


@pytest.mark.parametrize("kind", ["valid", "border"])
def test_sigma0_is_the_truth_to_the_edges(ds, real, kind):
    """Bias below 0.1 dB in each polarisation, over cells within and at the border of the swath."""
    tool = load_fill_measurement()
    for image, band in bands(ds, real[0]):
        line, sample = np.meshgrid(*image.centres(CELL), indexing="ij")
        flag, made = band["quality_flag"].values, band["sigma0"].values
        found = flag == {"valid": quality_flag.VALID, "border": quality_flag.BORDER}[kind]
        assert np.isnan(made[flag >= quality_flag.NO_DATA]).all() and found.sum() > 50
        truth = tool.truth(image.pol, line, sample, *image.shape)[found]
        bias = 10 * np.log10(made[found].mean() / truth.mean())
        print(f"sigma0 {image.pol} {kind}: {found.sum()} cells, bias {bias:+.3f} dB")
        assert abs(bias) < 0.1


def test_all_variables_are_those_of_plain_xsar(real, land_mask, tmp_path):
    """Without repairs. Plain xsar, asked for whole pixels and loaded one by one, gives the same to
    the last bit."""
    if "_S4_" in real[0].name:
        pytest.skip("plain xsar cannot open stripmap")
    cell = Grd(real[0], "HH" if "_1SDH_" in real[0].name else "VV").cell(CELL)[0]
    with xr.open_dataset(convert(real[0], land_mask, tmp_path, "--no-repairs")) as made:
        unrepaired = made.load()
    code = """
import pickle, sys, warnings
warnings.simplefilter("ignore")
import xsar
xsar.Sentinel1Meta.set_mask_feature("land", sys.argv[2])
cell = int(sys.argv[4])
tree = xsar.open_datatree(sys.argv[1], resolution={"line": cell, "sample": cell})
plain = tree["measurement"].to_dataset().copy()
for name in list(plain.variables):
    plain[name] = plain[name].load()
variables = {name: (v.dims, v.values) for name, v in plain.variables.items()}
pickle.dump(variables, open(sys.argv[3], "wb"))
"""

    file = tmp_path / "plain.pickle"
    subprocess.run([sys.executable, "-c", code, real[0], land_mask, file, str(cell)], check=True)
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
    assert ratio < (0.54 if "_IW_" in product.name else 0.6)


def test_cells_of_a_checkerboard_are_not_mixed(real, ds, land_mask, tmp_path):
    """Pixels in squares of one cell: each cell is 100 or 300, to the last row and column.

    Runs after the tests above, since it overwrites the pixels.
    """
    path, _ = real
    for tiff in path.glob("measurement/*.tiff"):
        with rasterio.open(tiff, "r+") as file:
            cell = Grd(path, tiff.name.split("-")[3]).cell(CELL)[0]
            row = (np.arange(file.width) // cell % 2).astype(bool)
            for first in range(0, file.height, cell):
                rows = min(cell, file.height - first)
                odd = row ^ (first // cell % 2 == 1)
                block = np.broadcast_to(np.where(odd, 300, 100).astype("uint16"), (rows, row.size))
                file.write(block, 1, window=((first, first + rows), (0, row.size)))
    with xr.open_dataset(convert(path, land_mask, tmp_path)) as checkered:
        made = checkered["digital_number"].values
    cells = np.add.outer(np.arange(made.shape[1]), np.arange(made.shape[2])) % 2
    assert (made == np.where(cells, 300, 100)).all()
