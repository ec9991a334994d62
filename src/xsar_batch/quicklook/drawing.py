"""Drawing a quicklook, with numpy and Pillow.

matplotlib 3.11 takes 0.24 s of CPU for two such panels, ten times as much, and 0.38 s to import.

The scales are fixed, so that scenes compare. They hold what winds make of the sea:

- Co-polarised, -30 to 0 dB. CMOD5.N (Hersbach 2010) gives VV -29 dB (2 m/s at 46 degrees of
  incidence, across the wind) to -4 dB (25 m/s at 30 degrees, upwind); HH is up to 4.4 dB lower
  (``gmf_cmod5n_pr_zhangA``).
- Cross-polarised, -35 to -10 dB. Sentinel-1's VH is -35 dB at 7 m/s, where it meets the noise, and
  -15 dB at 70 m/s (both at 30 degrees; ``gmf_s1_v2``).

All as xsarsea 2.1.2 has them.
"""

import numpy as np
from PIL import Image, ImageDraw

from xsar_batch.quicklook import frame, palette
from xsar_batch.quicklook.scene import Panel, Scene

#: Scales in dB: see above.
CO_POL, CROSS_POL = (-30.0, 0.0), (-35.0, -10.0)

#: Pixels along the longer side of a panel, about: the cells of a small one are enlarged.
SIDE = 800


def scale_of(panel: Panel) -> tuple[float, float]:
    """Lowest and highest value in dB that have colours of their own."""
    return CROSS_POL if panel.is_cross else CO_POL


def draw(scene: Scene) -> Image.Image:
    """The whole picture, of pixels that are indices of the palette."""
    rows, columns = scene.panels[0].db.shape
    times = max(1, round(SIDE / max(rows, columns)))
    boxes = frame.boxes(len(scene.panels), rows * times, columns * times)
    ink = frame.sheet(scene, boxes)
    pen = ImageDraw.Draw(ink)
    frame.draw_length(pen, boxes, scene.metres / times)
    for box, panel in zip(boxes, scene.panels, strict=True):
        frame.draw_words(pen, box, panel.pol, scale_of(panel))
    # Drawn in 256 greys; those of the palette are fewer.
    picture = palette.BLACK + (np.asarray(ink) >> 4)

    edges = {} if scene.land is None else land_edges(_enlarged(scene.land, times))
    for box, panel in zip(boxes, scene.panels, strict=True):
        pixels = picture[box.rows, box.columns]
        pixels[:] = _enlarged(palette.of_decibels(panel.db, scale_of(panel)), times)
        stripe(pixels)
        for index, edge in edges.items():
            pixels[edge] = index
        picture[box.bar, box.columns] = np.linspace(0, palette.COLOURS - 1, box.width)
    image = Image.fromarray(picture, "P")
    image.putpalette(palette.palette().tobytes())
    return image


def stripe(pixels: np.ndarray) -> None:
    """Stripe the pixels without data."""
    row, column = np.nonzero(pixels == palette.NO_DATA)
    dark = (row + column) % 8 < 2
    pixels[row[dark], column[dark]] = palette.NO_DATA_STRIPE


def land_edges(land: np.ndarray) -> dict[int, np.ndarray]:
    """Index of the palette -> pixels: a white line on land where sea begins, a black one beside it.

    Two lines, since no single colour stands out from all of sigma0's.
    """
    sea = ~land
    return {palette.LAND_SIDE: land & _beside(sea), palette.SEA_SIDE: sea & _beside(land)}


def _beside(mask: np.ndarray) -> np.ndarray:
    """Pixels that have one of ``mask`` above, below, to the left or to the right."""
    near = np.zeros_like(mask)
    near[1:] |= mask[:-1]
    near[:-1] |= mask[1:]
    near[:, 1:] |= mask[:, :-1]
    near[:, :-1] |= mask[:, 1:]
    return near


def _enlarged(cells: np.ndarray, times: int) -> np.ndarray:
    return cells.repeat(times, axis=0).repeat(times, axis=1)
