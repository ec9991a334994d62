"""What stands round the panels of a quicklook: words, colour scales, a length, north."""

import datetime as dt
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xsar_batch.quicklook.scene import Scene
from xsar_batch.sentinel1 import product_name

# Pixels: at the edges of the picture and between panels; above and below the panels.
_MARGIN, _GAP = 20, 24
_ABOVE, _BELOW = 104, 54
_BAR, _ARROW = 12, 64

# Greys, of 255, and sizes of letters in pixels.
_INK, _FAINT, _PAPER = 30, 100, 255
_SMALL, _MIDDLE, _LARGE = 13, 16, 22

#: The arrow is drawn this much larger, and made smaller with soft edges.
_FINER = 4

#: Decibels between two numbers of a scale.
_TICK = 5


@dataclass(frozen=True)
class Box:
    """Where a panel is in the picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.left + self.width)

    @property
    def bar(self) -> slice:
        """Rows of the colour scale below it."""
        return slice(self.rows.stop + 12, self.rows.stop + 12 + _BAR)


def boxes(count: int, height: int, width: int) -> list[Box]:
    """Panels of the same size, side by side."""
    return [
        Box(_ABOVE, _MARGIN + number * (width + _GAP), height, width) for number in range(count)
    ]


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, laid out by Pillow itself: the same everywhere, and quicker."""
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
    return own.font_variant(layout_engine=ImageFont.Layout.BASIC)


def sheet(scene: Scene, boxes: list[Box]) -> Image.Image:
    """A sheet of paper, in greys, with title and arrow; as wide as panels and title need."""
    title, details = texts(scene)
    words = max(font(_LARGE).getlength(title), font(_SMALL).getlength(details))
    width = max(boxes[-1].columns.stop, round(words) + 4 * _ARROW) + _MARGIN
    paper = Image.new("L", (width, boxes[-1].rows.stop + _BELOW), _PAPER)
    pen = ImageDraw.Draw(paper)
    pen.text((_MARGIN, 14), title, _INK, font(_LARGE))
    pen.text((_MARGIN, 46), details, _FAINT, font(_SMALL))
    paper.paste(arrow(scene.north), (width - _MARGIN - _ARROW, 8))
    return paper


def texts(scene: Scene) -> tuple[str, str]:
    """Title, and the line below it."""
    longitude, latitude = scene.centre
    place = (
        f"{abs(latitude):.2f}° {'S' if latitude < 0 else 'N'}  "
        f"{abs(longitude):.2f}° {'W' if longitude < 0 else 'E'}"
    )
    if any(np.isnan(panel.db).any() for panel in scene.panels):
        place += "      striped: no data"
    pols = " ".join(panel.pol for panel in scene.panels)
    said = product_name.parse(scene.name)
    if said is None:
        return f"{scene.name}   {pols}", place
    start = dt.datetime.strptime(said["start"], "%Y%m%dT%H%M%S")
    kind = " ".join((said["mission"], said["mode"], said["product_type"].rstrip("_")))
    return f"{kind}   {start:%Y-%m-%d %H:%M:%S} UTC   {pols}", f"{scene.name}      {place}"


def draw_words(pen: ImageDraw.ImageDraw, box: Box, pol: str, scale: tuple[float, float]) -> None:
    """Name the panel and number its colour scale."""
    pen.text((box.left, box.top - 8), f"sigma0  {pol}", _INK, font(_MIDDLE), anchor="ls")
    lowest, highest = scale
    for db in np.arange(lowest, highest + _TICK, _TICK):
        x = box.left + (db - lowest) / (highest - lowest) * (box.width - 1)
        pen.line((x, box.bar.stop, x, box.bar.stop + 4), _INK)
        # The outer ones stay within the panel's width.
        anchor = {lowest: "lt", highest: "rt"}.get(db, "mt")
        number = f"{db:.0f} dB" if db == highest else f"{db:.0f}"
        pen.text((x, box.bar.stop + 8), number, _INK, font(_SMALL), anchor=anchor)


def draw_length(pen: ImageDraw.ImageDraw, boxes: list[Box], metres: float) -> None:
    """Draw a round length, left of the arrow; ``metres`` is the size of a pixel."""
    longest = min(boxes[0].width / 3, 200) * metres
    length = 10.0 ** math.floor(math.log10(longest))
    length *= max(digit for digit in (1, 2, 5) if digit * length <= longest)
    right = pen.im.size[0] - _MARGIN - _ARROW - 12
    left = right - length / metres
    pen.line([(left, 42), (left, 48), (right, 48), (right, 42)], _INK)
    text = f"{length / 1000:.0f} km" if length >= 1000 else f"{length:.0f} m"
    pen.text(((left + right) / 2, 40), text, _INK, font(_SMALL), anchor="ms")


def arrow(north: float) -> Image.Image:
    """An arrow that points ``north`` degrees to the right of straight up, its left half dark."""
    size = _ARROW * _FINER
    large = Image.new("L", (size, size), _PAPER)
    pen = ImageDraw.Draw(large)
    sine, cosine = math.sin(math.radians(north)), math.cos(math.radians(north))

    def at(right: float, up: float) -> tuple[float, float]:
        """A point of the arrow, in halves of the sheet from its centre."""
        x, y = right * cosine + up * sine, up * cosine - right * sine
        return size / 2 * (1 + x), size / 2 * (1 - y)

    for side, fill in ((-1, _INK), (1, _PAPER)):
        pen.polygon([at(0, 0.5), at(side * 0.3, -0.7), at(0, -0.45)], fill, _INK, width=_FINER)
    pen.text(at(0, 0.75), "N", _INK, font(_SMALL * _FINER), anchor="mm")
    return large.resize((_ARROW, _ARROW), Image.Resampling.BOX)


def warm_up() -> None:
    """Load the fonts: in a process whose forks draw, once for all of them."""
    for size in (_SMALL, _MIDDLE, _LARGE, _SMALL * _FINER):
        font(size).getlength("N")
