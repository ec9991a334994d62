"""The colours of a quicklook: a palette, so that a pixel is a byte.

sigma0 goes through viridis (Smith and van der Walt 2015, CC0): its lightness rises evenly with the
value, also for eyes that do not tell red from green, and on a printer without colours.
"""

import numpy as np

#: Colours of sigma0, indices 0 to COLOURS - 1: on a scale of 30 dB, one for each quarter of a dB.
#: Twice as many look the same, and make the file a quarter larger.
COLOURS = 120

#: Index of black, from which greys lead up to white: what is written and drawn round the panels.
BLACK = COLOURS
WHITE = BLACK + 15

#: Indices of no data, which is striped in two light greys, and of both sides of the edge of land.
NO_DATA, NO_DATA_STRIPE, LAND_SIDE, SEA_SIDE = range(WHITE + 1, WHITE + 5)

_OTHERS = {NO_DATA: "e4e4e4", NO_DATA_STRIPE: "bdbdbd", LAND_SIDE: "ffffff", SEA_SIDE: "000000"}

# 33 colours of viridis at even distances. Those between lie within 2 of 255 of a straight line.
_VIRIDIS = """
    440154 470d60 48186a 482374 472d7b 453681 424086 3f4989 3b528b 375a8d 33638d
    2f6a8e 2c728e 297a8e 26818e 23898e 21908c 1f988b 1f9f88 21a685 28ae80 31b57b
    3ebc74 4cc26c 5dc963 6ece58 82d34c 96d83f abdc32 c0df24 d5e21a eae51a fde725
"""


def palette() -> np.ndarray:
    """Red, green and blue of each index: (indices, 3), uint8."""
    colours = np.zeros((SEA_SIDE + 1, 3))
    known = np.array([list(bytes.fromhex(colour)) for colour in _VIRIDIS.split()])
    place = np.linspace(0, len(known) - 1, COLOURS)
    for channel in range(3):
        colours[:COLOURS, channel] = np.interp(place, np.arange(len(known)), known[:, channel])
    colours[BLACK : WHITE + 1] = np.linspace(0, 255, WHITE + 1 - BLACK)[:, None]
    for index, colour in _OTHERS.items():
        colours[index] = list(bytes.fromhex(colour))
    return np.rint(colours).astype("uint8")


def of_decibels(db: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Index of each value's colour on a scale (lowest, highest) in dB, as uint8.

    What is off the scale takes the colour of its end; NaN is no data.
    """
    lowest, highest = scale
    empty = np.isnan(db)
    place = np.clip((np.where(empty, lowest, db) - lowest) / (highest - lowest), 0, 1)
    index = np.minimum(place * COLOURS, COLOURS - 1).astype("uint8")
    index[empty] = NO_DATA
    return index
