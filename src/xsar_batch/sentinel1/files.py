"""Files inside a SAFE: found, read and parsed without trusting anything that is written there.

An archive's XML is data, not a programme: names that lead out of the SAFE, links, pipes, entities
and endless files are refused before anything of them is read.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from xsar_batch.failures import BadSafe

#: Largest XML file that is read. The largest real ones, annotations of IW GRD, have 1.8 MB.
LARGEST_XML = 32 << 20

_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


@dataclass(frozen=True)
class Entry:
    """A file as the manifest lists it: path in the SAFE, size in bytes, MD5 in hex digits.

    Size and checksum are empty where the manifest does not say them.
    """

    href: str
    size: str
    md5: str


def inside(href: str) -> str:
    """A normal path within the SAFE, of one that the manifest names.

    Raises
    ------
    BadSafe
        It leads out.
    """
    relative = os.path.normpath(href)
    if not href or relative.startswith("..") or Path(relative).is_absolute():
        raise BadSafe(f"manifest.safe names a file outside of the SAFE: {href!r}")
    return relative


def size_of(safe: Path, href: str) -> int:
    """Size of a file in bytes; nothing is opened.

    Raises
    ------
    BadSafe
        It is missing, empty, no ordinary file, or a link out of the SAFE.
    """
    path = safe
    try:
        status, is_linked = path.stat(), False
        # Only what is below the SAFE: on a parallel filesystem each question costs a millisecond.
        for part in Path(href).parts:
            path /= part
            status = path.lstat()
            is_linked = is_linked or stat.S_ISLNK(status.st_mode)
        real = path.resolve(strict=True) if is_linked else path
        status = path.stat() if is_linked else status
    except FileNotFoundError:
        raise BadSafe(f"{href} is missing") from None
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "a link that leads to itself"
        raise BadSafe(f"{href} cannot be read: {why}") from None
    if is_linked and not real.is_relative_to(safe.resolve()):
        raise BadSafe(
            f"{href} is a link out of the SAFE, to {real}; only what is inside is read: "
            "copy it there, or link the SAFE as a whole"
        )
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS.items() if test(status.st_mode)), "no file")
        raise BadSafe(f"{href} is {kind}, no ordinary file")
    if status.st_size == 0:
        raise BadSafe(f"{href} is empty")
    return status.st_size


def read_xml(safe: Path, href: str, root_tag: str) -> tuple[etree._Element, bytes]:
    """Root of an XML file whose root element must be ``root_tag``, and the bytes it is made of.

    xsar parses it again with entities resolved, so there must be none.

    Raises
    ------
    BadSafe
        It cannot be read, is no XML, declares entities, or has another root element.
    """
    size = size_of(safe, href)
    if size > LARGEST_XML:
        raise BadSafe(f"{href} has {size} bytes, more than any metadata")
    try:
        data = (safe / href).read_bytes()
    except OSError as error:
        raise BadSafe(f"{href} cannot be read: {error.strerror}") from None
    # Comments would divide a text in two, of which xsar sees both and we the first.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadSafe(f"{href} is no XML: {error.msg}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadSafe(f"{href} declares a document type, which metadata of Sentinel-1 never do")
    found = etree.QName(root).localname
    if found != root_tag:
        raise BadSafe(f"{href} is no {root_tag}: its root element is <{found}>")
    return root, data
