"""The window of the map: which part of the world it shows, and where in it a position lies.

The map is equirectangular, true to scale along the latitude in its middle, so that shapes look as
they are. Longitudes are counted on from the middle of the data, so data on both sides of 180° lie
side by side. Data all round a pole are seen from above it instead: polar, equidistant.
"""

from dataclasses import dataclass

import numpy as np

#: Width of the map in its own units; whole ones are fine enough to zoom in 16 times.
WIDTH = 12_000

#: Least height shown, in degrees: a lone scene shows where in the world it is.
LEAST_HEIGHT = 6.0

#: The shape of the window, width over height, is kept between these.
SHAPE = (1.7, 2.3)

#: Gap in longitude, in degrees, below which data are taken to be all round the world.
ALL_ROUND = 40.0

#: Latitude, in degrees, beyond which data all round the world are seen from above the pole.
POLAR = 50.0


@dataclass(frozen=True)
class Window:
    """A part of the world. Degrees; ``east`` may exceed 180, ``east - west`` is at most 360.

    ``pole`` is 1 for a view from above the North Pole, -1 the South Pole, 0 for neither: then the
    other fields count.
    """

    west: float
    south: float
    east: float
    north: float
    pole: int = 0

    @property
    def middle(self) -> float:
        """Longitude in the middle."""
        return (self.west + self.east) / 2

    @property
    def _stretch(self) -> float:
        """How much shorter a degree of longitude is than one of latitude."""
        return float(np.cos(np.radians(min(abs(self.south + self.north) / 2, 80))))

    @property
    def scale(self) -> float:
        """Units a degree of latitude."""
        if self.pole:
            return WIDTH / 2 / self.reach
        return WIDTH / ((self.east - self.west) * self._stretch)

    @property
    def reach(self) -> float:
        """Degrees from the pole to the edge of a polar window."""
        return 90 - (self.south if self.pole > 0 else -self.north)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north of all that can be seen: of a polar window, its corners too."""
        corner = 90 - min(1.42 * self.reach, 180)
        if self.pole > 0:
            return self.west, corner, self.east, 90.0
        if self.pole < 0:
            return self.west, -90.0, self.east, -corner
        return self.west, self.south, self.east, self.north

    @property
    def height(self) -> int:
        """Height of the map in its units."""
        return WIDTH if self.pole else round((self.north - self.south) * self.scale)

    def place(self, positions: np.ndarray) -> np.ndarray:
        """Units from the upper left corner, x and y, of longitudes and latitudes in degrees."""
        longitude, latitude = positions[..., 0], positions[..., 1]
        if self.pole:
            # Greenwich points down from the North Pole, and up from the South Pole.
            radius = (90 - self.pole * latitude) * self.scale
            turn = np.radians(longitude)
            x = WIDTH / 2 + radius * np.sin(turn)
            return np.stack([x, WIDTH / 2 + self.pole * radius * np.cos(turn)], axis=-1)
        x = (longitude - self.west) * self._stretch * self.scale
        return np.stack([x, (self.north - latitude) * self.scale], axis=-1)


def fitting(bounds: np.ndarray) -> Window:
    """The window for footprints with these bounds: west, south, east, north a row, in degrees.

    Without any it is the world.
    """
    if not len(bounds):
        return Window(-180, -75, 180, 85)
    south, north = bounds[:, 1].min(), bounds[:, 3].max()
    west, east = _longitudes(bounds[:, 0], bounds[:, 2])
    if east - west >= 360 and max(south, -north) > POLAR:
        margin = 0.05 * (90 - max(south, -north))
        return (
            Window(-180, south - margin, 180, 90, pole=1)
            if south > 0
            else Window(-180, -90, 180, north + margin, pole=-1)
        )
    return _shaped(west, south, east, north)


def _longitudes(west: np.ndarray, east: np.ndarray) -> tuple[float, float]:
    """From where to where, with the widest gap between footprints left out."""
    west_turned = west % 360
    order = np.argsort(west_turned)
    begins = west_turned[order]
    ends = np.maximum.accumulate(begins + (east - west)[order])
    gaps = np.append(begins[1:], begins[0] + 360) - ends
    widest = int(np.argmax(gaps))
    if gaps[widest] < ALL_ROUND:
        return -180.0, 180.0
    first = begins[(widest + 1) % len(begins)]
    last = first + 360 - gaps[widest]
    turn = 360 * np.floor(((first + last) / 2 + 180) / 360)
    return float(first - turn), float(last - turn)


def _shaped(west: float, south: float, east: float, north: float) -> Window:
    """Widen to have a margin and a shape that fits a page."""
    height = max((north - south) * 1.1, LEAST_HEIGHT)
    middle = (south + north) / 2
    stretch = np.cos(np.radians(min(abs(middle), 80)))
    width = (east - west) * (1.1 if east - west < 360 else 1)
    least, most = SHAPE
    width = max(width, height * least / stretch)
    height = max(height, width * stretch / most)
    # A margin must not reach beyond a pole, nor show a place twice.
    width, height = min(width, 360.0), min(height, 180.0)
    middle = min(max(middle, -90 + height / 2), 90 - height / 2)
    centre = (west + east) / 2
    return Window(
        float(centre - width / 2),
        float(middle - height / 2),
        float(centre + width / 2),
        float(middle + height / 2),
    )
