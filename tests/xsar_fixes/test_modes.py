"""Every kind of GRD: products against the XML and the pixels, read without xsar."""

import re

import numpy as np
import pytest
import sentinel1_demo_scenes as demo
import xsar
from independent import Grd, metres_apart

from xsar_batch import xsar_fixes
from xsar_batch.l1b import l1b
from xsar_batch.product import noise, verify
from xsar_batch.sentinel1 import safe

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")

EW = {"mode": "EW", "product": "GRDM", "pols": ("HH", "HV")}
OLD = {"ipf": "002.72"}
IN_2025, IN_2026 = (np.datetime64(day).item() for day in ("2025-06-01T18", "2026-03-01T18"))

#: What to make, and the size of a cell.
KINDS = {
    "IW": ({"mission": "S1B"}, "1000m"),
    "IW before IPF 2.90": (OLD, "1000m"),
    "IW GRDM": ({"product": "GRDM", "pols": ("VV",)}, "1000m"),
    "EW": (EW, "1000m"),
    "EW before IPF 2.90": (EW | OLD, "1000m"),
    "EW GRDH at 80 degrees": (
        EW | {"product": "GRDH", "latitude": 80.5, "mission": "S1C", "start": IN_2025},
        "1000m",
    ),
    "S1": ({"mode": "S1", "pols": ("HV",), "mission": "S1D", "start": IN_2026}, "1000m"),
    "S4": ({"mode": "S4", "pols": ("HH", "HV"), "ipf": "004.00"}, "1000m"),
    "S6 before IPF 2.90": ({"mode": "S6", "pols": ("HH",)} | OLD, "1000m"),
    "S3 GRDF": ({"mode": "S3", "product": "GRDF", "pols": ("VH",)}, "1000m"),
}
# A cell more would fit in neither direction; no centre is the last pixel of a sub-swath.
SIZE = {"lines": 930, "samples": 1270}


@pytest.fixture(scope="module", autouse=True)
def cured(land_mask_file):
    xsar.Sentinel1Meta.set_mask_feature("land", str(land_mask_file))
    xsar_fixes.apply()


class Converted:
    """A scene, what xsar makes of it, and what it should be."""

    def __init__(self, path, resolution: str) -> None:
        self.path, self.resolution = path, resolution
        self.metres = float(resolution.removesuffix("m"))
        self.ds = l1b(path, resolution).load().transpose("pol", "line", "sample")
        self.bands = [Grd(path, pol) for pol in self.ds["pol"].values]
        self.at = self.bands[0].centres(self.metres)

    def without_border(self) -> np.ndarray:
        """Cells in which no pixel is of the border of zeros."""
        top, near, far = demo.border(*self.bands[0].shape)
        down, across = self.bands[0].cell(self.metres)
        line, sample = np.meshgrid(*self.at, indexing="ij")
        inside = (line - (down - 1) / 2 >= top) & (sample - (across - 1) / 2 >= near)
        return inside & (sample + (across - 1) / 2 < self.bands[0].shape[1] - far)


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def made(request, tmp_path_factory):
    parameters, resolution = request.param
    path = demo.make_safe(tmp_path_factory.mktemp("scene"), **SIZE, **parameters)
    return Converted(path, resolution)


def test_passes_its_checks(made):
    checked = safe.check(made.path)
    verify.check_dataset(made.ds, checked, made.resolution)
    assert made.ds["pol"].values.tolist() == list(checked.polarisations)
    assert made.ds.attrs["platform"] == f"SENTINEL-1{made.path.name[2]}"


def test_cells_lie_where_the_annotation_says(made):
    image = made.bands[0]
    np.testing.assert_array_equal(made.ds["line"], made.at[0])
    np.testing.assert_array_equal(made.ds["sample"], made.at[1])
    annotated = [image.on_grid(name, *made.at) for name in ("longitude", "latitude")]
    found = [made.ds[name].values for name in ("longitude", "latitude")]
    assert metres_apart(found, annotated).max() < 15
    incidence = image.on_grid("incidenceAngle", *made.at)
    np.testing.assert_allclose(made.ds["incidence"], incidence, atol=1e-9)


def test_sigma0_is_what_pixels_calibration_and_noise_make(made):
    for image, band in zip(made.bands, made.ds.transpose("pol", ...)["pol"].values, strict=True):
        ds = made.ds.sel(pol=band)
        calibration = image.sigma_nought(*made.at)
        np.testing.assert_allclose(ds["sigma0_lut"], calibration, rtol=1e-12)
        np.testing.assert_allclose(ds["noise_lut"], image.mean_noise(made.metres), rtol=1e-6)
        known = ds["quality_flag"].values < 2
        assert np.array_equal(np.isfinite(ds["sigma0"].values), known)
        square = image.mean_square(made.metres)
        raw, sigma0 = square / calibration**2, image.sigma0(made.metres)
        np.testing.assert_allclose(ds["sigma0_raw"].values[known], raw[known], rtol=1e-12)
        # Noise is kept in single precision.
        np.testing.assert_allclose(ds["sigma0"].values[known], sigma0[known], rtol=1e-5)
        # xsar's numbers are rounded: to the integer whose square is nearest.
        assert abs(ds["digital_number"].values - np.sqrt(square))[known].max() < 0.51


@pytest.mark.parametrize("where", [np.s_[:], np.s_[-3:], np.s_[:, -3:]], ids=["all", "end", "far"])
def test_sigma0_is_the_truth(made, where):
    whole = made.without_border()[where]
    lines, samples = made.bands[0].shape
    for pol in made.ds["pol"].values:
        truth = demo.true_sigma0(
            pol, *np.meshgrid(*made.at, indexing="ij"), lines=lines, samples=samples
        )
        sigma0 = made.ds["sigma0"].sel(pol=pol).values
        assert np.isfinite(sigma0[where][whole]).all()
        bias = 10 * np.log10(sigma0[where][whole].mean() / truth[where][whole].mean())
        print(f"{pol}: {bias:+.3f} dB")
        assert abs(bias) < 0.1


@pytest.mark.parametrize("latitude", [75.0, 80.5])
def test_bilinear_positions_of_high_latitudes_are_those_of_the_scene(latitude):
    """What xsar does between grid points, against where a scene of full size has those pixels."""
    product = demo.Product(**EW, lines=10700, samples=10400, latitude=latitude)
    lines, samples = product.grid
    points = product.geometry.locate(lines[:, None], samples[None])
    names = ("longitude", "latitude", "incidence")
    of_points = {name: getattr(points, name) for name in names}
    grid = verify.GeolocationGrid(lines, samples, **of_points)
    at = np.arange(12, 10700, 25), np.arange(12, 10400, 25)
    truth = product.geometry.locate(at[0][:, None], at[1][None])
    found = [
        verify.interpolate(grid, values, *at)
        for values in (verify.unwrapped(grid.longitude), grid.latitude)
    ]
    apart = metres_apart(found, (truth.longitude, truth.latitude)).max()
    print(f"{latitude} degrees: {apart:.0f} m")
    assert apart < 100


def test_noise_that_is_next_to_nothing_is_told(made):
    assert noise.warning(made.ds, "002.72") is None
    early = made.ds.assign(nesz=made.ds["nesz"] * 1e-12)
    assert re.match(
        r"IPF 002\.36 annotated next to no noise \(nesz is -14\d dB\)",
        noise.warning(early, "002.36"),
    )
    none = made.ds.assign(nesz=made.ds["nesz"] * 0)
    assert "(nesz is -inf dB)" in noise.warning(none, "002.43")
    assert noise.warning(made.ds.drop_vars("nesz"), "002.36") is None
