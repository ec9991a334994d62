"""What tests of workarounds need of xsar as it comes."""

import xarray as xr
import xsar

#: Why a test fails that shows a fault of plain xsar.
CAN_GO = "plain xsar is right now: the workaround {} can go, and this test with it"


def opened(path, resolution: object = "1000m", **others: object) -> xr.Dataset:
    """The measurement of a SAFE, not computed yet."""
    tree = xsar.open_datatree(str(path), resolution=resolution, **others)
    return tree["measurement"].to_dataset()


def put_on(*modules) -> None:
    """Apply single modules of ``xsar_fixes``."""
    for module in modules:
        for patch in module.PATCHES:
            patch.apply()
