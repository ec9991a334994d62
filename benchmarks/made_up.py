"""Made-up outcomes of an archive that does not exist, for trying the report at any size.

Names, footprints and figures look like real ones: SAFEs follow each other along the passes of a
satellite, runs are weeks apart, and failures come in the words that the workflow uses.
"""

import datetime as dt

import numpy as np
import pandas as pd

#: Of Sentinel-1, https://sentiwiki.copernicus.eu/web/s1-mission: orbits in the 12 days of a cycle,
#: and inclination in degrees.
ORBITS, CYCLE, INCLINATION = 175, 12 * 86_400, 98.18
#: Kilometres from the ground track to the middle of the swath of IW, half its width, and half the
#: length of a product of 25 s.
TO_SWATH, HALF_WIDTH, HALF_LENGTH = 560.0, 125.0, 84.0
EARTH_RADIUS = 6371.0
SECONDS = 25
#: Of all passes over a region, the satellite is switched on in some.
SHARE_OF_PASSES = 0.12

#: Share of failures by class, and their words. ``{n}`` is a number that differs.
CAUSES = {
    "bad-safe": (
        (40, "measurement/s1a-iw-grd-vh-{name}-002.tiff is empty"),
        (25, "measurement/s1a-iw-grd-vv-{name}-001.tiff has {n} bytes, manifest.safe says 874{n}"),
        (10, "manifest.safe is not well-formed XML: line {n}: Premature end of data"),
        (6, "annotation/s1a-iw-grd-vv-{name}-001.xml is missing"),
    ),
    "unsupported": ((12, "a stripmap product (S4 GRDH): xsar cannot open it"),),
    "bad-product": ((5, "sigma0: {n} of 42917 cells are NaN"),),
    "out-of-memory": ((6, "memory ran out at {n} MB"),),
    "disk-full": ((8, "no space left in /home/datawork/l1b to write 4 MB"),),
    "killed": ((9, "ended without a word, out of memory or by a signal"),),
    "interrupted": ((4, "SIGTERM"),),
    "unknown": ((3, "KeyError: 'azimuth_fm_rate'"), (1, "ValueError: x = {n} is out of bounds")),
}

#: Boxes of west, south, east, north in degrees where this archive has its acquisitions.
ATLANTIC = ((-16, 42, 4, 62),)
WORLD = (
    *((-30, 34, 6, 66), (-2, 30, 36, 46), (40, -30, 65, -8), (-82, 8, -50, 32)),
    *((160, -28, 192, -8), (110, -5, 150, 45), (-60, -45, -25, 5), (-130, 25, -112, 52)),
)


def table(count: int, boxes: tuple[tuple, ...] = WORLD, seed: int = 5) -> pd.DataFrame:
    """Outcomes of ``count`` SAFEs, as :mod:`xsar_batch.report` reads them."""
    random = np.random.default_rng(seed)
    seconds, mission, footprints = _acquisitions(count, boxes, random)
    start = np.datetime64("2023-09-01T00:00:00") + seconds.astype("timedelta64[s]")
    polarisation = random.choice(["1SDV", "1SSV"], count, p=[0.93, 0.07])
    name = [
        f"S1{m}_IW_GRDH_{p}_{_compact(t)}_{_compact(t + np.timedelta64(SECONDS, 's'))}"
        f"_{50_000 + int(s / 5924):06d}_{int(s / 5924) * 11:06X}_{random.integers(65_536):04X}"
        for m, p, t, s in zip(mission, polarisation, start, seconds, strict=True)
    ]
    made = pd.DataFrame({"footprint": footprints}, index=pd.Index(name, name="name"))
    _outcomes(made, random)
    return made


def _acquisitions(
    count: int, boxes: tuple[tuple, ...], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list]:
    """Seconds, mission and WKT of the first ``count`` products with their middle in a box."""
    passes = []
    for offset, mission in ((0, "A"), (CYCLE // 2, "C")):
        seconds = np.arange(0, CYCLE, SECONDS)
        lon, lat, heading = _ground(seconds + offset)
        lon, lat = _moved(lon, lat, heading + 90, TO_SWATH)
        inside = np.zeros(len(lon), bool)
        for west, south, east, north in boxes:
            inside |= ((lon - west) % 360 < east - west) & (lat > south) & (lat < north)
        at = np.flatnonzero(inside)
        corners = [
            _moved(*_moved(lon[at], lat[at], heading[at], along), heading[at] + 90, across)
            for along, across in (
                *((HALF_LENGTH, -HALF_WIDTH), (HALF_LENGTH, HALF_WIDTH)),
                *((-HALF_LENGTH, HALF_WIDTH), (-HALF_LENGTH, -HALF_WIDTH)),
            )
        ]
        rings = [
            ", ".join(f"{x[k]:.4f} {y[k]:.4f}" for x, y in (*corners, corners[0]))
            for k in range(len(at))
        ]
        # A pass is what follows without a gap.
        number = np.cumsum(np.diff(at, prepend=-1) > 1)
        passes += [
            (mission, seconds[at[number == k]], [rings[i] for i in np.flatnonzero(number == k)])
            for k in np.unique(number)
        ]
    rows: list[tuple[int, str, str]] = []
    cycle = 0
    while len(rows) < count:
        for mission, seconds, rings in passes:
            if random.random() < SHARE_OF_PASSES:
                times = seconds + cycle * CYCLE
                rows += [(int(t), mission, ring) for t, ring in zip(times, rings, strict=True)]
        cycle += 1
    seconds, missions, rings = zip(*sorted(rows)[:count], strict=True)
    return np.array(seconds), np.array(missions), [f"POLYGON (({ring}))" for ring in rings]


def _ground(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Longitude, latitude and heading in degrees of the point below the satellite.

    On a circular orbit and a spherical Earth, which turns below it once a day.
    """
    along = 2 * np.pi * ORBITS * seconds / CYCLE
    tilt = np.radians(INCLINATION)
    lat = np.arcsin(np.sin(tilt) * np.sin(along))
    inertial = np.arctan2(np.cos(tilt) * np.sin(along), np.cos(along))
    lon = np.degrees(inertial - 2 * np.pi * seconds / 86_400)
    ahead = np.sign(np.cos(along))
    east = np.arcsin(np.clip(np.cos(tilt) / np.cos(lat), -1, 1))
    heading = np.where(ahead > 0, np.degrees(east), 180 - np.degrees(east))
    return (lon + 180) % 360 - 180, np.degrees(lat), heading


def _moved(
    lon: np.ndarray, lat: np.ndarray, bearing: np.ndarray, kilometres: float
) -> tuple[np.ndarray, np.ndarray]:
    """Degrees after so many kilometres on the great circle of a bearing."""
    angle, bearing = kilometres / EARTH_RADIUS, np.radians(bearing)
    lat, lon = np.radians(lat), np.radians(lon)
    to = np.arcsin(np.sin(lat) * np.cos(angle) + np.cos(lat) * np.sin(angle) * np.cos(bearing))
    turn = np.arctan2(
        np.sin(bearing) * np.sin(angle) * np.cos(lat), np.cos(angle) - np.sin(lat) * np.sin(to)
    )
    return (np.degrees(lon + turn) + 180) % 360 - 180, np.degrees(to)


def _outcomes(made: pd.DataFrame, random: np.random.Generator) -> None:
    """Fill in how it went."""
    count = len(made)
    made["state"] = random.choice(
        ["done", "failed", "running", "pending"],
        count,
        p=[0.955, 0.024, 0.001, 0.02],
    )
    made["class"] = made["cause"] = ""
    weights = [(w, c, text) for c, causes in CAUSES.items() for w, text in causes]
    share = np.array([weight for weight, *_ in weights], float)
    failed = np.flatnonzero(made["state"] == "failed")
    kinds = random.choice(len(weights), len(failed), p=share / share.sum())
    column = {name: made.columns.get_loc(name) for name in made}
    for k, kind in zip(failed, kinds, strict=True):
        _, name, words = weights[kind]
        stamp = "-".join(made.index[k].lower().split("_")[4:8])
        made.iloc[k, column["class"]] = name
        made.iloc[k, column["cause"]] = words.format(name=stamp, n=random.integers(1000, 9999))

    tried, done = made["state"] != "pending", made["state"] == "done"
    cpu = np.where(done, random.gamma(9, 0.17, count) + 0.7, random.gamma(2, 0.25, count) + 0.1)
    made["cpu_seconds"] = np.round(cpu, 3)
    made["seconds"] = np.round(cpu * random.lognormal(0.25, 0.3, count), 3)
    made["peak_memory_mb"] = np.round(np.where(done, random.normal(412, 24, count), 120))
    made["attempts"] = np.where(done, 1 + (random.random(count) < 0.02), 3)
    ended = _times(count, random)
    made["ended"] = [f"{t}+00:00" for t in np.datetime_as_string(ended, "ms")]
    began = ended - (made["seconds"].to_numpy() * 1000).astype("timedelta64[ms]")
    running = made["state"] == "running"
    began[running] = ended.max() - random.integers(0, 8000, running.sum()).astype("timedelta64[ms]")
    made["started"] = [f"{t}+00:00" for t in np.datetime_as_string(began, "ms")]
    made["host"] = random.choice([f"r1i{i}n{n}" for i in range(3) for n in range(9)], count)
    made["pbs_job"] = [f"{4_100_000 + k // 24}.datarmor0" for k in range(count)]
    made["product_bytes"] = np.where(done, random.normal(4.3e6, 3e5, count).round(), np.nan)
    made["ipf"] = random.choice(["003.61", "003.71"], count)
    made["resolution"], made["function"] = "1000m", "xsar_batch.l1b:l1b"
    made["xsar_batch_version"], made["xsar_version"] = "0.5.0", "2026.8.31"
    numbers = ["seconds", "cpu_seconds", "peak_memory_mb", "attempts"]
    made.loc[~tried, numbers] = np.nan
    texts = ["started", "ended", "host", "pbs_job", "ipf", "footprint"]
    made.loc[~tried, texts] = ""
    made.loc[running, ["seconds", "cpu_seconds", "peak_memory_mb"]] = np.nan
    made.loc[running, "ended"] = ""
    made.loc[~done, "footprint"] = made["footprint"].where(random.random(count) < 0.8, "")


def _times(count: int, random: np.random.Generator) -> np.ndarray:
    """When each ended: three runs, weeks apart, of which the middle one is short."""
    begins = pd.to_datetime(["2026-09-14T18:20", "2026-10-09T07:05", "2026-11-20T21:40"])
    sizes = np.array([0.62, 0.05, 0.33])
    which = np.searchsorted(np.cumsum(sizes), np.arange(count) / count, side="right")
    # Some 24 a minute, slower at the beginning and at the end.
    within = random.beta(2, 1.6, count) * sizes[which] * count / 24 * 60_000
    return begins.to_numpy()[which].astype("datetime64[ms]") + within.astype("timedelta64[ms]")


def _compact(time: np.datetime64) -> str:
    return time.astype(dt.datetime).strftime("%Y%m%dT%H%M%S")
