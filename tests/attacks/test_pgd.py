"""PGD: closed forms on a linear model, and which of all points is returned."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import model_loss, pgd
from attacks.losses import margin


def two_classes(victim):
    """The label's strongest rival everywhere, so that the margin is linear."""
    W, b = (p.data for p in victim.model.params)
    W[:, 2:] = 0
    b[2:] = -100
    victim.y = victim.model.predict(victim.x)
    return (W[:, 1 - victim.y] - W[:, victim.y]).T.reshape(victim.x.shape)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("prepare", [np.copy, np.round])
def test_linf_ends_in_the_best_corner(victim, random, prepare):
    """x + eps sign(w), clipped to the range: w is the same everywhere."""
    w, x = two_classes(victim), prepare(victim.x)
    y = victim.model.predict(x)
    w = np.where((y == victim.y)[:, None, None, None], w, -w)
    rng = np.random.default_rng(0) if random else None
    found = pgd(model_loss(victim.model, margin), x, y, 0.3, 0.07, 10, rng=rng)
    assert_allclose(found, (x + 0.3 * np.sign(w)).clip(0, 1), atol=1e-12)


@pytest.mark.parametrize("random", [False, True])
def test_l2_ends_straight_ahead(victim, random):
    """x + eps w / |w| from any start: other directions are projected away."""
    w = two_classes(victim)
    rng = np.random.default_rng(0) if random else None
    loss = model_loss(victim.model, margin)
    found = pgd(loss, victim.x, victim.y, 0.3, 0.1, 200, "L2", rng=rng)
    length = np.sqrt((w**2).sum(axis=(1, 2, 3), keepdims=True))
    assert_allclose(found, victim.x + 0.3 * w / length, atol=1e-6)


class Script:
    """A loss with given values, one list a call; it records where it was asked."""

    def __init__(self, *values):
        self.values, self.seen = list(values), []

    def __call__(self, x, y):
        self.seen.append((x.copy(), y.copy()))
        return np.array(self.values[len(self.seen) - 1], float), np.ones_like(x)


def test_the_best_point_is_returned_not_the_last():
    x, y = np.full((2, 1, 1, 1), 0.5), np.array([0, 1])
    loss = Script([0, 5], [3, 4], [2, 9], [1, 1])
    found = pgd(loss, x, y, 0.4, 0.1, 3)
    assert_allclose(found.ravel(), [0.6, 0.7])
    assert len(loss.seen) == 4


def test_the_best_of_all_restarts():
    x, y = np.full((2, 1, 1, 1), 0.5), np.array([0, 1])
    loss = Script([0, 5], [3, 4], [2, 9], [1, 1])
    found = pgd(loss, x, y, 0.4, 0.1, 1, restarts=2, rng=np.random.default_rng(0))
    assert found[0] == loss.seen[1][0][0]
    assert found[1] == loss.seen[2][0][1]
    assert (loss.seen[0][0] != loss.seen[2][0]).all()


def test_without_chance_there_is_no_second_start():
    x, y = np.full((2, 1, 1, 1), 0.5), np.array([0, 1])
    with pytest.raises(ValueError, match="restarts must be 1 without rng, got 2"):
        pgd(Script(), x, y, 0.4, 0.1, 2, restarts=2)


def test_no_ball_is_larger_than_all_images(victim):
    """72 pixels from 0 to 1 are at most 8.49 apart in L2."""
    with pytest.raises(ValueError, match=r"eps must be at most 8\.48528"):
        pgd(Script(), victim.x, victim.y, 8.5, 0.1, 2, "L2")


def test_an_image_that_is_done_is_left_alone():
    """No more gradients are taken of it; the other goes on with its own label."""
    x, y = np.full((2, 1, 1, 1), 0.5), np.array([7, 8])
    loss = Script([2, 0], [0], [3])
    found = pgd(loss, x, y, 0.4, 0.1, 5, stop_above=1.0)
    assert [list(labels) for _, labels in loss.seen] == [[7, 8], [8], [8]]
    assert_allclose(found.ravel(), [0.5, 0.7])


@pytest.mark.parametrize("D", [2, 8])
def test_a_random_start_fills_the_ball(D):
    """The cube uniformly; in L2 half of the points beyond eps 2^(-1/D)."""
    x, y = np.full((4000, 1, D, 1), 0.5), np.zeros(4000, int)
    for norm in ("Linf", "L2"):
        start = Script([0] * 4000, [0] * 4000)
        pgd(start, x, y, 0.2, 0.1, 1, norm, rng=np.random.default_rng(0))
        r = (start.seen[0][0] - 0.5).reshape(4000, D)
        assert abs(r.mean(axis=0)).max() < 0.01
        if norm == "Linf":
            assert_allclose(abs(r).mean(), 0.1, rtol=0.05)
            assert 0.19 < abs(r).max() <= 0.2
        else:
            beyond = np.linalg.norm(r, axis=1) > 0.2 * 2 ** (-1 / D)
            assert_allclose(beyond.mean(), 0.5, atol=0.03)
            assert np.linalg.norm(r, axis=1).max() <= 0.2 + 1e-12


def test_a_misclassified_image_does_not_move(cnn, x):
    wrong, loss = (cnn.predict(x) + 1) % 4, model_loss(cnn, margin)
    assert_array_equal(pgd(loss, x, wrong, 0.4, 0.1, 3, "L2", stop_above=0), x)
