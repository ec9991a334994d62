"""How bright a demo scene is: sigma0, calibration, noise and the digital numbers they make."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import RectBivariateSpline

from sentinel1_demo_scenes.product import Block, Product

LOOKS = 4.4
"""Equivalent number of looks of the speckle: IW GRDH, Product Definition S1-RS-MDA-52-7440"""
BORDER_TOP, BORDER_NEAR, BORDER_FAR = 30, 80, 60
"""First lines, near-range and far-range samples without data (DN 0); see `border`"""
CHECKERBOARD_CELL = 100
"""Pixels along a side of the checkerboard's cells"""
CHECKERBOARD_VALUES = (100, 300)
"""DN of the cell in the corner of line 0 and sample 0, and of its neighbours"""

_VECTOR_SECONDS = 1.0
_PIXEL_STEP, _LINE_STEP = 40, 10  # between LUT values, as in real products
_BETA_NOUGHT = 237.0  # makes sigmaNought 333 at 30.5 degrees of incidence and 280 at 46
_BURST_SECONDS = 2.758  # cycle of the bursts of IW
_BLOCK, _STEP = 256, 8  # rows made at a time, rows between those computed in full


def is_cross(pol: str) -> bool:
    """Whether transmitted and received polarisations differ."""
    return pol[0] != pol[1]


def border(lines: int, samples: int) -> tuple[int, int, int]:
    """No-data lines at the start, samples at near and at far range, of an image of that size.

    `BORDER_TOP`, `BORDER_NEAR` and `BORDER_FAR`, but at most 1/25 of the image: always within the
    first 100 lines and the first 100 and last 60 samples.
    """
    return (
        min(BORDER_TOP, lines // 25),
        min(BORDER_NEAR, samples // 25),
        min(BORDER_FAR, samples // 25),
    )


def ends(product: Product) -> tuple[np.ndarray, np.ndarray]:
    """First and last sample of the swath on each line; the first is the larger where it has none.

    "straight" edges leave the `border` out. "stepped" ones are like those of real products at the
    start and the end of a data take: near and far range move in steps, and slant in between, and
    sub-swaths begin and end one after the other, from near to far range, a top border apart, of
    which the annotation says nothing. "staggered" ones are those of `Product.blocks`, without the
    near and far border.
    """
    top, near, far = border(*product.size)
    line = np.arange(product.lines)
    if product.edges == "staggered":
        return _staggered_ends(product, near, far)
    if product.edges == "straight":
        first = np.where(line < top, product.samples, near)
        return first, np.full(product.lines, product.samples - 1 - far)
    step, slant = 5 * line // product.lines, line % max(1, product.lines // 5) // 40
    first = near * (1 + step % 3) + slant
    last = product.samples - 1 - far * (1 + (step + 1) % 3) - slant
    for index, swath in enumerate(product.swaths):
        later = len(product.swaths) - 1 - index
        last = np.where(line < top * index, np.minimum(last, swath.first - 1), last)
        ended = line >= product.lines - top * later
        first = np.where(ended, np.maximum(first, swath.last + 1), first)
    return first, last


def _staggered_ends(product: Product, near: int, far: int) -> tuple[np.ndarray, np.ndarray]:
    first = np.full(product.lines, product.samples)
    last = np.full(product.lines, -1)
    for swath, begin, end in product.blocks or [Block(product.swaths[0], 0, product.lines - 1)]:
        rows = np.s_[begin : end + 1]
        first[rows] = np.minimum(first[rows], max(swath.first, near))
        last[rows] = np.maximum(last[rows], min(swath.last, product.samples - 1 - far))
    return first, last


def true_sigma0(
    pol: str, line: np.ndarray, sample: np.ndarray, *, lines: int, samples: int
) -> np.ndarray:
    """Linear sigma0 of a "sea" scene at fractional `line` and `sample`, broadcast together.

    Smooth in both directions and the same for every seed: -6 to -16 dB for VV and HH, -18 to
    -26 dB for VH and HV, falling with range.
    """
    x = np.asarray(sample, dtype=float) / samples
    y = np.asarray(line, dtype=float) / lines
    level = -19 - 6 * x if is_cross(pol) else -7 - 8 * x
    wave = np.sin(6 * np.pi * x) * np.cos(4 * np.pi * y)
    return 10 ** ((level + wave) / 10)


@dataclass(frozen=True)
class Luts:
    """The look-up tables of one polarisation, as its calibration and noise files hold them.

    The values of vectors have the shape (vectors, pixels).
    """

    product: Product
    pol: str

    @property
    def _vector_step(self) -> int:
        return max(1, round(_VECTOR_SECONDS / self.product.line_interval))

    @cached_property
    def lines(self) -> np.ndarray:
        """Lines of the calibration vectors; the last may lie beyond the image, as in products."""
        step = self._vector_step
        return np.arange(0, self.product.lines - 1 + step, step)

    @cached_property
    def noise_lines(self) -> np.ndarray:
        """Lines of the noise range vectors: never beyond the image."""
        return np.append(self.lines[:-1], self.product.lines - 1)

    @cached_property
    def pixels(self) -> np.ndarray:
        """Pixels of all vectors."""
        return np.append(
            np.arange(0, self.product.samples - 1, _PIXEL_STEP), self.product.samples - 1
        )

    def _incidence(self, lines: np.ndarray) -> np.ndarray:
        points = self.product.geometry.locate(lines[:, None], self.pixels[None, :])
        return np.radians(points.incidence)

    @property
    def beta_nought(self) -> np.ndarray:
        """Calibration vectors of beta0 and of DN: constant."""
        return np.full((self.lines.size, self.pixels.size), _BETA_NOUGHT)

    @cached_property
    def sigma_nought(self) -> np.ndarray:
        """Calibration vectors of sigma0: sigma0 = beta0 sin(incidence) = DN^2 / A^2."""
        return _BETA_NOUGHT / np.sqrt(np.sin(self._incidence(self.lines)))

    @cached_property
    def gamma(self) -> np.ndarray:
        """Calibration vectors of gamma0 = sigma0 / cos(incidence)."""
        return _BETA_NOUGHT / np.sqrt(np.tan(self._incidence(self.lines)))

    @cached_property
    def noise_range(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Noise range vectors, pixels and DN^2 of each.

        -28 dB of sigma0 amid each sub-swath, -23 dB at its edges, and 0.5 dB more for the
        co-polarised channel. There is a pixel at each edge of a sub-swath, as in real ones, and 0
        where a sub-swath has not begun or has ended. Where edges move, every second vector, from
        the first, has two pixels more in near range, and 1 dB more of noise: real ones differ from
        one another too.
        """
        return [self._noise_vector(index, line) for index, line in enumerate(self.noise_lines)]

    def _noise_vector(self, index: int, line: int) -> tuple[np.ndarray, np.ndarray]:
        pixels, is_other = self.pixels, self.product.moves_edges and index % 2 == 0
        if is_other:
            pixels = np.union1d(pixels, pixels[1] + np.array([1, 2]))
        swaths = [block.swath for block in self._blocks if block.has_line(line)]
        pixels = np.union1d(pixels, [edge for _, *edges in swaths for edge in edges])
        db = np.full(pixels.size, -np.inf)
        for swath in swaths:
            inside = (pixels >= swath.first) & (pixels <= swath.last)
            middle, half = (swath.first + swath.last) / 2, (swath.last - swath.first) / 2
            db[inside] = 5 * ((pixels[inside] - middle) / half) ** 2
        db += (-28.0 if is_cross(self.pol) else -27.5) + is_other
        incidence = np.radians(self.product.geometry.locate(line, pixels).incidence)
        return pixels, _BETA_NOUGHT**2 / np.sin(incidence) * 10 ** (db / 10)

    @property
    def noise_unit(self) -> float:
        """What noise is divided by to be annotated.

        Before IPF 2.50 real annotations say 1e-9 and the like (S1A, October 2014, IPF 2.36).
        """
        return 1e12 if float(self.product.ipf) < 2.5 else 1.0

    def noise_azimuth(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Noise azimuth vector, lines and factors: 1 to 1.12, it scallops with bursts.

        A little less in the co-polarised channel.
        """
        inner = np.arange(-(-block.first_line // _LINE_STEP), block.last_line // _LINE_STEP + 1)
        lines = np.union1d([block.first_line, block.last_line], inner * _LINE_STEP)
        phase = lines * self.product.line_interval / _BURST_SECONDS + int(block.swath.name[-1]) / 3
        depth = 0.12 if is_cross(self.pol) else 0.1
        return lines, 1 + depth * (2 * (phase % 1) - 1) ** 2

    @property
    def _blocks(self) -> list[Block]:
        """Those of the image, and one for stripmap."""
        return self.product.blocks or [Block(self.product.swaths[0], 0, self.product.lines - 1)]

    @cached_property
    def _calibration(self) -> RectBivariateSpline:
        return RectBivariateSpline(self.lines, self.pixels, self.sigma_nought, kx=1, ky=1)

    @cached_property
    def _noise_across(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By sub-swath, lines of its noise vectors and their values at all samples of the image.

        Vectors belong to the sub-swath's block at their line; beyond its edges the values there
        hold (MPC-0392). Before IPF 2.90 there is only one image.
        """
        samples = np.arange(self.product.samples)
        if self.product.has_early_noise:
            everywhere = np.array([np.interp(samples, *vector) for vector in self.noise_range])
            return {block.swath.name: (self.noise_lines, everywhere) for block in self._blocks}
        found: dict[str, tuple[list[int], list[np.ndarray]]] = {}
        for block in self._blocks:
            lines, across = found.setdefault(block.swath.name, ([], []))
            within = np.clip(samples, block.swath.first, block.swath.last)
            for line, vector in zip(self.noise_lines, self.noise_range, strict=True):
                if block.has_line(line):
                    lines.append(line)
                    across.append(np.interp(within, *vector))
        return {name: (np.array(at), np.array(across)) for name, (at, across) in found.items()}

    def _noise(self, block: Block, lines: np.ndarray) -> np.ndarray:
        """Noise in DN^2 of a block, (lines, samples of its sub-swath)."""
        columns = np.s_[block.swath.first : block.swath.last + 1]
        at, across = self._noise_across[block.swath.name]
        across = across[:, columns]
        position = np.interp(lines, at, np.arange(len(at)))
        before = np.minimum(position.astype(int), max(len(at) - 2, 0))
        later = (position - before)[:, None]
        after = np.minimum(before + 1, len(at) - 1)
        noise = across[before] * (1 - later) + across[after] * later
        # Stripmap has no noise azimuth vectors: nothing scallops there.
        if not self.product.is_merged or self.product.has_early_noise:
            return noise
        return noise * np.interp(lines, *self.noise_azimuth(block))[:, None]

    def power(self, line: np.ndarray) -> np.ndarray:
        """Mean of DN^2 on whole image rows, shape (line, samples): sigma0 A^2 + noise."""
        product = self.product
        sample = np.arange(product.samples)
        power = true_sigma0(
            self.pol, line[:, None], sample[None, :], lines=product.lines, samples=product.samples
        )
        power *= self._calibration(line, sample) ** 2
        ends = {block.swath.name: block for block in self._blocks}
        for block in self._blocks:
            # Lines beyond those of a sub-swath may be asked for: of them its last block is.
            is_last = block == ends[block.swath.name]
            rows = (line >= block.first_line) & ((line <= block.last_line) | is_last)
            if rows.any():
                columns = np.s_[block.swath.first : block.swath.last + 1]
                power[rows, columns] += self._noise(block, line[rows])
        return power


def _sea(product: Product, pol: str) -> Iterator[tuple[int, np.ndarray]]:
    luts = Luts(product, pol)
    # SFC64 is the fastest generator numpy has; a stream of its own for each polarisation.
    stream = np.random.SeedSequence([product.seed, product.pols.index(pol)])
    random = np.random.Generator(np.random.SFC64(stream))
    begin, end = ends(product)
    sample = np.arange(product.samples)
    for first in range(0, product.lines, _BLOCK):
        knots = luts.power(np.arange(first, first + _BLOCK + 1, _STEP)).astype(np.float32)
        rows = np.empty((_BLOCK, product.samples), np.float32)
        slope = np.diff(knots, axis=0) / np.float32(_STEP * LOOKS)
        start = knots[:-1] / np.float32(LOOKS)
        for k in range(_STEP):
            rows[k::_STEP] = start + np.float32(k) * slope
        rows = rows[: product.lines - first]
        rows *= random.standard_gamma(LOOKS, size=rows.shape, dtype=np.float32)
        np.sqrt(rows, out=rows)
        np.rint(rows, out=rows)
        np.clip(rows, 1, 65535, out=rows)
        numbers = rows.astype(np.uint16)
        here = np.s_[first : first + len(numbers), np.newaxis]
        numbers[(sample < begin[here]) | (sample > end[here])] = 0
        yield first, numbers


def _checkerboard(product: Product) -> Iterator[tuple[int, np.ndarray]]:
    values = np.array(CHECKERBOARD_VALUES, np.uint16)
    column = np.arange(product.samples) // CHECKERBOARD_CELL
    for first in range(0, product.lines, _BLOCK):
        row = np.arange(first, min(first + _BLOCK, product.lines)) // CHECKERBOARD_CELL
        yield first, values[(row[:, None] + column[None, :]) % 2]


def digital_numbers(product: Product, pol: str) -> Iterator[tuple[int, np.ndarray]]:
    """The image of a polarisation, from the top: (first line, uint16 block of some whole lines).

    "sea": DN = sqrt((sigma0 A^2 + noise) speckle), 1 at least, between the `ends` of each line and
    0 outside.
    "checkerboard": exactly `CHECKERBOARD_VALUES`, without speckle, noise or border.
    """
    return _sea(product, pol) if product.pixels == "sea" else _checkerboard(product)
