"""Fixtures that several test files share: small demo scenes and a small land mask."""

import datetime as dt
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import sentinel1_demo_scenes as demo
from fault_helpers import Traces
from land import LAND
from plan_helpers import config, layout, ready

from xsar_batch.landmask import polygons

__all__ = ["config", "layout", "ready"]

# A shell that starts this in the background ignores Ctrl-C for it, and so would all that the tests
# start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``scene(number)``: a whole small SAFE (2 MB, 7 x 8 cells), made once; not to be changed.

    Each ``number`` is another acquisition, with another name. Keywords are those of
    `demo.make_safe`. Copy it with `safes.copy_safe` to break it.
    """
    made: dict[tuple, Path] = {}

    def make(number: int = 0, **parameters: object) -> Path:
        key = (number, *sorted(parameters.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("scene")
            start = dt.datetime(2024, 3, 1, 18) + dt.timedelta(minutes=number)
            made[key] = demo.make_safe(
                folder, **{"lines": 700, "samples": 800, "start": start, **parameters}
            )
        return made[key]

    return make


@pytest.fixture(scope="session")
def land_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Land polygons as a user has them: one rectangle, as GeoJSON."""
    path = tmp_path_factory.mktemp("land") / "land.geojson"
    geometry = {"type": "Polygon", "coordinates": [LAND]}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


@pytest.fixture(scope="session")
def land_mask_file(land_source: Path) -> Path:
    """The same as the rule `land_mask` makes it; the packaged coastline would take 15 s."""
    path = land_source.with_name("land.fgb")
    polygons.build(land_source, path)
    return path


@pytest.fixture
def traces(tmp_path):
    """What processes that a test starts leave behind; they are ended with it."""
    made = Traces(tmp_path)
    yield made
    made.end()
