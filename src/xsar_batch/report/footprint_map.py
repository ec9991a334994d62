"""The map: coastline, graticule, and every footprint by state."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import shapely

from xsar_batch.failures import LandMaskError
from xsar_batch.report import coast, footprints
from xsar_batch.report.window import WIDTH, Window, fitting

#: Distances of lines of the graticule, in degrees; the first that gives few enough is taken.
INTERVALS = (0.5, 1, 2, 5, 10, 15, 30, 60)
LINES = 9


@dataclass(frozen=True)
class Line:
    """A meridian or parallel: its path, and its label with where that stands, in per cent."""

    path: str
    label: str
    left: float | None = None
    top: float | None = None


@dataclass(frozen=True)
class Map:
    """``paths`` has one for each row of the table, empty where no footprint is known."""

    window: Window
    width: int
    height: int
    land: str
    lines: list[Line]
    paths: list[str]
    opacity: dict[str, float]
    """Of what is done and what failed, so that places seen often and seldom differ."""
    trouble: str
    """Why there is no coastline; empty where there is one."""

    @property
    def linear(self) -> list[float]:
        """Longitude and latitude of the upper left corner, and degrees a unit, each way.

        Empty for a view from above a pole.
        """
        if self.window.pole:
            return []
        corner = [self.window.west, self.window.north]
        degrees = self.window.east - self.window.west, self.window.south - self.window.north
        return [*corner, degrees[0] / self.width, degrees[1] / self.height]


def draw(table: pd.DataFrame, before: Map | None = None) -> Map:
    """The map of a prepared table.

    While a run goes on, the map ``before`` keeps its window as long as all lies well within, so
    that a reader's view stays.
    """
    found = footprints.read(table["footprint"].tolist())
    window = fitting(found.bounds)
    if before and _is_roomy(before.window, window):
        window = before.window
    paths = footprints.paths(found, window)
    land, trouble = _coast(window)
    return Map(
        *(window, WIDTH, window.height, land, graticule(window)),
        [paths.get(row, "") for row in range(len(table))],
        *(_opacity(found.parts, window, list(table["state"])), trouble),
    )


def _is_roomy(window: Window, needed: Window) -> bool:
    """Whether a window holds another, and is not far too large for it."""
    if window.pole or needed.pole:
        return window == needed
    west, east = needed.west, needed.east
    holds = window.west <= west and east <= window.east
    holds &= window.south <= needed.south and needed.north <= window.north
    return holds and (window.east - window.west) < 2.5 * (east - west)


@lru_cache(maxsize=2)
def _coast(window: Window) -> tuple[str, str]:
    """The coastline, and why there is none."""
    try:
        return coast.path(window), ""
    except LandMaskError as error:
        return "", str(error)


def _opacity(parts: np.ndarray, window: Window, states: list[str]) -> dict[str, float]:
    """So that many on top of each other let those below be seen: what failed lies on top of all."""
    failed = states.count("failed") / max(1, len(states))
    placed = shapely.area(shapely.transform(parts, window.place)).sum()
    depth = placed / (WIDTH * window.height)
    return {
        "done": round(float(np.clip(0.4 / (1 + depth), 0.03, 0.25)), 3),
        "failed": round(float(np.clip(1.5 / (1 + failed * depth), 0.15, 1)), 3),
    }


def graticule(window: Window) -> list[Line]:
    """Meridians and parallels at round degrees."""
    if window.pole:
        return _polar(window)
    lines = []
    for at in _round(window.west, window.east):
        x = window.place(np.array([at, 0.0]))[0]
        lines.append(
            Line(f"M{x:.0f} 0V{window.height}", longitude(at), left=round(100 * x / WIDTH, 2))
        )
    for at in _round(window.south, window.north):
        y = window.place(np.array([0.0, at]))[1]
        lines.append(
            Line(f"M0 {y:.0f}H{WIDTH}", latitude(at), top=round(100 * y / window.height, 2))
        )
    return lines


def _polar(window: Window) -> list[Line]:
    lines, centre = [], WIDTH / 2
    for at in range(0, 360, 30):
        ends = np.array([[at, window.pole * 88.0], [at, window.pole * (90 - 1.5 * window.reach)]])
        (x, y), (u, v) = window.place(ends)
        edge = window.place(np.array([at, window.pole * (90 - 0.92 * window.reach)]))
        left, top = (round(100 * float(value) / WIDTH, 2) for value in edge)
        lines.append(Line(f"M{x:.0f} {y:.0f}L{u:.0f} {v:.0f}", longitude(at), left, top))
    for at in range(10 * int((90 - 1.4 * window.reach) // 10) + 10, 90, 10):
        r = (90 - at) * window.scale
        arcs = f"a{r:.0f} {r:.0f} 0 1 0 0 {2 * r:.0f}a{r:.0f} {r:.0f} 0 1 0 0 {-2 * r:.0f}"
        lines.append(Line(f"M{centre:.0f} {centre - r:.0f}{arcs}", ""))
        left = round(100 * (centre + r * np.sin(np.radians(15))) / WIDTH, 2)
        top = round(100 * (centre - window.pole * r * np.cos(np.radians(15))) / WIDTH, 2)
        if max(abs(left - 50), abs(top - 50)) < 48:
            lines.append(Line("", latitude(window.pole * at), left, top))
    return lines


def _round(first: float, last: float) -> np.ndarray:
    step = next((s for s in INTERVALS if (last - first) / s <= LINES), INTERVALS[-1])
    return np.arange(np.floor(first / step) + 1, np.ceil(last / step)) * step


def longitude(degrees: float) -> str:
    """As on a map: 5°W."""
    turned = (degrees + 180) % 360 - 180
    side = "" if turned in (0, -180) else "E" if turned > 0 else "W"
    return f"{abs(turned):g}°{side}"


def latitude(degrees: float) -> str:
    """As on a map: 47°N."""
    return f"{abs(degrees):g}°{'N' if degrees > 0 else 'S' if degrees < 0 else ''}"
