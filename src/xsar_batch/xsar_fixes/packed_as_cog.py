"""xsar cannot open the SAFEs that the Copernicus Data Space packs (``_COG.SAFE``).

Their manifest names the packer's work first, and what the processor did a level further in.
``safe_s1.sentinel1_xml_mappings`` counts the levels: it finds no calibration file (AUX_CAL) in the
place for it, which is an IndexError, and takes the packer's version, 1.0, for the processor's.

Present in xsar 2026.8.31 and xarray-safe-s1 2026.1.23; no report of it was found.

Here the first work is the outermost one that is not packing.
"""

from safe_s1 import sentinel1_xml_mappings

from xsar_batch.xsar_fixes.patch import Patch

_FIRST = "/xmlData/safe:processing/"
_OURS = (
    '/xmlData//safe:processing[@name!="COG Conversion"]'
    '[not(ancestor::safe:processing[@name!="COG Conversion"])]/'
)

_PATHS = sentinel1_xml_mappings.xpath_mappings["manifest"]

PATCHES = tuple(
    Patch(_PATHS, name, (entry[0], entry[1].replace(_FIRST, _OURS)))
    for name, entry in _PATHS.items()
    # Some have no function of their own.
    if isinstance(entry, tuple) and _FIRST in entry[1]
)
