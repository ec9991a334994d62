"""The calibration and noise files of a demo scene: the look-up tables of `radiometry`, as XML.

Names and order of elements: Sentinel-1 Product Specification (S1-RS-MDA-52-7441).
"""

from sentinel1_demo_scenes.annotation import ads_header
from sentinel1_demo_scenes.product import Block, Product
from sentinel1_demo_scenes.radiometry import Luts
from sentinel1_demo_scenes.xml import HEAD, counted, number, tag, utc, vector


def calibration(product: Product, pol: str) -> str:
    """The calibration file of a polarisation."""
    luts = Luts(product, pol)
    vectors = [
        tag(
            "calibrationVector",
            tag("azimuthTime", utc(product.time(line))),
            tag("line", line),
            vector("pixel", luts.pixels, "d"),
            vector("sigmaNought", sigma),
            vector("betaNought", beta),
            vector("gamma", gamma),
            vector("dn", beta),
        )
        for line, sigma, beta, gamma in zip(
            luts.lines, luts.sigma_nought, luts.beta_nought, luts.gamma, strict=True
        )
    ]
    return HEAD + tag(
        "calibration",
        ads_header(product, pol),
        tag("calibrationInformation", tag("absoluteCalibrationConstant", number(1.0))),
        counted("calibrationVectorList", vectors),
    )


def noise(product: Product, pol: str) -> str:
    """The noise file of a polarisation: two lists, or one before IPF 2.90."""
    luts = Luts(product, pol)
    part = "" if product.has_early_noise else "Range"
    ranges = [
        tag(
            f"noise{part}Vector",
            tag("azimuthTime", utc(product.time(line))),
            tag("line", line),
            vector("pixel", pixels, "d"),
            vector(f"noise{part}Lut", values / luts.noise_unit),
        )
        for line, (pixels, values) in zip(luts.noise_lines, luts.noise_range, strict=True)
    ]
    lists = [counted(f"noise{part}VectorList", ranges)]
    if not product.has_early_noise:
        azimuths = (_azimuth_vector(luts, block) for block in product.blocks)
        lists.append(counted("noiseAzimuthVectorList", azimuths))
    return HEAD + tag("noise", ads_header(product, pol), *lists)


def _azimuth_vector(luts: Luts, block: Block) -> str:
    lines, factors = luts.noise_azimuth(block)
    return tag(
        "noiseAzimuthVector",
        tag("swath", block.swath.name),
        tag("firstAzimuthLine", block.first_line),
        tag("firstRangeSample", block.swath.first),
        tag("lastAzimuthLine", block.last_line),
        tag("lastRangeSample", block.swath.last),
        vector("line", lines, "d"),
        vector("noiseAzimuthLut", factors),
    )
