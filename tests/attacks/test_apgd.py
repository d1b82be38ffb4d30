"""APGD against its algorithm written out image by image, and its table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import Threat, apgd, distance, dlr, model_loss, pgd
from attacks.apgd import checkpoints
from attacks.losses import cross_entropy, margin
from attacks.pgd import start
from tests.attacks.conftest import one_by_one
from tests.attacks.naive_apgd import CHECKPOINTS_OF_100, naive_apgd


def test_the_papers_checkpoints():
    assert checkpoints(100) == CHECKPOINTS_OF_100


@pytest.mark.parametrize("steps", [1, 2, 7, 10, 20, 50, 64, 1000])
def test_other_checkpoints_are_the_same_fractions_rounded_up(steps):
    expected = [-(-p * steps // 100) for p in CHECKPOINTS_OF_100]
    assert checkpoints(steps) == expected


@pytest.mark.parametrize("loss", [cross_entropy, dlr, margin])
@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.15), ("L2", 0.5)])
def test_apgd_image_by_image(cnn, x, norm, eps, random, loss):
    x = x[:4]
    y, loss_fn = cnn.predict(x), one_by_one(model_loss(cnn, loss))
    new_rng = lambda: np.random.default_rng(5) if random else None  # noqa: E731
    x_0 = start(Threat(norm, eps), x, new_rng())
    expected = [
        naive_apgd(loss_fn, x[n], y[n], x_0[n], eps, norm, CHECKPOINTS_OF_100, 100)
        for n in range(len(x))
    ]
    found = apgd(loss_fn, x, y, eps, 100, norm, rng=new_rng())
    assert_allclose(found, expected, atol=1e-9)


def test_climbing_without_a_new_best_point_is_no_progress():
    """Condition 2: the start is best, all steps climb; at the second checkpoint, 41,
    eta is halved and the walk goes back. One pixel, whose gradient is 1 everywhere.
    """
    seen = []

    def loss(x, y):
        seen.append(x.item())
        value = 10.0 if len(seen) == 1 else 0.01 * len(seen)
        return np.array([value]), np.ones_like(x)

    apgd(loss, np.full((1, 1, 1, 1), 0.5), np.array([0]), 0.1, 100)
    assert_allclose(seen[:42], [0.5] + [0.6] * 41)
    back = 0.5 + 0.75 * 0.1 + 0.25 * (0.5 - 0.6)  # a step of eps, and 1/4 of the last
    assert seen[42] == pytest.approx(back)


def test_steps_are_counted(cnn, x, y):
    """steps + 1 gradients a restart, for the whole batch."""
    seen, loss_fn = [], model_loss(cnn)

    def counted(x, y):
        seen.append(len(x))
        return loss_fn(x, y)

    apgd(counted, x, y, 0.1, 10, restarts=3, rng=np.random.default_rng(0))
    assert seen == [8] * 33


def test_images_that_are_done_ask_for_nothing(cnn, x, y):
    seen, loss_fn = [], model_loss(cnn, margin)
    enough = np.median(loss_fn(apgd(loss_fn, x, y, 0.3, 20), y)[0])

    def counted(x, y):
        seen.append(len(x))
        return loss_fn(x, y)

    found = apgd(counted, x, y, 0.3, 50, stop_above=enough)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < 8
    assert (loss_fn(found, y)[0] > enough).sum() >= 4


@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.1), ("L2", 0.6)])
def test_it_finds_points_as_bad_as_pgd_without_being_told_a_step(cnn, x, y, norm, eps):
    loss = model_loss(cnn)
    found = apgd(loss, x, y, eps, 100, norm)
    best_pgd = pgd(loss, x, y, eps, eps / 10, 100, norm)
    assert distance(found, x, norm).max() <= eps * (1 + 1e-9)
    assert loss(found, y)[0].mean() > loss(best_pgd, y)[0].mean() - 1e-2


def test_a_restart_never_loses(cnn, x, y):
    loss, rng = model_loss(cnn), np.random.default_rng(0)
    once = apgd(loss, x, y, 0.1, 10, rng=np.random.default_rng(0))
    thrice = apgd(loss, x, y, 0.1, 10, restarts=3, rng=rng)
    assert (loss(thrice, y)[0] >= loss(once, y)[0]).all()


def test_a_flat_loss_halves_and_stays(x, y):
    found = apgd(lambda x, y: (np.zeros(len(x)), np.zeros_like(x)), x, y, 0.1)
    assert_array_equal(found, x)
