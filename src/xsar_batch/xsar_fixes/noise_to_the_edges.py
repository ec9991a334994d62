"""xsar knows no noise along azimuth between and beyond the annotation's blocks.

Since IPF 2.90 noise is annotated in blocks: a sub-swath between two lines and two samples. Cells
whose centre no block holds get a ``sigma0`` that is NaN. Where blocks end a few lines or samples
before the image, or before the next block, those are whole rows and columns at the edges.

Present in xsar 2026.8.31; no report of it was found.

Here blocks are made to reach further where the annotation says enough:

- Across track to the image's edge, and half way to the next block: the factor is that of a
  sub-swath at a time, whatever the sample.
- Along track, up to the image's edge or the next block, over the lines for which the block's own
  list has values, and one step of this list beyond, where xsar goes on as the list ends.

Where that does not help, NaN stays, and ``quality_flag`` says ``noise_unknown``.
"""

from collections.abc import Sequence
from functools import wraps

import numpy as np
from safe_s1.reader import Sentinel1Reader

_plain = Sentinel1Reader.get_noise_azi_initial_parameters


@wraps(_plain)
def _get_noise_azi_initial_parameters(self, pol):
    known = _plain(self, pol)
    if "GRD" not in self.product or known is None or not len(known[0]):
        return known
    swaths, lines, *edges, luts = known
    image = self.datatree["image"]  # not `self.image`, which is made anew each time
    size = int(image["numberOfLines"]), int(image["numberOfSamples"])
    return swaths, lines, *reaching(np.array(edges, dtype=int), lines, size), luts


def reaching(
    edges: np.ndarray, lines: Sequence[np.ndarray], size: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """Edges of blocks that reach as far as is known.

    Parameters
    ----------
    edges
        First and last line, first and last sample of each block, (4, blocks).
    lines
        For each block, the lines for which it has values.
    size
        Lines and samples of the image.
    """
    top, bottom, left, right = edges
    left, right = _filled(left, right, (top, bottom), size[1])
    first, last = _filled(top, bottom, (left, right), size[0])
    steps = [np.diff(of) if len(of) > 1 else [0] for of in lines]
    earliest = [of[0] - step[0] for of, step in zip(lines, steps, strict=True)]
    latest = [of[-1] + step[-1] for of, step in zip(lines, steps, strict=True)]
    top = np.minimum(top, np.maximum(first, earliest))
    bottom = np.maximum(bottom, np.minimum(last, latest))
    return top, bottom, left, right


def _filled(
    low: np.ndarray, high: np.ndarray, across: tuple[np.ndarray, np.ndarray], length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of blocks along one axis, moved to the ends of that axis, or half way to the next block
    that shares some of what they have ``across``."""
    beside = (across[0] <= across[1][:, np.newaxis]) & (across[1] >= across[0][:, np.newaxis])
    after = beside & (low > high[:, np.newaxis])
    following = np.where(after, low, length).min(axis=1)
    preceding = np.where(beside & (high < low[:, np.newaxis]), high, -1).max(axis=1)
    gap_before, gap_after = low - preceding - 1, following - high - 1
    return (
        low - np.where(preceding < 0, gap_before, gap_before - gap_before // 2),
        high + np.where(following == length, gap_after, gap_after // 2),
    )


def apply() -> None:
    """Wrap ``Sentinel1Reader.get_noise_azi_initial_parameters``."""
    Sentinel1Reader.get_noise_azi_initial_parameters = _get_noise_azi_initial_parameters


def remove() -> None:
    """Undo :func:`apply`."""
    Sentinel1Reader.get_noise_azi_initial_parameters = _plain
