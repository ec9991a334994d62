"""The annotation of a demo scene: one XML file per polarisation, without the calibration's.

Names and order of elements: Sentinel-1 Product Specification (S1-RS-MDA-52-7441). Left out are the
parts about raw data (downlink, attitude, replicas, noise packets), which a made-up scene does not
have, and the polynomials between slant and ground range, which no reader here uses.
"""

from datetime import timedelta

import numpy as np

from sentinel1_demo_scenes.geometry import GROUND_SPEED, SPEED_OF_LIGHT
from sentinel1_demo_scenes.product import Product
from sentinel1_demo_scenes.xml import HEAD, counted, flag, number, tag, tags, utc, vector

_RADAR_FREQUENCY = 5.405000454334350e9  # Hz
_RANGE_SAMPLING_RATE = 64345238.125714  # Hz
_STEERING_RATE = {"IW": 1.590368784, "EW": 2.390895448}  # degrees/s; stripmap does not steer
_ORBIT_STEP, _ORBIT_MARGIN = 10, 60  # s between state vectors, s covered before and after the image
_PATTERN_STEP, _PATTERN_LEAST = 12.5, 50  # samples between points of the antenna pattern; points
_FINE_ESTIMATES = 20
# Before it: three elements for the FM rate, and an antenna pattern without phase and roll. (IPF
# 2.36 has them so, 2.43 has a polynomial.)
_IPF_OF_POLYNOMIAL = 2.43


def ads_header(product: Product, pol: str) -> str:
    """The header that annotation, calibration and noise files share."""
    values = {
        "missionId": product.mission,
        "productType": "GRD",
        "polarisation": pol,
        "mode": product.mode,
        "swath": product.mode,
        "startTime": utc(product.start),
        "stopTime": utc(product.stop),
        "absoluteOrbitNumber": product.orbit,
        "missionDataTakeId": product.data_take,
        "imageNumber": f"{product.pols.index(pol) + 1:03d}",
    }
    return tag("adsHeader", *tags(values))


def _every(product: Product, seconds: float) -> list[float]:
    """Lines at regular times, from the first one on, one beyond the image's end at most"""
    step = seconds / product.line_interval
    return [k * step for k in range(int((product.lines - 1) // step) + 2)]


def _orbit_list(product: Product) -> str:
    middle = product.time((product.lines - 1) / 2)
    first = product.start.replace(microsecond=0) - timedelta(seconds=_ORBIT_MARGIN)
    span = (product.stop - first).total_seconds() + _ORBIT_MARGIN
    times = [first + timedelta(seconds=k) for k in range(0, int(span) + _ORBIT_STEP, _ORBIT_STEP)]
    since = np.array([(time - middle).total_seconds() for time in times])
    return counted(
        "orbitList",
        (
            tag(
                "orbit",
                tag("time", utc(time)),
                tag("frame", "Earth Fixed"),
                tag("position", *(tag(k, number(v)) for k, v in zip("xyz", at, strict=True))),
                tag("velocity", *(tag(k, number(v)) for k, v in zip("xyz", speed, strict=True))),
            )
            for time, at, speed in zip(times, *product.geometry.orbit(since), strict=True)
        ),
    )


def _fm_rate_list(product: Product) -> str:
    """FM rate -2 Vs Vg / (wavelength range), as a Taylor series in slant range time about t0"""
    t0 = float(product.geometry.locate(0, 0).slant_range_time)
    wavelength = SPEED_OF_LIGHT / _RADAR_FREQUENCY
    speeds = product.geometry.satellite_speed * GROUND_SPEED
    scale = -4 * speeds / (wavelength * SPEED_OF_LIGHT)
    series = np.array([scale / t0, -scale / t0**2, scale / t0**3])
    if float(product.ipf) < _IPF_OF_POLYNOMIAL:
        names = [f"c{k}" for k in range(series.size)]
        polynomial = [tag(k, number(v)) for k, v in zip(names, series, strict=True)]
    else:
        polynomial = [vector("azimuthFmRatePolynomial", series, ".15e")]
    return counted(
        "azimuthFmRateList",
        (
            tag(
                "azimuthFmRate",
                tag("azimuthTime", utc(product.time(line))),
                tag("t0", number(t0)),
                *polynomial,
            )
            for line in _every(product, 2.7)
        ),
    )


def _general(product: Product) -> str:
    information = {
        "pass": product.orbit_pass,
        "timelinessCategory": "NRT-3h",
        "platformHeading": number(product.geometry.heading),
        "projection": "Ground Range",
        "rangeSamplingRate": number(_RANGE_SAMPLING_RATE),
        "radarFrequency": number(_RADAR_FREQUENCY),
        "azimuthSteeringRate": number(_STEERING_RATE.get(product.mode, 0.0)),
    }
    return tag(
        "generalAnnotation",
        tag("productInformation", *tags(information)),
        _orbit_list(product),
        _fm_rate_list(product),
    )


def _image(product: Product) -> str:
    middle_line, middle_sample = (product.lines - 1) / 2, (product.samples - 1) / 2
    first = product.geometry.locate(0, 0)
    centre = product.geometry.locate(middle_line, middle_sample)
    information = {
        "productFirstLineUtcTime": utc(product.start),
        "productLastLineUtcTime": utc(product.stop),
        "ascendingNodeTime": utc(product.node),
        "anchorTime": utc(product.start),
        "productComposition": "Slice",
        "sliceNumber": 1,
        "slantRangeTime": number(first.slant_range_time),
        "pixelValue": "Detected",
        "outputPixels": "16 bit Unsigned Integer",
        "rangePixelSpacing": f"{product.spacing:.6e}",
        "azimuthPixelSpacing": f"{product.line_spacing:.6e}",
        "azimuthTimeInterval": number(product.line_interval),
        "azimuthFrequency": number(1 / product.line_interval),
        "numberOfSamples": product.samples,
        "numberOfLines": product.lines,
        "zeroDopMinusAcqTime": number(0.0),
        "incidenceAngleMidSwath": number(centre.incidence),
    }
    processing = {
        "rawDataAnalysisUsed": flag(True),
        "orbitDataFileUsed": flag(False),
        "attitudeDataFileUsed": flag(False),
        "antennaElevationPatternApplied": flag(True),
        "dcMethod": "Data Analysis",
        "rangeSpreadingLossCompensationApplied": flag(True),
        "srgrConversionApplied": flag(True),
        "detectionPerformed": flag(True),
        "thermalNoiseCorrectionPerformed": flag(False),
        "applicationLutId": f"{product.mode if product.is_merged else 'SM'}_Default",
        "referenceRange": number(800000.0),
        "ellipsoidName": "WGS84",
        "ellipsoidSemiMajorAxis": number(6378137.0),
        "ellipsoidSemiMinorAxis": number(6356752.314245),
        "bistaticDelayCorrectionApplied": flag(True),
        "orbitSource": "Downlink",
        "attitudeSource": "Downlink",
    }
    return tag(
        "imageAnnotation",
        tag("imageInformation", *tags(information)),
        tag("processingInformation", *tags(processing)),
    )


def _doppler(product: Product) -> str:
    """A Doppler centroid of 0 everywhere: the model looks exactly sideways"""
    samples = np.linspace(0, product.samples - 1, _FINE_ESTIMATES)
    ranges = product.geometry.locate(0, samples).slant_range_time
    fine = [
        tag("fineDce", tag("slantRangeTime", number(value)), tag("frequency", number(0.0)))
        for value in ranges
    ]
    nothing = np.zeros(3)
    return tag(
        "dopplerCentroid",
        counted(
            "dcEstimateList",
            (
                tag(
                    "dcEstimate",
                    tag("azimuthTime", utc(product.time(line))),
                    tag("t0", number(ranges[0])),
                    vector("geometryDcPolynomial", nothing),
                    vector("dataDcPolynomial", nothing),
                    tag("dataDcRmsError", number(0.0)),
                    tag("dataDcRmsErrorAboveThreshold", flag(False)),
                    tag("fineDceAzimuthStartTime", utc(product.time(line))),
                    tag("fineDceAzimuthStopTime", utc(product.time(line) + timedelta(seconds=2.7))),
                    counted("fineDceList", fine),
                )
                for line in _every(product, 2.7)
            ),
        ),
    )


def _antenna(product: Product) -> str:
    """A parabolic beam per sub-swath, 3 dB down at its edges, as real and imaginary parts"""
    patterns = []
    for swath in product.swaths:
        count = max(_PATTERN_LEAST, round((swath.last - swath.first) / _PATTERN_STEP))
        gain = 10 ** (-3 * np.linspace(-1, 1, count) ** 2 / 20)
        pattern = np.stack([gain, np.zeros_like(gain)], axis=-1).ravel()
        is_early = float(product.ipf) < _IPF_OF_POLYNOMIAL
        samples = np.linspace(swath.first, swath.last, count)
        for line in _every(product, 3.0):
            points = product.geometry.locate(line, samples)
            patterns.append(
                tag(
                    "antennaPattern",
                    tag("swath", swath.name),
                    tag("azimuthTime", utc(product.time(line))),
                    vector("slantRangeTime", points.slant_range_time, ".15e"),
                    vector("elevationAngle", points.elevation),
                    vector(
                        "elevationPattern", gain**2 if is_early else pattern, parts=2 - is_early
                    ),
                    vector("incidenceAngle", points.incidence),
                    tag("terrainHeight", number(points.height.mean())),
                    *(() if is_early else [tag("roll", number(29.45))]),
                )
            )
    return tag("antennaPattern", counted("antennaPatternList", patterns))


def _geolocation(product: Product) -> str:
    lines, pixels = (axis.ravel() for axis in np.meshgrid(*product.grid, indexing="ij"))
    points = product.geometry.locate(lines, pixels)
    return tag(
        "geolocationGrid",
        counted(
            "geolocationGridPointList",
            (
                tag(
                    "geolocationGridPoint",
                    tag("azimuthTime", utc(product.time(line))),
                    tag("slantRangeTime", number(delay)),
                    tag("line", line),
                    tag("pixel", pixel),
                    tag("latitude", number(latitude)),
                    tag("longitude", number(longitude)),
                    tag("height", number(height)),
                    tag("incidenceAngle", number(incidence)),
                    tag("elevationAngle", number(elevation)),
                )
                for line, pixel, longitude, latitude, height, delay, incidence, elevation in zip(
                    lines, pixels, *points, strict=True
                )
            ),
        ),
    )


def _merging(product: Product) -> str:
    bounds: dict[str, list[str]] = {}
    for (name, first, last), first_line, last_line in product.blocks:
        values = {
            "azimuthTime": utc(product.time(first_line)),
            "firstAzimuthLine": first_line,
            "firstRangeSample": first,
            "lastAzimuthLine": last_line,
            "lastRangeSample": last,
        }
        bounds.setdefault(name, []).append(tag("swathBounds", *tags(values)))
    merges = [
        tag("swathMerge", tag("swath", name), counted("swathBoundsList", listed))
        for name, listed in bounds.items()
    ]
    return tag("swathMerging", counted("swathMergeList", merges))


def annotation(product: Product, pol: str) -> str:
    """The annotation file of a polarisation."""
    quality = tag("productQualityIndex", number(0.0))
    timing = {"linesPerBurst": 0, "samplesPerBurst": 0}
    return HEAD + tag(
        "product",
        ads_header(product, pol),
        tag("qualityInformation", quality, counted("qualityDataList", [])),
        _general(product),
        _image(product),
        _doppler(product),
        _antenna(product),
        tag("swathTiming", *tags(timing), counted("burstList", [])),
        _geolocation(product),
        _merging(product),
    )
