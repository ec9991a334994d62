"""The calibration and noise files of a demo scene: the look-up tables of `radiometry`, as XML.

Names and order of elements: Sentinel-1 Product Specification (S1-RS-MDA-52-7441).
"""

from xsar_batch.demo.annotation import ads_header
from xsar_batch.demo.product import Product
from xsar_batch.demo.radiometry import Luts
from xsar_batch.demo.xml import HEAD, counted, number, tag, utc, vector


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
    """The noise file of a polarisation, in the form it has since IPF 2.90."""
    luts = Luts(product, pol)
    ranges = [
        tag(
            "noiseRangeVector",
            tag("azimuthTime", utc(product.time(line))),
            tag("line", line),
            vector("pixel", luts.pixels, "d"),
            vector("noiseRangeLut", values),
        )
        for line, values in zip(luts.noise_lines, luts.noise_range, strict=True)
    ]
    azimuths = [
        tag(
            "noiseAzimuthVector",
            tag("swath", swath.name),
            tag("firstAzimuthLine", 0),
            tag("firstRangeSample", swath.first),
            tag("lastAzimuthLine", product.lines - 1),
            tag("lastRangeSample", swath.last),
            vector("line", luts.azimuth_lines, "d"),
            vector("noiseAzimuthLut", luts.noise_azimuth(index)),
        )
        for index, swath in enumerate(product.swaths if product.is_merged else ())
    ]
    return HEAD + tag(
        "noise",
        ads_header(product, pol),
        counted("noiseRangeVectorList", ranges),
        counted("noiseAzimuthVectorList", azimuths),
    )
