"""What a demo scene is: its parameters, and the names, times and orbit numbers that follow."""

import hashlib
import re
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from sentinel1_demo_scenes.geometry import GROUND_SPEED, ORBIT_PERIOD, Geometry, seconds_since_node

# Incidence at mid swath in degrees: ESA's Sentinel-1 SAR user guide, at the lowest height.
MODES = {
    "IW": 38.95,
    "EW": 35.0,
    "S1": 23.2,
    "S2": 26.5,
    "S3": 32.1,
    "S4": 37.2,
    "S5": 41.9,
    "S6": 44.6,
}
#: The default of what `Product` works out itself when it is not given.
_WORKED_OUT: Any = None
_SUBSWATHS = {"IW": 3, "EW": 5}
_EDGES_MOVE = 6  # samples, towards near range
_STAGGER = 12  # sub-swaths begin and end this part of the lines one after the other
EDGES = ("straight", "stepped", "staggered")
# Metres: Sentinel-1 Product Definition (S1-RS-MDA-52-7440), GRD products; GRDM is 40 m.
_SPACINGS = {
    **{("EW", "GRDH"): 25.0, ("IW", "GRDH"): 10.0},
    **{("S", "GRDF"): 3.5, ("S", "GRDH"): 10.0},
}
PRODUCTS = ("GRDF", "GRDH", "GRDM")
POLARISATIONS = {
    ("VV", "VH"): "DV",
    ("HH", "HV"): "DH",
    ("VV",): "SV",
    ("HH",): "SH",
    ("VH",): "VH",
    ("HV",): "HV",
}


class _Mission(NamedTuple):
    """An orbit with a known ascending node, to count from; where relative orbits start"""

    orbit: int
    node: datetime
    offset: int


# S1A and S1C: as real manifests state; S1B flew half a cycle from S1A; S1D: the launch.
MISSIONS = {
    "S1A": _Mission(39156, datetime(2021, 8, 9, 17, 27, 46), 73),
    "S1B": _Mission(28260, datetime(2021, 8, 15, 17, 27, 46), 27),
    "S1C": _Mission(638, datetime(2025, 1, 18, 17, 1, 49), 99),
    "S1D": _Mission(1, datetime(2025, 11, 4, 22, 0, 0), 0),
}


class Swath(NamedTuple):
    """A sub-swath's name and its first and last sample in the merged image."""

    name: str
    first: int
    last: int


class Block(NamedTuple):
    """A part of a sub-swath in the merged image: between two lines its edges do not move."""

    swath: Swath
    first_line: int
    last_line: int

    def has_line(self, line: int) -> bool:
        return self.first_line <= line <= self.last_line


@dataclass(frozen=True, kw_only=True)
class Product:
    """The parameters of a demo scene.

    lines, samples: size of the image, in pixels (at least 100 each).
    start: UTC of the first line.
    longitude, latitude: centre, in degrees.
    orbit_pass: "Ascending" or "Descending".
    mission: S1A, S1B, S1C or S1D.
    pols: polarisations, co-polarised first.
    ipf: version of the processor, as in a manifest ("003.71"). Before 2.90 there is no noise along
        azimuth; before 2.50 what is annotated as noise is next to nothing (`radiometry.Luts`).
    seed: of the speckle.
    unique_id: the 4 hexadecimal digits that end the name; by default a hash of all the rest.
    processed: UTC when processing ended; by default 2 hours after `start`.
    pixels: "sea" (see `radiometry.true_sigma0`) or "checkerboard".
    edges: of the swath in the image, "straight", "stepped" or "staggered" (see `radiometry.ends`).
    mode: "IW", "EW" or a stripmap beam "S1" to "S6".
    product: "GRDH", "GRDM", and for stripmap "GRDF".
    spacing: of pixels, in metres; by default the one of the mode and product.
    line_spacing: of lines, in metres, if another: 10.00479 before IPF 2.50, for example.
    orbit: absolute orbit number; by default the one that fits mission, time and place.
    data_take: number of the data take; by default derived from the orbit.

    Raises ValueError for a value that no product has.
    """

    lines: int = 1500
    samples: int = 2000
    start: datetime = datetime(2024, 3, 1, 18, 0, 0)
    longitude: float = -4.9
    latitude: float = 48.4
    orbit_pass: Literal["Ascending", "Descending"] = "Ascending"
    mission: str = "S1A"
    pols: tuple[str, ...] = ("VV", "VH")
    ipf: str = "003.71"
    seed: int = 0
    unique_id: str = _WORKED_OUT
    processed: datetime = _WORKED_OUT
    pixels: Literal["sea", "checkerboard"] = "sea"
    edges: Literal["straight", "stepped", "staggered"] = "straight"
    mode: str = "IW"
    product: Literal["GRDF", "GRDH", "GRDM"] = "GRDH"
    spacing: float = _WORKED_OUT
    line_spacing: float = _WORKED_OUT
    orbit: int = _WORKED_OUT
    data_take: int = _WORKED_OUT

    def __post_init__(self) -> None:
        def settle(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        settle("pols", tuple(self.pols))
        for name, allowed in (
            ("orbit_pass", ("Ascending", "Descending")),
            ("mission", MISSIONS),
            ("pols", POLARISATIONS),
            ("pixels", ("sea", "checkerboard")),
            ("edges", EDGES),
            ("mode", MODES),
            ("product", PRODUCTS if self.mode not in _SUBSWATHS else PRODUCTS[1:]),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {list(allowed)}, not {getattr(self, name)}"
                )
        if min(self.lines, self.samples) < 100 or max(self.lines, self.samples) > 65535:
            raise ValueError(f"a scene has 100 to 65535 lines and samples, not {self.size}")
        if self.start.tzinfo or (self.processed and self.processed.tzinfo):
            raise ValueError("times are UTC without a time zone")
        if not re.fullmatch(r"\d{3}\.\d\d", self.ipf) or float(self.ipf) < 2:
            raise ValueError(f'ipf is three digits and two, "002.00" or later, not {self.ipf}')
        if self.spacing is None:
            family = self.mode if self.mode in _SUBSWATHS else "S"
            settle("spacing", _SPACINGS.get((family, self.product), 40.0))
        if self.line_spacing is None:
            settle("line_spacing", self.spacing)
        if self.processed is None:
            settle("processed", self.start + timedelta(hours=2))
        if self.orbit is None:
            settle("orbit", self._orbit_of_start())
        if self.data_take is None:
            settle("data_take", 8 * self.orbit)
        if self.unique_id is None:
            rest = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name != "unique_id"]
            digest = hashlib.md5(repr(rest).encode(), usedforsecurity=False).hexdigest()
            settle("unique_id", digest[:4].upper())
        if not re.fullmatch("[0-9A-F]{4}", self.unique_id):
            raise ValueError(f"unique_id must be 4 hexadecimal digits, not {self.unique_id}")

    def _orbit_of_start(self) -> int:
        known = MISSIONS[self.mission]
        # Nodes, not start times: scenes of one pass must get one number wherever they are.
        orbit = known.orbit + round((self.node - known.node).total_seconds() / ORBIT_PERIOD)
        if orbit < 1:
            raise ValueError(f"{self.mission} did not fly yet at {self.start}")
        return orbit

    @property
    def size(self) -> tuple[int, int]:
        """lines, samples"""
        return self.lines, self.samples

    @property
    def is_merged(self) -> bool:
        """Whether the image was put together from sub-swaths, as in IW and EW."""
        return self.mode in _SUBSWATHS

    @property
    def swaths(self) -> list[Swath]:
        """Sub-swaths from near to far range, all of the same width; one for stripmap."""
        return self._swaths(0)

    def _swaths(self, moved: int) -> list[Swath]:
        """Sub-swaths whose edges lie some samples nearer to near range."""
        if not self.is_merged:
            return [Swath(self.mode, 0, self.samples - 1)]
        count = _SUBSWATHS[self.mode]
        inner = [self.samples * k // count - moved for k in range(1, count)]
        edges = [0, *inner, self.samples]
        return [Swath(f"{self.mode}{k + 1}", edges[k], edges[k + 1] - 1) for k in range(count)]

    @property
    def has_early_noise(self) -> bool:
        """Whether the noise has the form it had before IPF 2.90: range vectors alone."""
        return float(self.ipf) < 2.9

    @property
    def moves_edges(self) -> bool:
        """Whether edges of sub-swaths move along track: in EW, and in all that is old."""
        return self.is_merged and (self.mode == "EW" or self.has_early_noise)

    @property
    def blocks(self) -> list[Block]:
        """What a merged image is put together from, none for stripmap.

        Where edges move they do so once, after a third of the lines. (In real products every few
        hundred lines, by a few samples in all.) "staggered": sub-swaths begin and end one after
        the other, from near to far range, as in the first and last slice of a data take.
        """
        if not self.is_merged:
            return []
        last, step = self.lines - 1, self.lines // 3
        if not self.moves_edges:
            blocks = [Block(swath, 0, last) for swath in self.swaths]
        else:
            blocks = [Block(swath, 0, step - 1) for swath in self.swaths]
            blocks += [Block(swath, step, last) for swath in self._swaths(_EDGES_MOVE)]
        if self.edges != "staggered":
            return blocks
        # A multiple of the rows that are computed at a time.
        delay, count = self.lines // _STAGGER // 8 * 8, len(self.swaths)
        number = {swath.name: k for k, swath in enumerate(self.swaths)}
        cut = [
            (swath, max(first, delay * k), min(end, last - delay * (count - 1 - k)))
            for swath, first, end in blocks
            for k in [number[swath.name]]
        ]
        return [Block(*part) for part in cut if part[1] <= part[2]]

    @property
    def line_interval(self) -> float:
        """Seconds from one line to the next."""
        return self.line_spacing / GROUND_SPEED

    def time(self, line: float) -> datetime:
        """UTC of a line."""
        return self.start + timedelta(seconds=float(line) * self.line_interval)

    @property
    def stop(self) -> datetime:
        """UTC of the last line."""
        return self.time(self.lines - 1)

    @property
    def node(self) -> datetime:
        """UTC of the last ascending node before the scene."""
        ascending = self.orbit_pass == "Ascending"
        return self.start - timedelta(seconds=seconds_since_node(self.latitude, ascending))

    @property
    def relative_orbit(self) -> int:
        """1 to 175"""
        return (self.orbit - MISSIONS[self.mission].offset) % 175 + 1

    @cached_property
    def geometry(self) -> Geometry:
        """Where the pixels are."""
        return Geometry(
            lines=self.lines,
            samples=self.samples,
            spacing=self.spacing,
            line_spacing=self.line_spacing,
            longitude=self.longitude,
            latitude=self.latitude,
            ascending=self.orbit_pass == "Ascending",
            incidence=MODES[self.mode],
        )

    @property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Lines and pixels (21) of the geolocation grid, first and last of the image in it.

        Lines are every 3 s as in real products of IW and EW, and 10 at least.
        """
        seconds = (self.lines - 1) * self.line_interval
        lines = np.linspace(0, self.lines - 1, max(10, round(seconds / 3) + 1))
        pixels = np.linspace(0, self.samples - 1, 21)
        return np.rint(lines).astype(int), np.rint(pixels).astype(int)

    @property
    def _period(self) -> list[str]:
        return [f"{self.start:%Y%m%dT%H%M%S}", f"{self.stop:%Y%m%dT%H%M%S}"]

    @property
    def name(self) -> str:
        """Name of the SAFE folder: Sentinel-1 Product Specification (S1-RS-MDA-52-7441)."""
        parts = [self.mission, self.mode, self.product, f"1S{POLARISATIONS[self.pols]}"]
        parts += [*self._period, f"{self.orbit:06d}", f"{self.data_take:06X}", self.unique_id]
        return "_".join(parts) + ".SAFE"

    def stem(self, pol: str) -> str:
        """Name, without ending, of the measurement and annotation files of a polarisation."""
        parts = [self.mission, self.mode, "grd", pol, *self._period]
        parts += [f"{self.orbit:06d}", f"{self.data_take:06x}", f"{self.pols.index(pol) + 1:03d}"]
        return "-".join(parts).lower()
