"""The packaged coastline, tiled once for each user and not for each output folder."""

import os
import shutil
from pathlib import Path

from xsar_batch.landmask import polygons
from xsar_batch.system import user_cache
from xsar_batch.system.atomic_write import published


def provide(source: Path | None, output: Path) -> None:
    """Write the land polygons to ``output`` as :func:`polygons.build` does, but tile the packaged
    coastline only the first time. Later calls copy it, which takes half a second.

    Nodes of a cluster need not see the cache: they read ``output``.

    Raises
    ------
    LandMaskError, DiskFull
        As :func:`polygons.build`.
    """
    if source is not None:
        polygons.build(source, output)
        return
    cached = user_cache.folder() / f"{'-'.join(polygons.identity(None).split())}{polygons.SUFFIX}"
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        is_usable = os.access(cached.parent, os.W_OK)
    except OSError:
        is_usable = False
    if not is_usable and not cached.is_file():
        polygons.build(None, output)
        return
    if not cached.is_file():
        polygons.build(None, cached)
    output.parent.mkdir(parents=True, exist_ok=True)
    with published(output) as whole:
        shutil.copyfile(cached, whole)
