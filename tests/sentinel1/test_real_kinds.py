"""What real products have and a check must not take for a fault, on made-up scenes like them."""

import datetime as dt

import pytest
from lxml import etree
from safes import NOISE, as_cog, copy_safe, edit, only, other_tiff, seal

from xsar_batch.failures import BadSafe, Unsupported
from xsar_batch.sentinel1 import safe

# -- noise -----------------------------------------------------------------------------------


def test_noise_vectors_may_have_pixels_of_their_own(scene, tmp_path):
    """EW has five swaths, at whose moving edges a vector may have one or two more each."""
    path = copy_safe(scene(), tmp_path)
    noise = only(path, NOISE)
    tree = etree.parse(noise)
    vector = tree.findall(".//noiseRangeVector")[-1]
    for tag in ("pixel", "noiseRangeLut"):
        one = vector.find(tag)
        words = one.text.split()
        is_place = tag == "pixel"
        extra = [int(words[-2]) + 1 + k if is_place else words[-2] for k in range(20)]
        words[-1:-1] = map(str, extra)
        one.text = " ".join(words)
        one.set("count", str(len(words)))
    tree.write(noise)
    seal(path)

    assert safe.check(path)


# -- COG -------------------------------------------------------------------------------------


def test_cog_passes_with_the_version_of_its_processor(scene, tmp_path):
    path = as_cog(scene(), tmp_path)
    checked = safe.check(path)

    assert checked.name == f"{scene().stem}_COG"
    assert (checked.ipf, checked.polarisations) == ("003.71", ("VV", "VH"))
    with pytest.raises(
        Unsupported, match=r"\(COG\), which plain xsar cannot open: .*repairs: true"
    ):
        safe.check(path, repairs=False)


def test_cog_is_checked_as_any(scene, tmp_path):
    path = as_cog(scene(), tmp_path)
    other_tiff(nodata=200)(path)
    with pytest.raises(BadSafe, match=r"declares 200\.0 to be no data"):
        safe.check(path)
    edit(path / "manifest.safe", r'IPF" version="003.71"', 'IPF" version="new"', count=0)
    with pytest.raises(BadSafe, match="names no version of the processor: 'new'"):
        safe.check(path)


@pytest.mark.parametrize("mission", ["S1A", "S1B", "S1C", "S1D"])
def test_cog_of_every_mission(mission, scene, tmp_path):
    start = dt.datetime(2021 if mission == "S1B" else 2026, 6, 1)
    safe.check(as_cog(scene(mission=mission, start=start, pols=("HH",)), tmp_path))
