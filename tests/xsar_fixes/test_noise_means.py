"""Noise of cells against the sum over their pixels, one by one."""

import numpy as np
import pytest

from xsar_batch.xsar_fixes import noise_means
from xsar_batch.xsar_fixes.noise_means import Block, Cells, Vector


def block(swath, first, last, near, far, factors=(1.0, 1.0)):
    return Block(swath, np.array([first, last]), first, last, near, far, np.array(factors))


def vector(line, *points):
    pixels, values = np.array(points, float).T
    return Vector(line, pixels.astype(int), values)


#: IW1 has ended when the last vector comes, IW2 begins after the first, and its near edge moves.
BLOCKS = [
    block("IW1", 0, 59, 0, 39, (1.0, 1.2)),
    block("IW2", 20, 59, 40, 79, (1.1, 1.0)),
    block("IW2", 60, 99, 37, 79, (1.0, 1.3)),
]
VECTORS = [
    vector(0, (0, 5), (39, 8), (40, 0), (79, 0)),
    vector(30, (0, 6), (39, 9), (40, 20), (60, 12), (79, 30)),
    vector(62, (0, 0), (36, 0), (37, 24), (79, 31)),
    vector(99, (0, 0), (36, 0), (37, 26), (50, 12), (79, 33)),
]


def noise_of_pixel(line, sample):
    """As the definition says it, with nothing in common with the module."""
    for swath, _, first, last, near, far, factors in BLOCKS:
        if first <= line <= last and near <= sample <= far:
            own = []
            for at, pixels, values in VECTORS:
                for other in BLOCKS:
                    if other.swath == swath and other.first <= at <= other.last:
                        inside = min(max(sample, other.near), other.far)
                        own.append((at, np.interp(inside, pixels, values)))
            return np.interp(line, *np.transpose(own)) * np.interp(line, [first, last], factors)
    return np.nan


PIXELS = np.array([[noise_of_pixel(line, sample) for sample in range(80)] for line in range(100)])


@pytest.mark.parametrize("size", [(1, 1), (10, 10), (16, 7), (100, 80)])
@pytest.mark.parametrize("first", [(0, 0), (32, 21)])
def test_noise_is_the_mean_over_the_pixels(size, first):
    shape = tuple((n - f) // s for n, f, s in zip((100, 80), first, size, strict=True))
    if 0 in shape:
        pytest.skip("no whole cell")
    cells = Cells(first, shape, size)
    found = noise_means.noise(noise_means.parts(VECTORS, BLOCKS), BLOCKS, cells)
    down, across = (f + n * s for f, n, s in zip(first, shape, size, strict=True))
    of_cells = PIXELS[first[0] : down, first[1] : across]
    of_cells = of_cells.reshape(shape[0], size[0], shape[1], size[1])
    share = np.isfinite(of_cells).mean(axis=(1, 3))
    known = share >= noise_means.LEAST_KNOWN
    np.testing.assert_array_equal(np.isfinite(found), known)
    expected = np.nansum(of_cells, axis=(1, 3))[known] / (share[known] * np.prod(size))
    np.testing.assert_allclose(found[known], expected, rtol=1e-12)


def test_the_factor_is_a_mean_too():
    cells = Cells((0, 0), (10, 8), (10, 10))
    found = noise_means.factor(BLOCKS, cells)
    # IW2 begins at line 20: of a factor that goes from 1.1 to 1.0 in 39 lines.
    assert found[2, 6] == pytest.approx(1.1 - 0.1 * 4.5 / 39, rel=1e-12)
    # Of samples 37 to 39 one factor, of 40 to 79 the same.
    assert found[9, 4] == pytest.approx(1 + 0.3 * 34.5 / 39, rel=1e-12)
    assert np.isnan(found[0, 6]) and np.isnan(found[9, 0])


@pytest.mark.parametrize("line", [58, 61])
def test_a_vector_of_nothing_is_left_out(line):
    """Whatever its line: the sub-swath's last ones, or one after them."""
    vectors = [*VECTORS[:2], vector(line, (0, 0), (10, 0), (36, 0), (40, 24), (79, 31))]
    of_first = noise_means.parts(vectors, BLOCKS)["IW1"]
    assert [v.line for v in of_first] == [0, 30]


def test_of_a_short_sub_swath_the_nearest_vector_counts():
    short = [block("IW1", 40, 50, 0, 79)]
    assert [v.line for v in noise_means.parts(VECTORS, short)["IW1"]] == [30]


def test_noise_of_zero_everywhere_stays():
    vectors = [vector(0, (0, 0), (79, 0)), vector(99, (0, 0), (79, 0))]
    whole = [block("", 0, 99, 0, 79)]
    cells = Cells((0, 0), (1, 1), (100, 80))
    assert noise_means.noise(noise_means.parts(vectors, whole), whole, cells) == 0
