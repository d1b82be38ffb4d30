"""Square in L2: its bumps drawn ring by ring, and the length that a move keeps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import distance, square
from attacks.square_l2 import bump, exchange, hill, tiles

EPS = 1.5


def rings(h, w):
    """Larger and larger rectangles round the middle, each 1 / k^2 high."""
    heights = np.zeros((h, w))
    for k in range(max(h, w) // 2 + 1):
        rows = slice(max(h // 2 - k, 0), h // 2 + k + 1)
        heights[rows, max(w // 2 - k, 0) : w // 2 + k + 1] += 1 / (k + 1) ** 2
    return heights


@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 3), (2, 3), (3, 7), (4, 7), (8, 8)])
def test_a_hill_is_made_of_rings(h, w):
    assert_allclose(hill(h, w), rings(h, w), rtol=1e-12)


@pytest.mark.parametrize("s", [1, 2, 3, 5, 8, 11])
def test_a_bump_has_two_halves_and_length_1(s):
    found = bump(s)
    assert found.shape == (s, s)
    assert np.linalg.norm(found) == pytest.approx(1)
    upper, lower = found[: s // 2], found[s // 2 :]
    assert (upper > 0).all()
    assert (lower < 0).all()
    if s > 1:
        half = np.linalg.norm(upper)
        assert_allclose(half, np.sqrt(0.5))
        assert_allclose(
            upper, half * rings(s // 2, s) / np.linalg.norm(rings(s // 2, s))
        )


@pytest.mark.parametrize(
    "shape",
    [(3, 20, 20, 2), (2, 13, 17, 1), (2, 22, 23, 1), (2, 23, 22, 1), (2, 3, 4, 3)],
)
def test_it_begins_with_tiles_of_length_eps(shape):
    """Bumps fill as many rows and columns as fit; what is left is divided evenly."""
    r = tiles(np.zeros(shape), EPS, np.random.default_rng(0))
    assert_allclose(np.sqrt((r**2).sum(axis=(1, 2, 3))), EPS)
    _, H, W, C = shape
    s = max(min(H, W) // 5, 1)
    inner = np.tile(abs(bump(s)), (H // s, W // s))
    margins = [(n % s // 2, n % s - n % s // 2) for n in (H, W)]
    whole = np.pad(inner, margins)[..., None] * np.ones(C)
    assert_allclose(abs(r[0]), EPS * whole / np.linalg.norm(whole), atol=1e-12)
    if shape[1] == 20:
        assert (r[0] != r[1]).any()
        assert (r[..., 0] != r[..., 1]).any()


@pytest.mark.parametrize("length", [EPS, 0.3])
@pytest.mark.parametrize("s", [1, 4, 6])
def test_a_move_fills_one_window_and_empties_another(s, length):
    """Each channel keeps its length and gets its part of what was left of eps."""
    x, rng = np.full((50, 9, 11, 2), 0.5), np.random.default_rng(1)
    r = rng.standard_normal(x.shape)
    r *= length / np.sqrt((r**2).sum(axis=(1, 2, 3), keepdims=True))
    after = r + exchange(x, x + r, EPS, s, np.random.default_rng(2))
    squares = lambda a: (a**2).sum(axis=(1, 2))  # noqa: E731
    assert_allclose(squares(after), squares(r) + (EPS**2 - length**2) / 2, rtol=1e-9)
    side = {1: 3, 4: 5, 6: 7}[s]
    overlap = set()
    for n in range(50):
        changed = abs(after[n] - r[n]).max(axis=2) > 1e-12
        empty = abs(after[n]).max(axis=2) < 1e-12
        assert side**2 <= changed.sum() <= 2 * side**2
        filled = np.argwhere(changed & ~empty)
        assert_array_equal(np.ptp(filled, axis=0) + 1, [side, side])
        assert len(filled) == side**2
        overlap.add(int(empty.sum()))
    assert len(overlap) > 2


@pytest.mark.parametrize(("H", "W"), [(9, 3), (3, 9)])
def test_a_window_fits_into_a_narrow_image(H, W):
    x = np.zeros((5, H, W, 1))
    r = exchange(x, x, EPS, 7, np.random.default_rng(0))
    assert_allclose(np.sqrt((r**2).sum(axis=(1, 2, 3))), EPS)
    assert ((r != 0).sum(axis=(1, 2, 3)) == 9).all()


def test_the_bump_is_added_to_the_direction_that_was_there():
    """By hand, with windows of the whole image, which have no place to choose."""
    rng = np.random.default_rng(3)
    x, r = np.zeros((200, 3, 3, 1)), rng.standard_normal((200, 3, 3, 1))
    r /= np.linalg.norm(r, axis=(1, 2), keepdims=True)
    after = r + exchange(x, r, 1.0, 3, rng)
    etas = [sign * e for sign in (1, -1) for e in (bump(3), bump(3).T)]
    kinds = []
    for n in range(200):
        sums = [e + r[n, ..., 0] for e in etas]
        apart = [abs(after[n, ..., 0] - v / np.linalg.norm(v)).max() for v in sums]
        assert min(apart) < 1e-12
        kinds.append(int(np.argmin(apart)))
    assert (np.bincount(kinds, minlength=4) > 25).all()


def test_what_helps_is_kept_within_the_ball():
    """The classifier sees one corner, which gets at least half of eps."""
    x, weights = np.full((4, 20, 20, 1), 0.5), np.zeros((20, 20, 1))
    weights[2:9, 3:10] = np.outer(bump(7)[:, 3], np.ones(7))[..., None]

    def predict_proba(x):
        score = 3 - 6 * ((x - 0.5) * weights / np.linalg.norm(weights)).sum((1, 2, 3))
        p = 1 / (1 + np.exp(-score))
        return np.stack([1 - p, p], axis=1)

    y, rng = np.ones(4, int), np.random.default_rng(0)
    found = square(predict_proba, x, y, 1.0, rng, 1500, norm="L2")
    assert distance(found, x, "L2").max() <= 1 + 1e-9
    assert (predict_proba(found)[:, 1] < 0.5).all()  # half of eps in this direction
    again = square(predict_proba, x, y, 1.0, np.random.default_rng(0), 1500, norm="L2")
    assert_array_equal(again, found)
