"""Where each pixel of a demo scene lies, and from where the radar sees it.

The model: the satellite flies at a constant height above the WGS84 ellipsoid, along a geodesic and
at a constant speed. An image line is the geodesic that leaves the ground track at a right angle, to
the right. Spacings on the ground are therefore exact across track, and exact along track at mid
swath (0.2 % off at the edges of a full IW scene). Slant range, incidence and elevation are computed
in three dimensions from the positions themselves, so all annotations agree with one another.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pyproj import Geod

SPEED_OF_LIGHT = 299792458.0
"""m/s"""
GROUND_SPEED = 6670.0
"""m/s along the image at mid swath: 10 m lines every 1.499 ms, as IW GRDH products state"""
SATELLITE_HEIGHT = 701e3
"""m above the ellipsoid: what the state vectors of real scenes at mid latitudes give"""
ORBIT_INCLINATION = np.radians(98.18)
"""rad, of Sentinel-1's sun-synchronous orbit"""
ORBIT_PERIOD = 12 * 86400 / 175
"""s: 175 orbits in a cycle of 12 days"""

_EARTH_RADIUS = 6371e3
_EARTH_ROTATION = 7.2921159e-5
_INERTIAL_SPEED = 7.51e3  # m/s, sqrt(GM / r) at r = 7070 km
_WGS84 = Geod(ellps="WGS84")


class Points(NamedTuple):
    """Arrays of one shape: degrees, metres, and seconds there and back for `slant_range_time`."""

    longitude: np.ndarray
    latitude: np.ndarray
    height: np.ndarray
    slant_range_time: np.ndarray
    incidence: np.ndarray
    elevation: np.ndarray


def _check_latitude(latitude: float) -> None:
    if not abs(latitude) < 180 - np.degrees(ORBIT_INCLINATION):
        raise ValueError(f"Sentinel-1 does not pass over latitude {latitude}")


def track_heading(latitude: float, ascending: bool) -> float:
    """Direction of the ground track at a latitude, both in degrees; north is 0, east is 90.

    Spherical trigonometry of a circular orbit (sin of the inertial azimuth = cos i / cos latitude),
    with the ground's own speed to the east taken off. Raises ValueError where the orbit never goes.
    """
    _check_latitude(latitude)
    sine = np.cos(ORBIT_INCLINATION) / np.cos(np.radians(latitude))
    north = np.sqrt(1 - sine**2) * _INERTIAL_SPEED
    orbit_radius = _EARTH_RADIUS + SATELLITE_HEIGHT
    east = sine * _INERTIAL_SPEED - _EARTH_ROTATION * orbit_radius * np.cos(np.radians(latitude))
    return float(np.degrees(np.arctan2(east, north if ascending else -north)))


def seconds_since_node(latitude: float, ascending: bool) -> float:
    """Time that a circular orbit needs from its ascending node to a latitude in degrees.

    Raises ValueError where the orbit never goes.
    """
    _check_latitude(latitude)
    argument = np.arcsin(np.sin(np.radians(latitude)) / np.sin(ORBIT_INCLINATION))
    if not ascending:
        argument = np.pi - argument
    return float(argument % (2 * np.pi) / (2 * np.pi) * ORBIT_PERIOD)


def ground_distance(incidence: float) -> float:
    """Distance in metres, on a sphere, from the ground track to an incidence angle in degrees."""
    angle = np.radians(incidence)
    off_nadir = np.arcsin(np.sin(angle) * _EARTH_RADIUS / (_EARTH_RADIUS + SATELLITE_HEIGHT))
    return float(_EARTH_RADIUS * (angle - off_nadir))


def _up(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def earth_fixed(longitude: np.ndarray, latitude: np.ndarray, height: np.ndarray) -> np.ndarray:
    """WGS84 positions (degrees, metres) as Earth-fixed x, y, z in metres, on a new last axis."""
    up = _up(longitude, latitude)
    flattened = 1 - _WGS84.es * up[..., 2] ** 2
    normal = np.asarray(_WGS84.a / np.sqrt(flattened))[..., None]
    height = np.asarray(height)[..., None]
    return up * ((normal + height) - _WGS84.es * normal * np.array([0.0, 0.0, 1.0]))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.sum(_unit(first) * _unit(second), axis=-1)))


@dataclass(frozen=True)
class Geometry:
    """Geolocation of an image of `lines` x `samples` pixels, `spacing` metres apart along lines,
    which are `line_spacing` metres apart.

    `longitude` and `latitude` (degrees) are those of the centre, `incidence` (degrees) is the one
    there, within 0.3 degrees.
    """

    lines: int
    samples: int
    spacing: float
    line_spacing: float
    longitude: float
    latitude: float
    ascending: bool
    incidence: float

    @property
    def _distance(self) -> float:
        return ground_distance(self.incidence)

    @cached_property
    def _nadir(self) -> tuple[float, float, float]:
        """longitude, latitude and heading of the ground track abreast of the scene's centre"""
        heading = track_heading(self.latitude, self.ascending)
        # The heading is known where the satellite is, 500 km away, as a function of a latitude that
        # depends on it: meridians converge by some degrees in between. Each round leaves 1/100.
        for _ in range(4):
            lon, lat, back = _WGS84.fwd(self.longitude, self.latitude, heading - 90, self._distance)
            heading += (track_heading(lat, self.ascending) - (back - 90) + 180) % 360 - 180
        lon, lat, back = _WGS84.fwd(self.longitude, self.latitude, heading - 90, self._distance)
        return lon, lat, back - 90

    @property
    def heading(self) -> float:
        """Direction of flight in degrees, within -180..180, abreast of the scene's centre."""
        return (self._nadir[2] + 180) % 360 - 180

    @property
    def satellite_speed(self) -> float:
        """m/s, Earth-fixed, abreast of the scene's centre."""
        return float(np.linalg.norm(self.orbit(np.zeros(1))[1]))

    def _track(self, metres: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ground track: longitude, latitude, heading after `metres` flown over mid swath."""
        lon, lat, heading = self._nadir
        # Parallels of the track get shorter with the distance from it.
        flown = np.asarray(metres, dtype=float) / np.cos(self._distance / _EARTH_RADIUS)
        lon0, lat0, ahead = (np.full_like(flown, value) for value in (lon, lat, heading))
        lons, lats, back = _WGS84.fwd(lon0, lat0, ahead, flown)
        return lons, lats, back + 180

    def _metres_flown(self, line: np.ndarray) -> np.ndarray:
        return (np.asarray(line, dtype=float) - (self.lines - 1) / 2) * self.line_spacing

    def locate(self, line: ArrayLike, sample: ArrayLike) -> Points:
        """Points seen at fractional `line` and `sample`, which are broadcast together."""
        line, sample = np.broadcast_arrays(np.asarray(line, float), np.asarray(sample, float))
        lon0, lat0, heading = self._track(self._metres_flown(line))
        across = self._distance + (sample - (self.samples - 1) / 2) * self.spacing
        lon, lat, _ = _WGS84.fwd(lon0, lat0, heading + 90, across)
        # Real products give a terrain height: a constant would hide a mix-up of line and sample.
        height = 50 + 10 * np.cos(line / self.lines) * np.sin(3 * sample / self.samples)
        satellite = earth_fixed(lon0, lat0, np.full_like(line, SATELLITE_HEIGHT))
        sight = satellite - earth_fixed(lon, lat, height)
        return Points(
            longitude=lon,
            latitude=lat,
            height=height,
            slant_range_time=2 * np.linalg.norm(sight, axis=-1) / SPEED_OF_LIGHT,
            incidence=_angle(sight, _up(lon, lat)),
            # From the Earth's centre, not from the ellipsoid's normal: as real products have it.
            elevation=_angle(sight, satellite),
        )

    def orbit(self, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Satellite's Earth-fixed positions (m) and velocities (m/s), both of shape (n, 3).

        `seconds` (shape n) count from the moment abreast of the scene's centre.
        """

        def position(at: np.ndarray) -> np.ndarray:
            lon, lat, _ = self._track(at * GROUND_SPEED)
            return earth_fixed(lon, lat, np.full_like(lon, SATELLITE_HEIGHT))

        seconds = np.asarray(seconds, dtype=float)
        return position(seconds), position(seconds + 0.5) - position(seconds - 0.5)
