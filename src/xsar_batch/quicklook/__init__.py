"""The quicklook of a product: a small picture of sigma0, for people who look through many.

One panel a polarisation, co-polarised first, in dB on fixed scales (``drawing``); north up, and an
arrow to true north (``scene``). What it costs is in docs/speed.md: hence no matplotlib.

Nobody fails for want of a picture: :func:`attempt` says in the log why there is none.
"""

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xsar_batch.quicklook.scene import NoQuicklook, Scene
from xsar_batch.sentinel1 import product_name
from xsar_batch.system.atomic_write import published

if TYPE_CHECKING:
    import xarray as xr

# Pillow is imported where errors are caught: no product must fail because it is missing.

#: zlib level of the PNG: 6 saves 12 % of the space at best, and takes 2.6 times the CPU.
LEVEL = 3

logger = logging.getLogger("xsar_batch")


def attempt(ds: "xr.Dataset", name: str, path: Path) -> bool:
    """Make a quicklook, or say in one line of the log why there is none. Returns whether there is.

    One that is there is replaced, or removed: it would show the product that was there before.
    """
    try:
        make(ds, name, path)
    except Exception as error:
        logger.info("no quicklook: %s", cause(error))
        with suppress(OSError):
            path.unlink()
        return False
    return True


def make(ds: "xr.Dataset", name: str, path: Path) -> None:
    """Draw a computed Dataset of the SAFE ``name`` (without .SAFE) and publish the PNG in one step.

    Raises
    ------
    NoQuicklook
        What it takes is not in the Dataset.
    OSError
        The file cannot be written.
    """
    from xsar_batch.quicklook.drawing import draw

    picture = draw(Scene.of(ds, name))
    path.parent.mkdir(parents=True, exist_ok=True)
    with published(path) as temporary:
        picture.save(temporary, format="PNG", compress_level=LEVEL)


def of_product(product: Path, path: Path) -> None:
    """Make the quicklook of a product that is there. Raises as :func:`make` does."""
    import xarray as xr

    with xr.open_dataset(product, engine="netcdf4") as ds:
        make(ds, name_of(ds, product), path)


def name_of(ds: "xr.Dataset", product: Path) -> str:
    """Name of the SAFE (without .SAFE) of which this product was made, as far as it is known."""
    source = str(ds.attrs.get("source", "")).removesuffix(".SAFE")
    return source if product_name.parse(source) else product.stem


def cause(error: Exception) -> str:
    """Why there is no quicklook, in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, NoQuicklook) else f"{type(error).__name__}: {text}"


def warm_up() -> None:
    """Load what drawing takes. What is amiss is said of each picture, by :func:`attempt`."""
    with suppress(Exception):
        from PIL import Image, PngImagePlugin

        from xsar_batch.quicklook import drawing, frame

        assert drawing and PngImagePlugin
        # Others too: whoever saves a picture has them loaded.
        Image.preinit()
        frame.warm_up()
