"""Square: its queries, and the shapes and sizes of its squares."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import distance, square
from attacks.losses import cross_entropy
from attacks.square import scores, squares, stripes
from attacks.square import side as square_side

HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # the paper's, i / N


class Oracle:
    """Probabilities of two classes from a function of the image; keeps what it saw."""

    def __init__(self, score):
        self.score, self.seen = score, []

    def __call__(self, x):
        self.seen.append(x.copy())
        p = 1 / (1 + np.exp(-self.score(x)))
        return np.stack([1 - p, p], axis=1)

    def __getattr__(self, name):
        raise AssertionError(f"a score-based attack asked for {name}")


def never(x):
    """A classifier that is confident of all images."""
    return np.full(len(x), 5.0)


def brightness(x):
    """Class 1 if an image is bright."""
    return 40 * (x.mean(axis=(1, 2, 3)) - 0.45)


def run(oracle, x, queries, **settings):
    y, rng = np.ones(len(x), int), np.random.default_rng(0)
    return square(oracle, x, y, 0.1, rng, queries, **settings)


@pytest.fixture
def grey():
    return np.full((3, 20, 20, 2), 0.5)


def test_an_image_that_is_fooled_asks_no_more(grey):
    grey[0] = 0.3
    oracle = Oracle(brightness)
    found = run(oracle, grey, 300)
    counts = [len(x) for x in oracle.seen]
    assert counts[:2] == [3, 2]
    assert counts == sorted(counts, reverse=True)
    assert (brightness(found) < 0).all()
    assert len(counts) < 300


def test_it_begins_with_stripes(grey):
    """One pixel wide, from top to bottom, each channel for itself."""
    oracle = Oracle(never)
    run(oracle, grey, 1)
    r = oracle.seen[0] - grey
    assert_allclose(abs(r), 0.1)
    assert_array_equal(r, np.broadcast_to(r[:, :1], r.shape))
    assert 0.2 < (r > 0).mean() < 0.8
    assert (r[:, 0, :, 0] != r[:, 0, :, 1]).any()
    assert (r[0] != r[1]).any()


def test_stripes_are_as_wide_as_the_ball():
    """Before they are clipped to it."""
    x = np.zeros((9, 4, 5, 2))
    found = stripes(x, 0.1, np.random.default_rng(0))
    assert found.shape == (9, 1, 5, 2)
    assert {*found.ravel()} == {-0.1, 0.1}


@pytest.mark.parametrize("shape", [(3, 30), (30, 3)])
def test_a_square_fits_into_narrow_images(shape):
    x = np.zeros((1, *shape, 1))
    assert square_side(x, 0, 0.8) == 3


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scores_keep_doubles_and_widen_halves(dtype):
    """In half precision, probabilities below 6e-8 would all be 0."""
    seen, x, y = [], np.zeros((2, 1, 1, 1)), np.zeros(2, int)

    def loss(log_p, y):
        seen.append(log_p)
        return log_p[:, 0], log_p

    p = np.array([[0, 1], [0.5, 0.5]], dtype)
    scores(lambda x: p, loss, x, y)
    wide = np.float32 if dtype == np.float16 else dtype
    assert seen[0].dtype == wide
    assert_allclose(seen[0], np.log([[np.finfo(wide).tiny, 1], [0.5, 0.5]]), rtol=1e-6)


@pytest.mark.parametrize(("queries", "area"), [(1000, 0.8), (300, 0.8), (200, 0.1)])
def test_squares_have_the_papers_sizes(grey, queries, area):
    """No square lowers its confidence, so each is put on the stripes."""
    oracle = Oracle(never)
    run(oracle, grey, queries, area=area)
    assert [len(x) for x in oracle.seen] == [3] * queries
    stripes = oracle.seen[0]
    sides, extents = [], []
    for i, x in enumerate(oracle.seen[1:], 1):
        halved = sum(i / queries > part for part in HALVINGS)
        side = max(round(np.sqrt(area / 2**halved * 400)), 1)
        sides.append(side)
        assert square_side(grey, i / queries, area) == side
        for image, before in zip(x, stripes, strict=True):
            changed = np.argwhere((abs(image - before) > 1e-9).any(axis=2))
            if len(changed):  # +-2 eps, clipped to the ball: half are no change
                extents.append(np.ptp(changed, axis=0).max() + 1)
                assert extents[-1] <= side
    assert sides[0] > sides[-1]
    assert max(extents) == max(sides)


@pytest.mark.parametrize("side", [1, 3, 8])
def test_a_square_is_full_and_has_one_sign_a_channel(side):
    """+-2 eps in a window, 0 elsewhere; windows lie everywhere, the edges included."""
    x = np.zeros((500, 8, 9, 2))
    moves, places = squares(x, x, 0.1, side, np.random.default_rng(0)), set()
    for move in moves:
        rows, columns = np.nonzero(move.any(axis=2))
        top, left = rows.min(), columns.min()
        window = move[top : top + side, left : left + side]  # (side, side, C)
        assert window.shape == (side, side, 2)
        assert_allclose(abs(window), 0.2)
        assert_array_equal(window, np.broadcast_to(window[0, 0], window.shape))
        assert np.count_nonzero(move) == window.size
        places.add((int(top), int(left)))
    assert len(places) == (9 - side) * (10 - side)
    signs = np.sign(moves.sum(axis=(1, 2)))
    assert len(np.unique(signs, axis=0)) == 4


def test_what_helps_is_kept_and_nothing_else(grey):
    """The returned images have the best loss of all queries."""
    oracle = Oracle(lambda x: 9 * x[:, 3:6, 3:6].mean(axis=(1, 2, 3)))
    found = run(oracle, grey, 200)
    best = np.min([oracle.score(x) for x in oracle.seen], axis=0)
    assert_allclose(oracle.score(found), best)
    assert (oracle.score(found) < 4.3).all()  # of 4.5, and 3.6 at best
    assert distance(found, grey, "Linf").max() <= 0.1 + 1e-12


@pytest.mark.parametrize("score", [-800.0, 800.0])
def test_probabilities_that_round_to_zero_are_no_error(grey, score):
    oracle = Oracle(lambda x: np.full(len(x), score))
    with np.errstate(over="ignore"):
        found = run(oracle, grey, 5, loss=cross_entropy, stop_above=np.inf)
    assert np.isfinite(found).all()
    assert len(oracle.seen) == 5


def test_another_loss_needs_another_stop_above(grey):
    """With two classes -log p_y > log 2 is margin > 0, so the walk is the same."""
    walks = [Oracle(brightness), Oracle(brightness)]
    found = run(walks[0], grey, 300)
    other = run(walks[1], grey, 300, loss=cross_entropy, stop_above=np.log(2))
    assert_array_equal(other, found)
    assert len(walks[0].seen) == len(walks[1].seen) > 2


def test_integers_are_no_scores(grey):
    y, rng = np.ones(3, int), np.random.default_rng(0)
    with pytest.raises(TypeError, match="predict_proba must return floats, got int64"):
        square(lambda x: np.eye(2, dtype=int)[[1] * len(x)], grey, y, 0.1, rng)
