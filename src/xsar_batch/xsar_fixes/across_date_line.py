"""xsar takes a scene across 180 degrees of longitude for one round the rest of the Earth.

``Sentinel1Meta.geoloc`` makes the footprint, and the affine transform from which heading and land
mask are worked out, of longitudes that jump from 180 to -180. The footprint runs the long way
round then, ``ground_heading`` is up to 100 degrees off, and ``land_mask`` is 0 everywhere. Also,
``_dict_coords2ll`` makes the longitudes go on to 360 in place, after which the scene does not count
as crossing any more, and the same object gives longitudes beyond 180.

Present in xsar 2026.8.31; no report of it was found.

Here, in such a scene, shapes have longitudes that go on (0 to 360) as long as xsar works with them:
``Sentinel1Meta.footprint`` and what ``coords2ll`` makes of shapes. So they stay
polygons, as ``mapraster`` needs them (it takes longitudes modulo 360). The Dataset's attribute
``footprint`` is cut at 180 degrees into a MultiPolygon, as RFC 7946 (3.1.9) recommends, and as GIS
programs and catalogues take it. ``longitude`` stays within -180 and 180.
"""

from typing import Any

import numpy as np
import rasterio.transform
import shapely
from affine import Affine
from rasterio.control import GroundControlPoint
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient
from xsar.sentinel1_dataset import Sentinel1Dataset
from xsar.sentinel1_meta import Sentinel1Meta

from xsar_batch.xsar_fixes.patch import Patch

#: Steps in which line and sample of a position are found; xsar takes one.
STEPS = 4

#: Longest edge, in pixels, of a shape that becomes one in longitude and latitude, where it bends.
EDGE = 500

#: West and east of 180 degrees, with the degrees by which the second is counted on.
_HALVES = ((shapely.box(0, -90, 180, 90), 0), (shapely.box(180, -90, 360, 90), 360))


def parts(shape: BaseGeometry) -> list[tuple[BaseGeometry, int]]:
    """A shape with longitudes from 0 to 360, cut at 180 and brought within -180 and 180: its parts,
    each with the degrees that bring it back."""
    cut = [(shape.intersection(half), turn) for half, turn in _HALVES]
    return [(_moved(part, -turn), turn) for part, turn in cut if not part.is_empty]


def _cut(shape: BaseGeometry) -> MultiPolygon:
    """A polygon with longitudes from 0 to 360 as one with a part on each side of 180."""
    return MultiPolygon([orient(part) for part, _ in parts(shape)])


def _moved(shape: BaseGeometry, degrees: float) -> BaseGeometry:
    return shapely.transform(shape, lambda points: points + np.array([degrees, 0]))


# -- what is replaced; `_PLAIN` is what comes with xsar --------------------------------------


def _cross_antimeridian(self: Sentinel1Meta) -> bool:
    """Whether longitudes jump, or did so before they were made to go on."""
    longitude = self.geoloc["longitude"].values
    return bool(np.ptp(longitude) > 180 or longitude.max() > 180)


def _footprint(self: Sentinel1Meta) -> BaseGeometry:
    """The outline of the annotation's grid: between four corners alone, an EW scene at high
    latitudes lacks up to a twentieth of its cells."""
    if not _crosses(self):
        return _PLAIN[Sentinel1Meta, "footprint"].fget(self)
    longitude, latitude = (self.geoloc[name].values for name in ("longitude", "latitude"))
    places = np.stack([longitude % 360, latitude], axis=-1)
    sides = (places[0], places[1:, -1], places[-1, -2::-1], places[-2:0:-1, 0])
    return Polygon(np.concatenate(sides))


def _to_dict(self: Sentinel1Meta, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """What becomes attributes of the Dataset."""
    known = _PLAIN[Sentinel1Meta, "to_dict"](self, *args, **kwargs)
    if "footprint" in known and _crosses(self):
        known["footprint"] = _cut(known["footprint"])
    return known


def _approx_transform(self: Sentinel1Meta) -> Affine:
    if not self.cross_antimeridian:
        return _PLAIN[Sentinel1Meta, "approx_transform"].fget(self)
    if "_approx_unwrapped" not in self.__dict__:
        grid = self.geoloc
        lines, samples = np.meshgrid(grid.line.values, grid.sample.values, indexing="ij")
        places = (lines, samples, grid.longitude.values % 360, grid.latitude.values)
        self._approx_unwrapped = rasterio.transform.from_gcps(
            [
                # xsar takes rows for samples and columns for lines.
                GroundControlPoint(row=sample, col=line, x=x, y=y)
                for line, sample, x, y in zip(*(p.ravel().tolist() for p in places), strict=True)
            ]
        )
    return self._approx_unwrapped


def _coords2ll_shapely(self: Sentinel1Meta, shape: BaseGeometry, approx: bool = False) -> Any:
    if approx or not self.cross_antimeridian:
        return _PLAIN[Sentinel1Meta, "_coords2ll_shapely"](self, shape, approx)

    def place(points: np.ndarray) -> np.ndarray:
        longitude, latitude = self.coords2ll(points[:, 0], points[:, 1])
        return np.stack([longitude % 360, latitude], axis=-1)

    return shapely.transform(shapely.segmentize(shape, EDGE), place)


def _ll2coords(self: Sentinel1Meta, *args: Any) -> Any:
    if isinstance(args[0], BaseGeometry) or not self.cross_antimeridian:
        return _PLAIN[Sentinel1Meta, "ll2coords"](self, *args)
    longitude, latitude = (np.asarray(values, dtype=float) for values in args)
    wanted = ~self.approx_transform * (longitude % 360, latitude)
    last = self.geoloc.line.values[-1], self.geoloc.sample.values[-1]
    place = wanted
    for _ in range(STEPS):
        # Beyond the grid nothing is known, and positions stay those of its edge.
        place = [np.clip(at, 0, end) for at, end in zip(place, last, strict=True)]
        there = self.coords2ll(*place)
        found = ~self.approx_transform * (there[0] % 360, there[1])
        place = [at + want - is_ for at, want, is_ in zip(place, wanted, found, strict=True)]
    return tuple(place)


def _geometry(self: Sentinel1Dataset) -> BaseGeometry:
    if not self.sar_meta.cross_antimeridian:
        return _PLAIN[Sentinel1Dataset, "geometry"].fget(self)
    return self.sar_meta.coords2ll(Polygon(self._bbox_coords))


def _dataset_footprint(self: Sentinel1Dataset) -> BaseGeometry:
    """What becomes an attribute when the Dataset is cut by its user."""
    return _cut(self.geometry) if self.sar_meta.cross_antimeridian else self.geometry


def _crosses(meta: Sentinel1Meta) -> bool:
    return not meta.multidataset and meta.cross_antimeridian


PATCHES = (
    Patch(Sentinel1Meta, "cross_antimeridian", property(_cross_antimeridian)),
    Patch(Sentinel1Meta, "footprint", property(_footprint)),
    Patch(Sentinel1Meta, "to_dict", _to_dict),
    Patch(Sentinel1Meta, "approx_transform", property(_approx_transform)),
    Patch(Sentinel1Meta, "_coords2ll_shapely", _coords2ll_shapely),
    Patch(Sentinel1Meta, "ll2coords", _ll2coords),
    Patch(Sentinel1Dataset, "geometry", property(_geometry)),
    Patch(Sentinel1Dataset, "footprint", property(_dataset_footprint)),
)

_PLAIN = {(patch.owner, patch.name): patch.plain for patch in PATCHES}
