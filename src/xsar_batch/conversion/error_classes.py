"""From an exception of some library to one of our failures."""

from pathlib import Path
from traceback import walk_tb

from xsar_batch.failures import BadSafe, Failure, LandMaskError, OutOfMemory
from xsar_batch.system.full_disk import disk_full


def classify(error: BaseException, safe: Path, land_mask: Path, output_dir: Path) -> Failure:
    """The failure that ``error`` amounts to, with a cause in one line."""
    if isinstance(error, Failure):
        return error
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, MemoryError) or "std::bad_alloc" in text or "Cannot allocate" in text:
        return OutOfMemory(f"memory ran out ({text}); the next attempt asks for more")
    full = disk_full(error, output_dir)
    if full:
        return full
    if str(land_mask) in str(error):
        return LandMaskError(f"cannot read the land polygons: {text}")
    if not safe.is_dir():
        return BadSafe(f"{safe} went away while it was read")
    # GDAL's words for pixels that cannot be read; the header was read before.
    if type(error).__module__.startswith("rasterio"):
        cause = " ".join(str(error.__cause__ or error).split())
        return BadSafe(f"the pixels cannot be read: {cause}")
    if _is_of_reader(error):
        return BadSafe(f"xsar cannot read it: {text}")
    return Failure(text)


def _is_of_reader(error: BaseException) -> bool:
    """Whether it was raised in, or under, the library that reads a SAFE's metadata for xsar.

    The check of a SAFE looks at what ends up in a product; the library reads more than that.
    """
    frames = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(name.split(".")[0] == "safe_s1" for name in frames)
