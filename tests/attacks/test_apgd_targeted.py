"""Targeted APGD against one target after another by hand, each by the naive APGD."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import apgd_targeted, logits_of, model_loss, network, targeted_dlr
from attacks.losses import margin
from tests.attacks.conftest import one_by_one
from tests.attacks.naive_apgd import CHECKPOINTS_OF_100, naive_apgd


def by_hand(model, loss, x, y, eps, norm, targets, steps=100):
    """One image: the other classes by falling logit, until it is misclassified."""
    value = lambda x: margin(model.forward(x[None]), np.array([y]))[0].item()  # noqa: E731
    best, others = x, [k for k in np.argsort(-model.forward(x[None])[0]) if k != y]
    for k in others[:targets]:
        if value(best) > 0:
            break
        x_adv = naive_apgd(loss, x, k, x, eps, norm, CHECKPOINTS_OF_100, steps)
        best = max(best, x_adv, key=value)
    return best


@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.01), ("L2", 0.07)])
@pytest.mark.parametrize("targets", [1, 2, 9])
def test_target_by_target(cnn, x, norm, eps, targets):
    """The naive walk doesn't stop at its target: images that resist are compared."""
    x, z = x[:5], logits_of(network(cnn))
    y, loss = cnn.predict(x), one_by_one(model_loss(cnn, targeted_dlr))
    found = apgd_targeted(z, loss, x, y, eps, 100, norm, targets)
    expected = [
        by_hand(cnn, loss, x[n], y[n], eps, norm, targets) for n in range(len(x))
    ]
    resist = margin(cnn.forward(found), y)[0] <= 0
    by_them = margin(cnn.forward(np.array(expected)), y)[0] <= 0
    assert_array_equal(resist, by_them)
    assert 0 < resist.sum() < len(x)
    assert_allclose(found[resist], np.array(expected)[resist], atol=1e-9)


@pytest.mark.parametrize("targets", [1, 2, 9])
def test_targets_are_the_strongest_other_classes_of_images_that_are_not_done(
    cnn, x, targets
):
    """A loss without a slope; the first image is misclassified from the start."""
    z, y, asked = cnn.forward(x), cnn.predict(x), []
    y[0] = (y[0] + 1) % 4

    def nowhere(x, target):
        asked.append(target.copy())
        return np.full(len(x), -1.0), np.zeros_like(x)

    found = apgd_targeted(cnn.forward, nowhere, x, y, 0.1, steps=2, targets=targets)
    assert_array_equal(found, x)
    assert len(asked) == min(targets, 3) * 3  # of K - 1; steps + 1 gradients each
    order = (-z).argsort(axis=1)[1:]  # image 0 isn't asked about
    for i, target in enumerate(asked):
        assert_array_equal(target, order[:, 1 + i // 3])


def test_an_image_that_reached_its_target_asks_for_nothing(cnn, x):
    """The first of two does so in a step; its gradients end with this run."""
    x, asked = x[:2], []
    y = cnn.predict(x)

    def loss(x_adv, target):
        asked.append(len(x_adv))
        first = np.arange(len(x_adv)) < len(x_adv) - 1
        reached = (x_adv != x[-len(x_adv) :]).any(axis=(1, 2, 3)) & first
        return np.where(reached, 1.0, -1.0), np.ones_like(x_adv)

    still = lambda x_adv: cnn.forward(x)[-len(x_adv) :]  # noqa: E731
    apgd_targeted(still, loss, x, y, 0.1, steps=3, targets=2)
    assert asked == [2, 2, 1, 1] * 2


def test_an_images_starts_do_not_depend_on_which_images_are_done(cnn, x):
    """Whether the first image is misclassified or not, the others' points stay."""
    y, loss = cnn.predict(x), model_loss(cnn, targeted_dlr)
    done = np.where(np.arange(len(x)) == 0, (y + 1) % 4, y)
    found = [
        apgd_targeted(
            cnn.forward, loss, x, labels, 0.02, 10, rng=np.random.default_rng(1)
        )
        for labels in (y, done)
    ]
    assert_allclose(found[0][1:], found[1][1:], atol=1e-9)
    assert (abs(found[0][1:] - x[1:]).reshape(len(x) - 1, -1) > 0).any(axis=1).all()
