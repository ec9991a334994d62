"""xsar parses each XML file again for every variable it takes from it.

``safe_s1.xml_parser.XmlParser.getroot`` reads and parses the file at each call: 178 times for the
seven files of a dual-polarisation product, 0.4 CPU-seconds. Its source says that caching must wait
for dask/distributed#5610; no distributed worker is involved here.

Present in xarray-safe-s1 2026.1.23. The roots are kept as long as the parser, that is for one SAFE.
"""

from functools import wraps
from typing import Any

from safe_s1.xml_parser import XmlParser

from xsar_batch.xsar_fixes.patch import Patch

_plain = XmlParser.getroot


@wraps(_plain)
def _getroot(self: Any, xml_file: str) -> Any:
    roots = self.__dict__.setdefault("_roots", {})
    if xml_file not in roots:
        roots[xml_file] = _plain(self, xml_file)
    return roots[xml_file]


PATCHES = (Patch(XmlParser, "getroot", _getroot),)
