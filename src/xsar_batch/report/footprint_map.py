"""The map: coastline, graticule, and every footprint by state."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from xsar_batch.failures import LandMaskError
from xsar_batch.report import coast, footprints
from xsar_batch.report.states import STATES
from xsar_batch.report.window import WIDTH, Window, fitting

#: What is drawn last lies on top: what needs a look.
DRAWN = ("done", "pending", "running", "failed")

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
class Layer:
    """All SAFEs of a state: their names, the drawn ones first, and the paths of those."""

    state: str
    names: list[str]
    classes: list[str]
    paths: list[str]


@dataclass(frozen=True)
class Map:
    window: Window
    width: int
    height: int
    land: str
    lines: list[Line]
    layers: list[Layer]
    opacity: float
    """Of what is done, so that places seen often and seldom differ."""
    without: int
    """SAFEs whose footprint is not known."""
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


def draw(table: pd.DataFrame) -> Map:
    """The map of a prepared table."""
    found = footprints.read(table["footprint"].tolist())
    window = fitting(found.bounds)
    paths = footprints.paths(found, window)
    layers = []
    states, classes = table["state"].tolist(), table["class"].tolist()
    of_state: dict[str, list[int]] = {state: [] for state in STATES}
    for row, state in enumerate(states):
        of_state[state].append(row)
    for state in DRAWN:
        drawn = [row for row in of_state[state] if row in paths]
        rows = drawn + [row for row in of_state[state] if row not in paths]
        names = [table.index[row] for row in rows]
        kinds = [classes[row] for row in rows]
        layers.append(Layer(state, names, kinds, [paths[row] for row in drawn]))
    trouble, land = "", ""
    try:
        land = coast.path(window)
    except LandMaskError as error:
        trouble = str(error)
    return Map(
        *(window, WIDTH, window.height, land, graticule(window), layers),
        _opacity(found.rings, window),
        len(table) - len(paths),
        trouble,
    )


def _opacity(rings: np.ndarray, window: Window) -> float:
    placed = shapely.area(shapely.transform(rings, window.place)).sum()
    depth = placed / (WIDTH * window.height)
    return round(float(np.clip(0.4 / (1 + depth), 0.03, 0.25)), 3)


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
