"""Demo scenes on disk: SAFE folders of our own making that look like Sentinel-1 products."""

import shutil
from pathlib import Path
from typing import Any

import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.windows import Window

from sentinel1_demo_scenes.annotation import annotation
from sentinel1_demo_scenes.calibration import calibration, noise
from sentinel1_demo_scenes.manifest import DataFile, manifest
from sentinel1_demo_scenes.product import Product
from sentinel1_demo_scenes.radiometry import digital_numbers

_CACHE_MB = 32


def _control_points(product: Product) -> list[GroundControlPoint]:
    lines, pixels = product.grid
    points = product.geometry.locate(lines[:, None], pixels[None, :])
    return [
        GroundControlPoint(
            row=float(line),
            col=float(pixel),
            x=float(points.longitude[i, j]),
            y=float(points.latitude[i, j]),
            z=float(points.height[i, j]),
        )
        for i, line in enumerate(lines)
        for j, pixel in enumerate(pixels)
    ]


def _write_measurement(path: Path, product: Product, pol: str) -> None:
    """The layout of real ones: classic TIFF, a strip per line, no compression"""
    mission, resolution = f"Sentinel-{product.mission[1:]}", product.product[-1]
    tags = {
        "TIFFTAG_IMAGEDESCRIPTION": f"{mission} {product.mode} GRD {resolution}R L1 (made up)",
        "TIFFTAG_SOFTWARE": f"Sentinel-1 IPF {product.ipf}",
        "TIFFTAG_DATETIME": f"{product.processed:%Y:%m:%d %H:%M:%S}",
    }
    with (
        rasterio.Env(GDAL_CACHEMAX=_CACHE_MB),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=product.samples,
            height=product.lines,
            count=1,
            dtype="uint16",
            blockysize=1,
            BIGTIFF="NO",
            gcps=_control_points(product),
            crs=CRS.from_epsg(4326),
        ) as image,
    ):
        image.update_tags(**tags)
        for first, block in digital_numbers(product, pol):
            image.write(block, 1, window=Window(0, first, product.samples, block.shape[0]))


def _fill(safe: Path, product: Product) -> None:
    files = []
    for pol in product.pols:
        stem = product.stem(pol)
        texts = {
            DataFile(f"annotation/{stem}.xml", "Product"): annotation,
            DataFile(f"annotation/calibration/noise-{stem}.xml", "Noise"): noise,
            DataFile(f"annotation/calibration/calibration-{stem}.xml", "Calibration"): calibration,
        }
        for file, write in texts.items():
            (safe / file.path).parent.mkdir(parents=True, exist_ok=True)
            (safe / file.path).write_text(write(product, pol) + "\n", encoding="utf-8")
        image = DataFile(f"measurement/{stem}.tiff", "Measurement")
        (safe / image.path).parent.mkdir(exist_ok=True)
        _write_measurement(safe / image.path, product, pol)
        files += [*texts, image]
    (safe / "manifest.safe").write_bytes(manifest(product, safe, files))


def make_safe(folder: Path, **parameters: Any) -> Path:
    """Make a demo scene inside `folder` (made if need be) and return the path of its SAFE folder.

    Keywords are the fields of `Product`, where they are explained; all have defaults. The same
    parameters give the same bytes. The SAFE folder appears under its name only when it is complete.
    Memory: less than 500 MB whatever the size. There is no `support` and no `preview` folder.

    Raises ValueError for a parameter that no product has, TypeError for an unknown one,
    FileExistsError if the SAFE is already there.
    """
    product = Product(**parameters)
    safe = Path(folder) / product.name
    if safe.exists():
        raise FileExistsError(safe)
    unfinished = safe.with_name(f".{safe.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        _fill(unfinished, product)
        unfinished.rename(safe)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return safe
