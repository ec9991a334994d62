"""The ways to break a SAFE: damaged copies of whole ones."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentinel1_demo_scenes.manifest import fitted, md5


def only(folder: Path, pattern: str) -> Path:
    """The one file that ``pattern`` finds."""
    (found,) = folder.glob(pattern)
    return found


def copy_safe(safe: Path, folder: Path, linked: bool = False) -> Path:
    """A copy of a SAFE in ``folder``; ``linked`` for one that is only read."""
    copy_function = os.link if linked else shutil.copy2
    return Path(shutil.copytree(safe, folder / safe.name, copy_function=copy_function))


# -- ways to break a SAFE --------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """How a SAFE is broken, and what is to be said of it.

    ``how`` gets a copy it may change, and returns the path to convert (None: the same).
    ``reason`` is a regular expression that must be found in the one line.
    """

    how: Callable[[Path], Path | None]
    reason: str
    failure: str = "bad-safe"

    def damage(self, safe: Path) -> Path:
        """Break a copy, in such a way that no checksum tells; returns the path to convert."""
        path = self.how(safe) or safe
        seal(path)
        return path


def seal(safe: Path) -> None:
    """Put sizes and checksums in a manifest right again, and its own: what is wrong in the files
    must show by itself."""
    path = safe / "manifest.safe"
    # Never through a link: what it leads to is not ours.
    if path.is_symlink() or not path.is_file():
        return

    def sealed(match: re.Match) -> bytes:
        item = match[0]
        href = re.search(rb'href="([^"]*)"', item)
        file = safe / os.fsdecode(href[1]) if href else path
        if not file.is_file():
            return item
        item = re.sub(rb'size="\d*"', b'size="%d"' % file.stat().st_size, item)
        return re.sub(rb"(>)[0-9a-f]{32}(?=</checksum)", rb"\g<1>" + md5(file).encode(), item)

    text = re.sub(rb"\n<!-- \d+ -->\n$", b"", path.read_bytes())
    text = re.sub(rb"<dataObject .*?</dataObject>", sealed, text, flags=re.DOTALL)
    path.write_bytes(fitted(text, safe.name.removesuffix(".SAFE")[-4:]))


def edit(path: Path, pattern: str, by: str, count: int = 1) -> None:
    """Replace what a regular expression finds; an edit that changes nothing is a faulty test."""
    before = path.read_text()
    after, times = re.subn(pattern, by, before, count=count, flags=re.DOTALL)
    assert times, f"{pattern} is not in {path.name}"
    path.write_text(after)


def cut(path: Path, keep: float) -> None:
    """Keep a share of the file, or this many bytes of it."""
    size = path.stat().st_size
    os.truncate(path, int(size * keep) if keep < 1 else int(keep))


def _edited(file: str, pattern: str, by: str, count: int = 1) -> Callable[[Path], None]:
    return lambda safe: edit(only(safe, file), pattern, by, count)


def _renamed(name: str) -> Callable[[Path], Path]:
    return lambda safe: safe.rename(safe.with_name(f"{name}.SAFE"))


def _kind(kind: str) -> Callable[[Path], Path]:
    """The same SAFE under the name of another kind of product, with all else of the name kept."""
    return lambda safe: safe.rename(safe.with_name(re.sub("IW_GRDH_1SDV", kind, safe.name)))


def _removed(file: str) -> Callable[[Path], None]:
    return lambda safe: only(safe, file).unlink()


def _written(file: str, text: str) -> Callable[[Path], None]:
    def damage(safe: Path) -> None:
        only(safe, file).write_text(text)

    return damage


def _cut(file: str, keep: float) -> Callable[[Path], None]:
    return lambda safe: cut(only(safe, file), keep)


def _file_instead(safe: Path) -> None:
    shutil.rmtree(safe)
    safe.write_text("this is no folder\n")


def _folder_instead(safe: Path) -> None:
    path = only(safe, TIFF)
    path.unlink()
    path.mkdir()


def other_tiff(**changes) -> Callable[[Path], None]:
    """The measurement written anew, with something of its profile changed."""

    def damage(safe: Path) -> None:
        import rasterio

        path = only(safe, TIFF)
        with rasterio.open(path) as tiff:
            points, crs = tiff.gcps
            profile = {**tiff.profile, "gcps": points, "crs": crs, **changes}
            # One that stands for "none", of which rasterio warns.
            del profile["transform"]
            pixels = tiff.read(1)[: profile["height"], : profile["width"]]
        path.unlink()
        with rasterio.open(path, "w", **profile) as tiff:
            tiff.write(pixels.astype(profile["dtype"]), 1)

    return damage


def damage_pixels(safe: Path) -> None:
    """Pixels that cannot be unpacked, in a TIFF whose header is whole."""
    other_tiff(compress="deflate")(safe)
    path = only(safe, TIFF)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(5_000))


MANIFEST = "manifest.safe"
ANNOTATION = "annotation/*-vh-*.xml"
CALIBRATION = "annotation/calibration/calibration-*-vh-*.xml"
NOISE = "annotation/calibration/noise-*-vh-*.xml"
TIFF = "measurement/*-vh-*.tiff"

_MEASUREMENTS = r"<dataObject [^>]*repID=\"s1Level1MeasurementSchema\".*?</dataObject>"
_POINT = r"<geolocationGridPoint>.*?</geolocationGridPoint>"

BROKEN = {
    # the folder
    "folder missing": Broken(shutil.rmtree, r"\.SAFE is not there$"),
    "file instead of the folder": Broken(_file_instead, r"\.SAFE is no folder$"),
    # the manifest
    "manifest missing": Broken(_removed(MANIFEST), r"^manifest\.safe is missing$"),
    "manifest empty": Broken(_written(MANIFEST, ""), r"^manifest\.safe is no XML"),
    "manifest no XML": Broken(
        _written(MANIFEST, "<html>404 Not Found"), r"^manifest\.safe is no XML"
    ),
    "manifest of something else": Broken(
        _written(MANIFEST, "<html>404 Not Found</html>"),
        r"^manifest\.safe is no XFDU: its root element is <html>$",
    ),
    "manifest names no measurement": Broken(
        _edited(MANIFEST, _MEASUREMENTS, "", count=0),
        r"^manifest\.safe names 0 measurement files for 2 polarisations \(VV VH\)$",
    ),
    "manifest names one measurement of two": Broken(
        _edited(MANIFEST, _MEASUREMENTS, ""), r"names 1 measurement files for 2"
    ),
    "manifest names no polarisation": Broken(
        _edited(MANIFEST, r"<(\S+:transmitterReceiverPolarisation)>V[VH]</\1>", "", count=0),
        r"^manifest\.safe names no polarisation$",
    ),
    "manifest leads out of the SAFE": Broken(
        _edited(MANIFEST, r'href="\./measurement/', 'href="../measurement/'),
        r"^manifest\.safe names a file outside of the SAFE: '\.\./measurement/.*tiff'$",
    ),
    "manifest leads out by a detour": Broken(
        _edited(MANIFEST, r'href="\./measurement/', 'href="./measurement/../../elsewhere/'),
        r"outside of the SAFE",
    ),
    "manifest names an absolute path": Broken(
        _edited(MANIFEST, r'href="\./measurement/', 'href="/measurement/'),
        r"outside of the SAFE: '/measurement/",
    ),
    # the annotation
    "annotation missing": Broken(_removed(ANNOTATION), r"^annotation/\S+-vh-\S+\.xml is missing$"),
    "annotation empty": Broken(_written(ANNOTATION, ""), r"^annotation/\S+-vh-\S+\.xml is empty$"),
    "annotation cut in the middle": Broken(
        _cut(ANNOTATION, 0.5), r"^annotation/\S+-vh-\S+\.xml is no XML"
    ),
    "annotation without geolocation grid": Broken(
        _edited(ANNOTATION, r"<geolocationGrid>.*</geolocationGrid>", ""),
        r"^annotation/\S+-vh-\S+\.xml: the geolocation grid is missing$",
    ),
    "geolocation grid with a hole": Broken(
        _edited(ANNOTATION, f"({_POINT}.*?){_POINT}", r"\1"),
        r"^annotation/\S+-vh-\S+\.xml: the geolocation grid of 209 points has holes$",
    ),
    "annotation of a size that is no number": Broken(
        _edited(ANNOTATION, r"<numberOfLines>\d+<", "<numberOfLines>many<"),
        r"-vh-\S+\.xml: .*'many'",
    ),
    # calibration and noise
    "calibration missing": Broken(
        _removed(CALIBRATION), r"^annotation/calibration/calibration-\S+ is missing$"
    ),
    "noise missing": Broken(_removed(NOISE), r"^annotation/calibration/noise-\S+ is missing$"),
    "noise of something else": Broken(
        _written(NOISE, "<calibration/>"),
        r"^annotation/calibration/noise-\S+ is no noise: its root element is <calibration>$",
    ),
    # the measurement
    "tiff missing": Broken(_removed(TIFF), r"^measurement/\S+\.tiff is missing$"),
    "tiff empty": Broken(_written(TIFF, ""), r"^measurement/\S+\.tiff is empty$"),
    "tiff without its last third": Broken(
        _cut(TIFF, 0.66), r"^measurement/\S+\.tiff is cut short: \d+ bytes of at least"
    ),
    "tiff cut inside the header": Broken(
        _cut(TIFF, 100), r"^measurement/\S+\.tiff cannot be opened"
    ),
    "folder instead of the tiff": Broken(
        _folder_instead, r"^measurement/\S+\.tiff is a folder, no ordinary file$"
    ),
    "tiff of other dimensions": Broken(
        other_tiff(width=790),
        r"^measurement/\S+\.tiff is 700 x 790 pixels, its annotation says 700 x 800$",
    ),
    "tiff of other pixels": Broken(
        other_tiff(dtype="float32"),
        r"^measurement/\S+\.tiff holds float32 pixels, a GRD product holds uint16$",
    ),
    "tiff replaced by text": Broken(
        _written(TIFF, "404 Not Found\n" * 100_000), r"^measurement/\S+\.tiff cannot be opened"
    ),
    # other kinds
    "SLC": Broken(_kind("IW_SLC__1SDV"), r"type IW SLC; only GRD", "unsupported"),
    "OCN": Broken(_kind("IW_OCN__2SDV"), r"type IW OCN; only GRD", "unsupported"),
    "RAW": Broken(_kind("IW_RAW__0SDV"), r"type IW RAW; only GRD", "unsupported"),
    "wave mode": Broken(_kind("WV_OCN__2SSV"), r"type WV OCN; only GRD", "unsupported"),
    "azimuth notch": Broken(_kind("N3_GRDH_1SDV"), r"type N3 GRDH; of GRD products", "unsupported"),
    "annotation product": Broken(
        _kind("IW_GRDH_1ADV"), r"class A\): it has no pixel", "unsupported"
    ),
    "name of no Sentinel-1 product": Broken(
        _renamed("S2A_MSIL1C_20240301T110921_N0510_R137_T30UVU_20240301T130000"),
        r"is no name of a Sentinel-1 product$",
        "unsupported",
    ),
}


def high_priority_issues(
    product: Path, report: Path, convention: str = "cf:1.8"
) -> tuple[int, list]:
    """What compliance-checker finds: how many issues of high priority, and which."""
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    CheckSuite.load_all_available_checkers()
    ComplianceChecker.run_checker(
        [str(product)], [convention], 0, "normal", output_filename=str(report), output_format="json"
    )
    found = json.loads(report.read_text())[convention]
    assert found["possible_points"] > 100, "it did not look at anything"
    return found["high_count"], [issue for issue in found["high_priorities"] if issue["msgs"]]


def as_cog(safe: Path, folder: Path) -> Path:
    """The SAFE as the Copernicus Data Space packs it: https://github.com/eu-cdse/utilities.

    Pixels are packed with ZSTD into tiles, smaller images of them added, zeros called no data, and
    the parts of the TIFF that GDAL does not know put behind its end. All files of a polarisation
    end in ``-cog``, and the manifest names the packer before the processor.
    """
    import rasterio
    import rasterio.shutil

    path = copy_safe(safe, folder)
    for file in [*path.glob("annotation/**/*-00?.xml"), *path.glob("measurement/*.tiff")]:
        new = file.with_name(f"{file.stem}-cog{file.suffix}")
        if file.suffix == ".xml":
            file.rename(new)
            continue
        with rasterio.open(file, "r+") as image:
            image.nodata = 0
        options = {"BLOCKSIZE": 256, "COMPRESS": "ZSTD", "OVERVIEW_RESAMPLING": "RMS"}
        rasterio.shutil.copy(file, new, driver="COG", OVERVIEW_COUNT=3, **options)
        with new.open("ab") as image:
            image.write(b"\x1f\x8b what was behind the pixels")
        file.unlink()
    manifest = path / "manifest.safe"
    edit(manifest, r"(-00\d)\.(xml|tiff)", r"\1-cog.\2", count=0)
    packing = (
        '<safe:processing name="COG Conversion" start="2024-03-02T06:25:27.771913">'
        '<safe:facility name="Copernicus Data Space Ecosystem">'
        '<safe:software name="Sentinel-1 COGifier" version="001.00"/></safe:facility>'
        '<safe:resource name="packed" role="Level-1 GRD Product">'
    )
    edit(
        manifest,
        r"<xmlData>(\s*<safe:processing .*?</safe:processing>\s*)</xmlData>",
        rf"<xmlData>{packing}\1</safe:resource></safe:processing></xmlData>",
    )
    seal(path)
    path = path.rename(path.with_name(f"{path.stem}_COG.SAFE"))
    return path
