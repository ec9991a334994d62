"""`python -m sentinel1_demo_scenes`: make demo scenes along the coast of Brittany."""

import argparse
from datetime import datetime, timedelta
from pathlib import Path

from sentinel1_demo_scenes.geometry import GROUND_SPEED
from sentinel1_demo_scenes.product import (
    EDGES,
    MISSIONS,
    MODES,
    POLARISATIONS,
    PRODUCTS,
    Product,
)
from sentinel1_demo_scenes.scene import make_safe

# Longitude, latitude: at each of them coast and open sea are within 10 km. From south to north, as
# an ascending pass sees them.
_PLACES = (
    (-4.37, 47.82),  # Penmarc'h
    (-4.72, 48.04),  # Pointe du Raz
    (-4.72, 48.36),  # Pointe Saint-Mathieu, west of Brest
    (-5.09, 48.46),  # Ouessant
    (-4.00, 48.72),  # Roscoff, Ile de Batz
    (-3.48, 48.83),  # Perros-Guirec, Sept-Iles
)
_FIRST_START = {
    "S1A": datetime(2024, 3, 1, 18, 0, 0),
    "S1B": datetime(2021, 3, 1, 18, 0, 0),
    "S1C": datetime(2025, 6, 1, 18, 0, 0),
    "S1D": datetime(2026, 3, 1, 18, 0, 0),
}
_REPEAT_CYCLE = timedelta(days=12)
_METRES_PER_DEGREE = 111e3


def _scene(index: int, mission: str, at: tuple[float, float] | None) -> dict[str, object]:
    """Place and time of the scene of that number; after the last place comes the next pass"""
    places = (tuple(at),) if at else _PLACES
    cycle, place = divmod(index, len(places))
    longitude, latitude = places[place]
    metres = (latitude - places[0][1]) * _METRES_PER_DEGREE
    start = _FIRST_START[mission] + cycle * _REPEAT_CYCLE + timedelta(seconds=metres / GROUND_SPEED)
    return {"start": start, "longitude": longitude, "latitude": latitude}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sentinel1_demo_scenes",
        description="Make demo scenes: Sentinel-1 GRD SAFE folders of simulated sea, along an "
        "ascending pass over the coast of Brittany, and print their paths. Scenes that are already "
        "there are left as they are.",
    )
    parser.add_argument("folder", metavar="OUTPUT_FOLDER", type=Path, help="made if need be")
    parser.add_argument("--count", type=int, default=3, help="number of scenes (default: 3)")
    parser.add_argument(
        "--lines",
        type=int,
        default=Product.lines,
        help="lines (default: %(default)s; a real scene of IW GRDH has about 16700 of 10 m)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=Product.samples,
        help="samples (default: %(default)s; a real scene of IW GRDH has about 26000 of 10 m)",
    )
    parser.add_argument("--mode", choices=MODES, default="IW", help="default: %(default)s")
    parser.add_argument("--product", choices=PRODUCTS, help="default: GRDM for EW, else GRDH")
    parser.add_argument(
        "--polarisation",
        choices=POLARISATIONS.values(),
        default="DV",
        help="as in names: DV is VV+VH, DH is HH+HV, SV is VV, SH is HH (default: %(default)s)",
    )
    parser.add_argument("--mission", choices=MISSIONS, default="S1A", help="default: %(default)s")
    parser.add_argument(
        "--ipf",
        default=Product.ipf,
        help="version of the processor; noise looks otherwise before 002.90 (default: %(default)s)",
    )
    parser.add_argument(
        "--at",
        nargs=2,
        type=float,
        metavar=("LONGITUDE", "LATITUDE"),
        help="centre of all scenes, in degrees, instead of places along the coast of Brittany",
    )
    parser.add_argument(
        "--edges",
        choices=EDGES,
        default=Product.edges,
        help="of the swath in the image, outside of which there are zeros (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the speckle (default: 0)")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run the command line `arguments` (by default those of the process)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error("--count must be 1 at least")
    pols = {code: pols for pols, code in POLARISATIONS.items()}[options.polarisation]
    for index in range(options.count):
        parameters = {
            "mode": options.mode,
            "product": options.product or ("GRDM" if options.mode == "EW" else "GRDH"),
            "pols": pols,
            "mission": options.mission,
            "ipf": options.ipf,
            "lines": options.lines,
            "samples": options.samples,
            "seed": options.seed + index,
            "edges": options.edges,
            **_scene(index, options.mission, options.at),
        }
        try:
            safe = make_safe(options.folder, **parameters)
        except ValueError as error:
            parser.error(str(error))
        except FileExistsError as error:
            safe = error.args[0]
        print(safe, flush=True)


if __name__ == "__main__":
    main()
