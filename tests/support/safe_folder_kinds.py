"""Broken SAFEs: files that are missing, swapped, cut or none; names and links that lead out."""

import os
import shutil
import socket
from pathlib import Path
from random import Random

from safe_kinds import FILES, METADATA, any_file, copy_outside, file_kind, kind, safe_of, secret
from safes import cut, edit, only

# -- files -----------------------------------------------------------------------------------


@file_kind()
def file_missing(path: Path, chance: Random) -> None:
    """One of the files that a conversion needs is not there."""
    path.unlink()


@file_kind()
def file_empty(path: Path, chance: Random) -> None:
    """A file of no bytes."""
    path.write_bytes(b"")


@file_kind("manifest", *METADATA)
def metadata_cut(path: Path, chance: Random) -> None:
    """An XML file, or the manifest, ends somewhere."""
    cut(path, chance.randrange(1, path.stat().st_size - 20))


@file_kind("measurement")
def pixels_cut(path: Path, chance: Random) -> None:
    """A TIFF ends somewhere."""
    cut(path, chance.randrange(1, path.stat().st_size - 2))


@file_kind(*METADATA)
def metadata_with_a_hole(path: Path, chance: Random) -> None:
    """A page of zeros, as a copy that was broken off leaves on some file systems."""
    at = chance.randrange(0, path.stat().st_size - 200)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(min(4096, path.stat().st_size - at)))


@file_kind(*METADATA)
def metadata_with_more(path: Path, chance: Random) -> None:
    """Something follows the end of an XML file."""
    path.write_bytes(
        path.read_bytes() + chance.choice([b"<a/>", b"text", b"\0", path.read_bytes()])
    )


@file_kind("measurement", fate="right")
def pixels_with_more(path: Path, chance: Random) -> None:
    """Something follows the pixels, which no reader looks at."""
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.randrange(1, 5000)))


@kind(sealed=False)
def two_files_exchanged(safe: Path, chance: Random) -> None:
    """Two XML files in each other's place."""
    one = any_file(safe, chance, *METADATA)
    others = [
        path
        for path in [*safe.glob("annotation/*.xml"), *safe.glob("annotation/calibration/*.xml")]
        if path != one
    ]
    other = chance.choice(others)
    keep = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(keep)


@kind("pixels")
def pixels_exchanged(safe: Path, chance: Random) -> None:
    """The TIFFs of both polarisations in each other's place. They do not say which they are."""
    vv, vh = (only(safe, FILES["measurement"].format(pol)) for pol in ("vv", "vh"))
    keep = vv.read_bytes()
    vv.write_bytes(vh.read_bytes())
    vh.write_bytes(keep)


@kind(sealed=False)
def metadata_of_one_polarisation_twice(safe: Path, chance: Random) -> None:
    """A file of VH has the contents of that of VV, or the other way round."""
    what = chance.choice(METADATA)
    pols = chance.sample(["vv", "vh"], 2)
    one, other = (only(safe, FILES[what].format(pol)) for pol in pols)
    one.write_bytes(other.read_bytes())


@kind(sealed=False)
def file_of_another_scene(safe: Path, chance: Random) -> None:
    """An XML file is the one of another acquisition, of the same size and shape."""
    path = any_file(safe, chance, *METADATA)
    stem = path.name.rsplit("-", 6)
    pattern = f"{path.parent.relative_to(safe)}/{stem[0]}-*-{stem[-1]}"
    (other,) = (safe.parent / "other").glob("*.SAFE")
    shutil.copyfile(only(other, pattern), path)


@kind()
def manifest_of_another_scene(safe: Path, chance: Random) -> None:
    """The manifest is the one of another acquisition."""
    (other,) = (safe.parent / "other").glob("*.SAFE")
    shutil.copyfile(other / "manifest.safe", safe / "manifest.safe")


@kind()
def folder_called_like_another_scene(safe: Path, chance: Random) -> Path:
    """A whole SAFE under the name of another acquisition."""
    (other,) = (safe.parent / "other").glob("*.SAFE")
    return safe.rename(safe.with_name(other.name))


@kind(sealed=True)
def folder_of_another_name(safe: Path, chance: Random) -> Path:
    """One field of the SAFE's name is another one."""
    fields = safe.stem.split("_")
    at = chance.choice([0, 1, 3, 4, 5, 6, 7])
    fields[at] = {
        0: "S1B",
        1: "EW",
        3: chance.choice(["1SDH", "1SSV", "1SSH"]),
        4: "20200101T000000",
        5: "20300101T000000",
        6: "000001",
        7: "ABCDEF",
    }[at]
    return safe.rename(safe.with_name("_".join(fields) + ".SAFE"))


@kind("right", sealed=False)
def folder_renamed(safe: Path, chance: Random) -> Path:
    """The last digits of the name are others, as of copies that somebody made."""
    return safe.rename(safe.with_name(f"{safe.stem[:-4]}{chance.randrange(65536):04X}.SAFE"))


@kind("right", sealed=False)
def files_that_nobody_asks_for(safe: Path, chance: Random) -> None:
    """Previews, reports, editors' copies and a folder beside the files."""
    for name in (
        "preview/quick-look.png",
        "support/readme",
        "annotation/x.xml~",
        "Icon\r",
        "a b/c",
    ):
        path = safe / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(chance.randbytes(100))


# -- no files --------------------------------------------------------------------------------


@file_kind()
def folder_instead_of_a_file(path: Path, chance: Random) -> None:
    """A folder under the name of a file."""
    path.unlink()
    path.mkdir()


@file_kind()
def pipe_instead_of_a_file(path: Path, chance: Random) -> None:
    """A named pipe, which whoever opens it waits for."""
    path.unlink()
    os.mkfifo(path)


@file_kind()
def socket_instead_of_a_file(path: Path, chance: Random) -> None:
    """A socket under the name of a file."""
    path.unlink()
    here = Path.cwd()
    try:
        os.chdir(path.parent)
        socket.socket(socket.AF_UNIX).bind(path.name)
    except OSError:
        path.mkdir(exist_ok=True)
    finally:
        os.chdir(here)


@file_kind()
def device_instead_of_a_file(path: Path, chance: Random) -> None:
    """A link to a device that never ends, or never begins."""
    path.unlink()
    path.symlink_to(chance.choice(["/dev/zero", "/dev/urandom", "/dev/stdin", "/dev/null"]))


@kind()
def pipe_instead_of_the_schema(safe: Path, chance: Random) -> None:
    """xsar reads the schema of the annotation, where there is one."""
    path = safe / "support" / "s1-level-1-product.xsd"
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)


@kind()
def file_in_place_of_a_folder(safe: Path, chance: Random) -> None:
    """A file is called annotation, calibration or measurement."""
    path = safe / chance.choice(["annotation", "annotation/calibration", "measurement"])
    shutil.rmtree(path)
    path.write_text("no folder\n")


@file_kind("manifest", *METADATA, sealed=False)
def endless_file(path: Path, chance: Random) -> None:
    """A file of a terabyte that takes no space."""
    os.truncate(path, 1 << 40)


# -- links -----------------------------------------------------------------------------------


@file_kind()
def link_out_of_the_safe(path: Path, chance: Random) -> None:
    """A file is a link to a whole one elsewhere."""
    outside = copy_outside(path) / path.relative_to(safe_of(path))
    path.unlink()
    path.symlink_to(chance.choice([outside, os.path.relpath(outside, path.parent)]))


@file_kind()
def link_to_a_secret(path: Path, chance: Random) -> None:
    """A file is a link to one that is not of this archive."""
    path.unlink()
    path.symlink_to(chance.choice([secret(path), "/proc/self/environ"]))


@kind()
def folder_linked_out_of_the_safe(safe: Path, chance: Random) -> None:
    """A folder of the SAFE is a link to a whole one elsewhere."""
    name = chance.choice(["annotation", "annotation/calibration", "measurement"])
    outside = copy_outside(safe) / name
    shutil.rmtree(safe / name)
    (safe / name).symlink_to(outside)


@file_kind()
def link_to_itself(path: Path, chance: Random) -> None:
    """A file is a link to itself, or to nothing."""
    path.unlink()
    path.symlink_to(chance.choice([path, "nowhere"]))


@kind()
def schema_linked_out_of_the_safe(safe: Path, chance: Random) -> None:
    """The schema of the annotation is a link to a file elsewhere."""
    path = safe / "support" / "s1-level-1-product.xsd"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(secret(safe))


@kind("right", sealed=False)
def link_within_the_safe(safe: Path, chance: Random) -> None:
    """A file is a link to one in the same SAFE."""
    path = any_file(safe, chance)
    kept = path.rename(safe / "kept")
    path.symlink_to(os.path.relpath(kept, path.parent))


@kind("right", sealed=False)
def hard_links(safe: Path, chance: Random) -> None:
    """Files that have a name elsewhere too."""
    elsewhere = safe.parent / "elsewhere"
    elsewhere.mkdir()
    for number, path in enumerate(safe.rglob("*.*")):
        os.link(path, elsewhere / str(number))


@kind("right", sealed=False)
def safe_that_is_a_link(safe: Path, chance: Random) -> None:
    """The SAFE as a whole is a link, as in archives that are put together from several disks."""
    elsewhere = safe.parent / "disk"
    elsewhere.mkdir()
    safe.symlink_to(safe.rename(elsewhere / safe.name))


# -- the manifest ----------------------------------------------------------------------------


@kind()
def name_that_leads_out(safe: Path, chance: Random) -> None:
    """The manifest names a file outside: upwards, absolutely, by a detour, by a driver of GDAL."""
    out = secret(safe)
    href = chance.choice(
        [
            "../outside/secret.txt",
            "./annotation/../../outside/secret.txt",
            str(out),
            f"/{out}",
            f"file://{out}",
            "/etc/passwd",
            "/proc/self/environ",
            f"/vsizip/{out}",
            "/vsicurl/http://localhost/a.tiff",
            f"GTIFF_DIR:1:{out}",
            f"NETCDF:{out}:a",
            "..",
            "../",
            "",
            ".",
            "./annotation",
            "manifest.safe",
            "..\\outside\\secret.txt",
            "%2e%2e/outside/secret.txt",
            "annotation/" + "a" * 300 + ".xml",
            "a/" * 3000 + "a.tiff",
            "measurement/x.tiff?a=b",
            "&#9;../outside",
            "$(touch outside/ran)",
            "`touch outside/ran`; touch outside/ran",
        ]
    )
    what = chance.choice(["Product", "Calibration", "Noise", "Measurement"])
    pattern = rf'(<dataObject [^>]*repID="s1Level1{what}Schema">.*?href=)"[^"]*"'
    edit(safe / "manifest.safe", pattern, lambda found: f'{found[1]}"{href}"')


@kind()
def schema_that_leads_out(safe: Path, chance: Random) -> None:
    """The manifest names a schema outside of the SAFE, which xsar would read."""
    href = chance.choice(["../outside/secret.txt", str(secret(safe)), "/etc/passwd", ""])
    edit(safe / "manifest.safe", r'"\./support/s1-level-1-product\.xsd"', f'"{href}"')


@kind()
def schema_not_named(safe: Path, chance: Random) -> None:
    """The manifest names no schema of the annotation, for which xsar looks."""
    edit(
        safe / "manifest.safe",
        '<metadataObject ID="s1Level1ProductSchema"',
        '<metadataObject ID="a"',
    )


@kind()
def polarisation_twice(safe: Path, chance: Random) -> None:
    """The manifest says VV VV, VH VH, or HH HV."""
    path = safe / "manifest.safe"
    for pol, by in zip("VH", chance.choice(["VV", "HH"]), strict=True):
        edit(path, f">V{pol}(@?</s1sarl1:transmitter)", rf">V{by}@\1")
    edit(path, "@<", "<", count=0)


@kind()
def polarisations_in_another_order(safe: Path, chance: Random) -> None:
    """The manifest says VH VV, against the numbers of the files."""
    path = safe / "manifest.safe"
    edit(path, ">VV</s1sarl1:transmitter", ">@</s1sarl1:transmitter")
    edit(path, ">VH</s1sarl1:transmitter", ">VV</s1sarl1:transmitter")
    edit(path, ">@</s1sarl1:transmitter", ">VH</s1sarl1:transmitter")


@kind()
def files_listed_in_different_orders(safe: Path, chance: Random) -> None:
    """One kind of file is listed VH first: xsar would give one polarisation the other's."""
    what = chance.choice(["Measurement", "Noise", "Calibration", "Product"])
    objects = rf'<dataObject [^>]*repID="s1Level1{what}Schema">.*?</dataObject>'
    edit(safe / "manifest.safe", rf"({objects})(.*)({objects})", r"\3\2\1")


@kind()
def file_listed_twice(safe: Path, chance: Random) -> None:
    """A file of one polarisation is named for both."""
    what = chance.choice(["Measurement", "Noise", "Calibration", "Product"])
    href = rf'<dataObject [^>]*repID="s1Level1{what}Schema">.*?href="'
    edit(
        safe / "manifest.safe",
        rf'({href}([^"]*)".*?{href})[^"]*"',
        lambda found: f'{found[1]}{found[2]}"',
    )


@kind("either", sealed=False)
def manifest_with_one_bit_flipped(safe: Path, chance: Random) -> None:
    """A bit of the manifest is another one."""
    path = safe / "manifest.safe"
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


@kind(sealed=False)
def checksum_missing(safe: Path, chance: Random) -> None:
    """The manifest has no checksum, or no size, of a file."""
    path = safe / "manifest.safe"
    pattern = chance.choice([r'<checksum checksumName="MD5">[^<]*</checksum>', r' size="\d+"'])
    edit(path, pattern, "", count=0)
    from sentinel1_demo_scenes.manifest import fitted

    path.write_bytes(fitted(path.read_bytes(), safe.stem[-4:]))


@kind("either")
def manifest_without_an_element(safe: Path, chance: Random) -> None:
    """Something that xsar takes from the manifest is missing, or is no such thing."""
    tag = chance.choice(
        [
            *("safe:startTime", "safe:stopTime", "gml:coordinates", "safe:number"),
            *("s1sarl1:instrumentConfigurationID", "s1sarl1:mode", "s1sarl1:productType"),
        ]
    )
    by = chance.choice(
        ["", f"<{tag}></{tag}>", f"<{tag}>nonsense</{tag}>", f"<{tag}>1e999</{tag}>"]
    )
    edit(safe / "manifest.safe", rf"<{tag}>[^<]*</{tag}>", by)


@kind("either")
def manifest_of_an_odd_ipf(safe: Path, chance: Random) -> None:
    """The version of the processor is none."""
    by = chance.choice(["", "three", "1e999", "nan", "-1", "003.71.2"])
    edit(safe / "manifest.safe", r'version="003.71"', f'version="{by}"', count=0)
