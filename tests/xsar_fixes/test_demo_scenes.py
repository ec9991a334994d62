"""Demo scenes are read by the real xsar as what they are."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import sentinel1_demo_scenes as demo
import xsar

from xsar_batch import xsar_fixes

CELL = 100
VARIABLES_OF_XSAR = """
    digital_number sigma0 sigma0_raw gamma0 gamma0_raw nesz negz sigma0_lut gamma0_lut noise_lut
    noise_lut_range noise_lut_azi longitude latitude incidence elevation altitude offboresight
    slant_range_time azimuth_time ground_heading land_mask time velocity range_ground_spacing
    sampleSpacing lineSpacing
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict]:
    """What xsar makes of the scene, every variable loaded on its own (umr-lops/xsar#261)"""
    safe = demo.make_safe(tmp_path_factory.mktemp("demo"))
    # East of 4.9 degrees west all is land: about half of the scene.
    ring = [[-4.9, 48.0], [-4.0, 48.0], [-4.0, 49.0], [-4.9, 49.0], [-4.9, 48.0]]
    feature = {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    land = safe.parent / "land.geojson"
    land.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    xsar.Sentinel1Meta.set_mask_feature("land", str(land))
    # Another test in this process may have brought in what gives border cells no value.
    xsar_fixes.apply(repairs=False)
    tree = xsar.open_datatree(str(safe), resolution={"line": CELL, "sample": CELL})
    dataset = tree["measurement"].to_dataset()
    yield {name: dataset[name].load() for name in dataset.variables}
    xsar_fixes.apply()


@pytest.mark.filterwarnings("ignore")
def test_xsar_finds_all_variables_without_nan(opened: dict) -> None:
    names = VARIABLES_OF_XSAR.split()
    assert set(names) <= set(opened)
    for name in names:
        values = opened[name].values
        assert values.size, name
        assert not np.isnan(values.astype(float)).any(), name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pol", ["VV", "VH"])
def test_xsar_gives_back_the_true_sigma0(opened: dict, pol: str) -> None:
    found = opened["sigma0"].sel(pol=pol)
    assert found.shape == (15, 20)
    # Mean of the truth over each cell, from every tenth pixel.
    line, sample = np.arange(5, 1500, 10)[:, None], np.arange(5, 2000, 10)[None]
    truth = demo.true_sigma0(pol, line, sample, lines=1500, samples=2000)
    truth = truth.reshape(15, 10, 20, 10).mean(axis=(1, 3))
    inner = np.s_[1:, 1:-1]  # without the cells with border
    ratio = found.values[inner] / truth[inner]
    assert abs(10 * np.log10(ratio.mean())) < 0.1
    # A cell alone: xsar's DN are whole numbers, which cross-polarisation feels.
    assert abs(10 * np.log10(ratio)).max() < (0.2 if pol == "VV" else 0.8)


@pytest.mark.filterwarnings("ignore")
def test_xsar_sees_the_geometry_and_the_land(opened: dict) -> None:
    line, sample = opened["line"].values[:, None], opened["sample"].values[None, :]
    points = demo.Product().geometry.locate(line, sample)
    np.testing.assert_allclose(opened["longitude"].values, points.longitude, atol=1e-5)
    np.testing.assert_allclose(opened["latitude"].values, points.latitude, atol=1e-5)
    np.testing.assert_allclose(opened["incidence"].values, points.incidence, atol=1e-3)
    # xsar's mask is one cell (0.0135 degrees) off at most.
    mask = opened["land_mask"].values
    assert 0 not in mask[points.longitude > -4.9 + 0.014]
    assert 1 not in mask[points.longitude < -4.9 - 0.014]
    assert 0.2 < mask.mean() < 0.8
