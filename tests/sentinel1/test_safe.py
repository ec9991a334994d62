"""The check of a SAFE: says in a fraction of a second, and in one line, what is wrong."""

import json
import os
import re
import struct
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from processes import python
from safes import (
    ANNOTATION,
    BROKEN,
    MANIFEST,
    TIFF,
    Broken,
    copy_safe,
    edit,
    only,
    other_tiff,
    seal,
)

from xsar_batch.failures import BadSafe, Failure, Unsupported
from xsar_batch.sentinel1 import safe

CLASSES = {"bad-safe": BadSafe, "unsupported": Unsupported}

#: Runs a check in a process of its own, and tells what it loaded.
CHECK = """
import json, sys, time
from xsar_batch.sentinel1 import safe
from xsar_batch.failures import Failure
start = time.process_time()
try:
    said = safe.check(sys.argv[1]).ipf
except Failure as failure:
    said = failure.name
took = time.process_time() - start
print(json.dumps({"said": said, "took": took, "modules": sorted(sys.modules)}))
"""


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_safe_is_told_in_one_line(broken: Broken, scene, tmp_path):
    path = copy_safe(scene(), tmp_path)
    path = broken.damage(path)

    start = time.process_time()
    with pytest.raises(Failure) as caught:
        safe.check(path)
    took = time.process_time() - start

    line = str(caught.value)
    assert type(caught.value) is CLASSES[broken.failure], line
    assert "\n" not in line
    assert re.search(broken.reason, line), line
    assert took < 1


def test_whole_safe_passes_with_its_size_and_polarisations(scene):
    checked = safe.check(scene())

    assert checked.path == scene()
    assert f"{checked.name}.SAFE" == scene().name
    assert checked.ipf == "003.71"
    assert checked.polarisations == ("VV", "VH")
    for one in checked.annotations:
        assert (one.lines, one.samples) == (700, 800)
        assert (one.line_spacing, one.sample_spacing) == (10, 10)
        assert one.grid.longitude.shape == (one.grid.line.size, one.grid.sample.size) == (10, 21)
        assert (one.grid.line[[0, -1]] == (0, 699)).all()
        assert (one.grid.sample[[0, -1]] == (0, 799)).all()


def test_path_may_end_without_safe_and_with_a_slash(scene, tmp_path):
    bare = copy_safe(scene(), tmp_path).rename(tmp_path / scene().stem)

    assert safe.check(f"{bare}/").name == scene().stem


def test_files_that_no_conversion_needs_are_not_asked_for(scene, tmp_path):
    """Real SAFEs have previews and schemas, and archives often do without."""
    path = copy_safe(scene(), tmp_path)
    others = "".join(
        f'<dataObject ID="{kind}" repID="{kind}"><byteStream mimeType="text/xml" size="1">'
        f'<fileLocation locatorType="URL" href="./{href}"/></byteStream></dataObject>'
        for kind, href in {
            "s1Level1QuickLookSchema": "preview/quick-look.png",
            "s1Level1MapOverlaySchema": "preview/map-overlay.kml",
            "s1Level1ProductPreviewSchema": "preview/product-preview.html",
            "s1Level1RfiSchema": "annotation/rfi/rfi-001.xml",
        }.items()
    )
    edit(only(path, MANIFEST), "</dataObjectSection>", f"{others}</dataObjectSection>")
    seal(path)

    assert safe.check(path).polarisations == ("VV", "VH")


def test_compressed_measurement_passes_though_it_is_small(scene, tmp_path):
    path = copy_safe(scene(), tmp_path)
    other_tiff(compress="deflate", predictor=2)(path)

    assert only(path, TIFF).stat().st_size < only(scene(), TIFF).stat().st_size * 0.9
    assert safe.check(path).polarisations == ("VV", "VH")


def test_entities_in_an_archive_are_not_resolved(scene, tmp_path):
    """XML of an archive is data: it must not be able to read a file of this machine."""
    (tmp_path / "lines").write_text("700")
    path = copy_safe(scene(), tmp_path)
    annotation = only(path, ANNOTATION)
    entity = f'<!DOCTYPE product [<!ENTITY lines SYSTEM "{tmp_path}/lines">]>'
    edit(annotation, r"<product>", f"{entity}<product>")
    edit(annotation, r"<numberOfLines>700<", "<numberOfLines>&lines;<")
    seal(path)

    with pytest.raises(BadSafe, match=r"declares a document type, which metadata"):
        safe.check(path)


@pytest.mark.parametrize("kind", [None, "tiff cut inside the header"])
def test_check_loads_neither_xsar_nor_its_heavy_companions(kind, scene, tmp_path):
    """Importing xsar takes seconds, on a parallel file system minutes: a bad SAFE must not."""
    path = copy_safe(scene(), tmp_path)
    if kind:
        BROKEN[kind].damage(path)

    told = json.loads(python(CHECK, path).out)

    assert told["said"] == ("bad-safe" if kind else "003.71")
    assert told["took"] < 1
    loaded = {module.split(".")[0] for module in told["modules"]}
    assert not loaded & {"xsar", "safe_s1", "xarray", "dask", "pandas", "geopandas"}


#: Real metadata, where it is at hand.
REAL = Path(__file__).parents[3] / "shared" / "safe"


def sparse_tiff(path: Path, lines: int, samples: int) -> None:
    """A TIFF of zeros, a strip a line, that takes no space on disk."""
    tags = {256: samples, 257: lines, 258: 16, 259: 1, 262: 1, 273: None, 277: 1, 278: 1, 279: None}
    places = 8 + 2 + 12 * len(tags) + 4
    first, row = places + 8 * lines, 2 * samples
    arrays = {273: places, 279: places + 4 * lines}
    table = b"".join(
        struct.pack("<HHII", tag, 4, lines, arrays[tag])
        if value is None
        else struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in tags.items()
    )
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + table + bytes(4)
    offsets = (first + row * np.arange(lines)).astype("<u4")
    path.write_bytes(head + offsets.tobytes() + np.full(lines, row, "<u4").tobytes())
    os.truncate(path, first + row * lines)


def real(kind: str, folder: Path) -> Path:
    """A real product's metadata, with TIFFs of its size; skips where there is none at hand."""
    archives = sorted(REAL.glob(kind))
    if not archives:
        pytest.skip("no real metadata at hand")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    (path,) = folder.glob("*.SAFE")
    for annotation in path.glob("annotation/*.xml"):
        text = annotation.read_text()
        size = [int(re.search(f"<numberOf{dim}>(.*?)<", text)[1]) for dim in ("Lines", "Samples")]
        sparse_tiff(path / "measurement" / f"{annotation.stem}.tiff", *size)
    return path


@pytest.mark.parametrize("kind", ["S1A_IW_*_2015*", "S1A_IW_*_2021*", "S1C_S4_*_2025*"])
def test_real_metadata_fit_together(kind, tmp_path):
    """Checksums, orbit, angles and tables of three processors."""
    path = real(kind, tmp_path)
    start = time.process_time()
    checked = safe.check(path)
    took = time.process_time() - start

    assert len(checked.annotations) == 2
    assert took < 1


@pytest.mark.parametrize("mode", ["S1", "S2", "S3", "S4", "S5", "S6"])
def test_stripmap_passes_where_xsar_is_repaired(mode, scene):
    path = scene(mode=mode, lines=100, samples=100, pols=("HH",))

    assert safe.check(path).polarisations == ("HH",)
    with pytest.raises(Unsupported, match=rf"\({mode} GRDH\), which plain xsar .* repairs: true$"):
        safe.check(path, repairs=False)
