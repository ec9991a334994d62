"""Whether positions, times, angles and orbit of an annotation belong together.

Each point of the geolocation grid was worked out from the orbit: its distance from the satellite at
its azimuth time is its slant range, and is at a right angle to the flight (zero Doppler). So a
number that is wrong in either shows. In ten real products (IPF 2.36 to 3.90; S1A, S1B, S1C; IW,
EW and S4) the distance agrees within 3 mm, the right angle within 3 m (2.36; 0.6 m since),
elevation within 7e-7 and incidence within 0.042 degrees. Limits are far wider: to refuse a good
product does more harm than to let an odd one pass, for positions are verified in each product.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xsar_batch.sentinel1.annotation import Annotation, GeolocationGrid, Orbit

SPEED_OF_LIGHT = 299_792_458.0

#: Metres: of slant range, along the flight, of samples against slant range, of the orbit's
#: positions against its velocities. Real samples are up to 80 m off, where a swath holds mountains.
RANGE_TOLERANCE, DOPPLER_TOLERANCE, SAMPLE_TOLERANCE, ORBIT_TOLERANCE = 100.0, 150.0, 2000.0, 20.0

#: Degrees: of incidence and elevation, and of the heading.
ANGLE_TOLERANCE, HEADING_TOLERANCE = 0.2, 2.0

#: Relative: pixel spacing against the grid. Real ones: up to 1.6 % along, 0.2 % across.
SPACING_TOLERANCE = 0.05

#: WGS84.
_EQUATOR, _ECCENTRICITY = 6_378_137.0, 0.00669437999014


def check(annotation: "Annotation") -> None:
    """Check an annotation against itself.

    Raises
    ------
    ValueError
        What does not fit, in one sentence.
    """
    grid, orbit = annotation.grid, annotation.orbit
    _check_plausible(grid)
    _check_orbit(orbit, grid)
    satellite, velocity = at_times(orbit, grid.time)
    ground = earth_fixed(grid.longitude, grid.latitude, grid.height)
    sight = ground - satellite
    distance = np.linalg.norm(sight, axis=-1)
    speed = np.linalg.norm(velocity, axis=-1)
    _agree("slant range", distance, grid.slant_range_time * SPEED_OF_LIGHT / 2, RANGE_TOLERANCE)
    _agree("azimuth time", (sight * velocity).sum(-1) / speed, 0, DOPPLER_TOLERANCE)
    up = vertical(grid.longitude, grid.latitude)
    incidence = np.degrees(np.arccos((-sight * up).sum(-1) / distance))
    _agree("incidence angle", incidence, grid.incidence, ANGLE_TOLERANCE, "degrees")
    radius = np.linalg.norm(satellite, axis=-1)
    elevation = np.degrees(np.arccos((-sight * satellite).sum(-1) / distance / radius))
    _agree("elevation angle", elevation, grid.elevation, ANGLE_TOLERANCE, "degrees")
    _check_lines(annotation, speed.mean())
    _check_samples(annotation, radius)
    _check_heading(annotation, satellite.mean(1), velocity.mean(1))


def _check_plausible(grid: "GeolocationGrid") -> None:
    for name, values, lowest, highest in (
        ("longitude", grid.longitude, -180, 180),
        ("latitude", grid.latitude, -90, 90),
        ("height", grid.height, -1000, 10_000),
        ("incidenceAngle", grid.incidence, 5, 70),
        ("elevationAngle", grid.elevation, 5, 70),
        ("slantRangeTime", grid.slant_range_time, 3e-3, 1e-2),
    ):
        if not ((values >= lowest) & (values <= highest)).all():
            raise ValueError(
                f"{name} of the geolocation grid is {values.min():g} to {values.max():g}"
            )


def _check_orbit(orbit: "Orbit", grid: "GeolocationGrid") -> None:
    if not (np.diff(orbit.time) > 0).all():
        raise ValueError("the times of the orbit are not in order")
    # State vectors of IPF 2.36 are 1 s apart, and the first and last are those of the image, within
    # 2 ms. A step beyond them the cubic is still within 0.1 m.
    first, last = orbit.time[0] * 2 - orbit.time[1], orbit.time[-1] * 2 - orbit.time[-2]
    if grid.time.min() < first or grid.time.max() > last:
        raise ValueError("the orbit does not cover the image")
    height = np.linalg.norm(orbit.position, axis=1) - _EQUATOR
    if height.min() < 6e5 or height.max() > 8e5:
        raise ValueError(f"the orbit is {height.min():g} to {height.max():g} m high")
    step = np.diff(orbit.time)[:, np.newaxis]
    mean = (orbit.velocity[1:] + orbit.velocity[:-1]) / 2
    off = np.abs(np.diff(orbit.position, axis=0) - mean * step).max()
    if not off < ORBIT_TOLERANCE * max(1, step.max() / 10) ** 3:
        raise ValueError(f"the orbit's velocities and positions are {off:.0f} m apart")


def _check_lines(annotation: "Annotation", speed: float) -> None:
    """Lines follow each other in the image's interval, and at its spacing on the ground."""
    grid = annotation.grid
    interval = annotation.line_interval
    if not 1e-4 < interval < 0.1:
        raise ValueError(f"an azimuthTimeInterval of {interval:g} s makes no sense")
    since = grid.time - grid.time[0, 0]
    off = np.abs(since - (grid.line - grid.line[0])[:, np.newaxis] * interval).max() / interval
    if off > 2:
        raise ValueError(f"lines and azimuth times of the geolocation grid are {off:.0f} lines off")
    for name, said, first in (
        ("productFirstLineUtcTime", annotation.start, grid.time[0]),
        ("productLastLineUtcTime", annotation.stop, grid.time[-1]),
    ):
        if np.abs(first - said).max() > 10 * interval:
            raise ValueError(f"{name} is not the time of that line")
    ground = earth_fixed(grid.longitude, grid.latitude, 0 * grid.height)
    middle = grid.sample.size // 2
    step = np.linalg.norm(ground[-1, middle] - ground[0, middle])
    spacing = step / (grid.line[-1] - grid.line[0])
    if abs(spacing / annotation.line_spacing - 1) > SPACING_TOLERANCE:
        raise ValueError(
            f"an azimuthPixelSpacing of {annotation.line_spacing:g} m does not fit the "
            f"geolocation grid, whose lines are {spacing:.2f} m apart"
        )


def _check_samples(annotation: "Annotation", radius: np.ndarray) -> None:
    """Samples are equally spaced on the ground: slant range and orbit tell, on a sphere.

    The processor lays it at the mean height along the line: on a plateau of 3000 m, as Greenland,
    samples of EW are 1.6 km off on the ellipsoid.
    """
    grid = annotation.grid
    height = np.broadcast_to(grid.height.mean(axis=1, keepdims=True), grid.height.shape)
    earth = np.linalg.norm(earth_fixed(grid.longitude, grid.latitude, height), axis=-1)
    slant = grid.slant_range_time * SPEED_OF_LIGHT / 2
    ground = earth * np.arccos((radius**2 + earth**2 - slant**2) / (2 * radius * earth))
    across = (ground[:, -1] - ground[:, 0]) / (grid.sample[-1] - grid.sample[0])
    if not (np.abs(across / annotation.sample_spacing - 1) < SPACING_TOLERANCE).all():
        raise ValueError(
            f"a rangePixelSpacing of {annotation.sample_spacing:g} m does not fit the "
            f"geolocation grid, whose samples are {across.mean():.2f} m apart"
        )
    straight = ground[:, :1] + (grid.sample - grid.sample[0]) * across[:, np.newaxis]
    limit = min(SAMPLE_TOLERANCE, 0.05 * np.ptp(ground))
    _agree("pixel", ground, straight, limit)


def _check_heading(annotation: "Annotation", satellite: np.ndarray, velocity: np.ndarray) -> None:
    """Heading and pass are the orbit's at one of the grid's lines: positions and velocities (n, 3).

    They are said once for an image. In a real EW product at 72 degrees north the heading turns by
    11 degrees on the way; at 82 it turns by 25, and the pass changes.
    """
    x, y, z = satellite.T
    longitude, latitude = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
    right = np.stack([-np.sin(longitude), np.cos(longitude), 0 * longitude], axis=-1)
    ahead = np.stack(
        [
            -np.sin(latitude) * np.cos(longitude),
            -np.sin(latitude) * np.sin(longitude),
            np.cos(latitude),
        ],
        axis=-1,
    )
    east, north = (velocity * right).sum(-1), (velocity * ahead).sum(-1)
    headings = np.degrees(np.arctan2(east, north))
    off = (annotation.heading - headings + 180) % 360 - 180
    if not np.abs(off).min() < HEADING_TOLERANCE:
        raise ValueError(
            f"a platformHeading of {annotation.heading:g} degrees is not the orbit's, "
            f"{headings[headings.size // 2]:.1f}"
        )
    directions = np.where(north > 0, "Ascending", "Descending")
    if annotation.orbit_pass not in directions:
        raise ValueError(f"the pass is {annotation.orbit_pass}, the orbit's {directions[0]}")


def _agree(name: str, one: np.ndarray, other: np.ndarray, limit: float, unit: str = "m") -> None:
    off = np.abs(one - other)
    # NaN, of an arc cosine, is not within a limit either.
    if not (off <= limit).all():
        raise ValueError(
            f"the geolocation grid does not fit the orbit: {name} is up to {off.max():.4g} "
            f"{unit} off"
        )


def at_times(orbit: "Orbit", time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (m) and velocities (m/s) at ``time`` (s): cubic between the state vectors.

    Both have the shape of ``time`` and a last axis of 3.
    """
    after = np.clip(np.searchsorted(orbit.time, time), 1, orbit.time.size - 1)
    step = (orbit.time[after] - orbit.time[after - 1])[..., np.newaxis]
    u = (time[..., np.newaxis] - orbit.time[after - 1][..., np.newaxis]) / step
    p0, p1 = orbit.position[after - 1], orbit.position[after]
    v0, v1 = orbit.velocity[after - 1] * step, orbit.velocity[after] * step
    # Hermite's polynomial: p0 + v0 u + b u^2 + c u^3.
    b = 3 * (p1 - p0) - 2 * v0 - v1
    c = 2 * (p0 - p1) + v0 + v1
    return p0 + u * (v0 + u * (b + u * c)), (v0 + u * (2 * b + 3 * u * c)) / step


def vertical(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Unit vectors upright on the WGS84 ellipsoid, Earth-fixed, on a new last axis of 3."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def earth_fixed(longitude: np.ndarray, latitude: np.ndarray, height: np.ndarray) -> np.ndarray:
    """WGS84 positions (degrees, m) as Earth-fixed x, y, z (m), on a new last axis of 3."""
    up = vertical(longitude, latitude)
    normal = _EQUATOR / np.sqrt(1 - _ECCENTRICITY * up[..., 2:] ** 2)
    flattened = _ECCENTRICITY * normal * np.array([0, 0, 1])
    return up * (normal + height[..., np.newaxis] - flattened)
