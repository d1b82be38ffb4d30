"""APGD against its algorithm written out image by image, and its table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import Threat, apgd, dlr, model_loss
from attacks.apgd import checkpoints
from attacks.losses import cross_entropy, margin
from attacks.pgd import start
from tests.attacks.conftest import Recorded, one_by_one
from tests.attacks.naive_apgd import CHECKPOINTS_OF_100, naive_apgd


@pytest.mark.parametrize("steps", [1, 2, 7, 10, 20, 50, 64, 100, 1000])
def test_checkpoints_are_the_papers_fractions_rounded_up(steps):
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


@pytest.mark.parametrize("peak", [0, 30])
def test_a_new_best_point_since_the_last_checkpoint_is_progress(peak):
    """All steps climb, except after a peak that is never reached again.

    One pixel, whose slope alternates: from -a to a, with a = 3/4 eps + 3/4 a - 2/4 a,
    cut off at eps. At the checkpoints 22 and 41 eta stays, and so does the step.
    """
    seen = []

    def loss(x, y):
        seen.append(x.item())
        n = len(seen)
        value = 100 if n == peak else n - peak * (n > peak)
        return np.array([value], float), np.full_like(x, (-1) ** n)

    apgd(loss, np.full((1, 1, 1, 1), 0.5), np.array([0]), 0.1, 100)
    assert_allclose(abs(np.diff(seen))[30:57], 2 * 0.075 / 1.75, rtol=1e-3)


def test_a_restart_takes_a_gradient_more_than_its_steps_and_never_loses(cnn, x, y):
    loss = Recorded(model_loss(cnn))
    once, thrice = (
        apgd(loss, x, y, 0.1, 10, restarts=restarts, rng=np.random.default_rng(0))
        for restarts in (1, 3)
    )
    assert [len(x) for x in loss.seen] == [8] * 11 * 4
    assert (loss(thrice, y)[0] >= loss(once, y)[0]).all()


def test_images_that_are_done_ask_for_nothing(cnn, x, y):
    loss = model_loss(cnn, margin)
    enough, recorded = np.median(loss(apgd(loss, x, y, 0.3, 20), y)[0]), Recorded(loss)
    found = apgd(recorded, x, y, 0.3, 50, stop_above=enough)
    counts = [len(x) for x in recorded.seen]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 8
    assert (loss(found, y)[0] > enough).sum() >= 4


def test_a_flat_loss_halves_and_stays(x, y):
    """For all of the usual 100 steps."""
    loss = Recorded(lambda x, y: (np.zeros(len(x)), np.zeros_like(x)))
    assert_array_equal(apgd(loss, x, y, 0.1), x)
    assert len(loss.seen) == 101
