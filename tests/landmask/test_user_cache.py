"""The packaged coastline is tiled once for each user."""

import shutil

import pytest

from xsar_batch.failures import DiskFull
from xsar_batch.landmask import polygons, user_cache


@pytest.fixture
def built(land_mask_file, tmp_path, monkeypatch):
    """What was built, where; a small piece of land instead of the coastline."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outputs = []

    def build(source, output):
        outputs.append(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(land_mask_file, output)

    monkeypatch.setattr(polygons, "build", build)
    return outputs


def test_a_second_output_folder_gets_a_copy(built, land_mask_file, tmp_path):
    for name in ("one", "two"):
        user_cache.provide(None, tmp_path / name / "land.fgb")
        assert (tmp_path / name / "land.fgb").read_bytes() == land_mask_file.read_bytes()
    (cached,) = built
    assert cached.parent == tmp_path / "cache" / "xsar-batch"
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["land.fgb"]


def test_a_cache_that_cannot_be_made_is_done_without(built, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    user_cache.provide(None, tmp_path / "land.fgb")
    assert built == [tmp_path / "land.fgb"]


def test_a_file_of_the_user_is_not_cached(built, tmp_path):
    user_cache.provide(tmp_path / "coast.shp", tmp_path / "land.fgb")
    assert built == [tmp_path / "land.fgb"]


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def full(source, output):
        raise DiskFull("no space left")

    monkeypatch.setattr(polygons, "build", full)
    with pytest.raises(DiskFull):
        user_cache.provide(None, tmp_path / "out" / "land.fgb")
    assert not (tmp_path / "out").exists()
