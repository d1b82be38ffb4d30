"""PGD and MI-FGSM walk the same way as Foolbox's and ART's, step for step.

Ours returns the best of all points, theirs the last: with a loss that counts its calls,
the last one is the best. The start is the same too: the image, or a point of the ball
that is drawn once for all.

The libraries differ in the order of their projections. Foolbox goes into the ball and
then into the range of pixels, as here; ART the other way round. In Linf both orders
lead to the same point. In L2 they don't, at a pixel that reached an end of its range.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import (
    Threat,
    clip_to_bounds,
    distance,
    ensemble_loss,
    log_mean_probability,
    mi_fgsm,
    model_gradient,
    model_loss,
    pgd,
)
from attacks.pgd import start
from tests.attacks import peers

STEPS = pytest.mark.parametrize("steps", [1, 2, 8, 20])
STARTS = pytest.mark.parametrize("random", [False, True])
BALLS = pytest.mark.parametrize(
    ("norm", "eps", "alpha"), [("Linf", 0.2, 0.03), ("L2", 1.0, 0.15)]
)


class LastWins:
    """A loss whose values grow with each call, and whose gradient is true."""

    def __init__(self, loss):
        self.loss, self.calls = loss, 0

    def __call__(self, x, y):
        self.calls += 1
        return np.full(len(x), self.calls, x.dtype), self.loss(x, y)[1]


def generator(random):
    return np.random.default_rng(7) if random else None


def ours(loss, x, y, eps, alpha, steps, norm, random=False):
    rng = generator(random)
    return pgd(LastWins(loss), x, y, eps, alpha, steps, norm, rng=rng)


def arts(monkeypatch, art, x, y, eps, alpha, steps, norm, random=False):
    x_0 = start(Threat(norm, eps), x, generator(random))
    module = peers.import_peer("art.attacks.evasion.fast_gradient")
    monkeypatch.setattr(module, "random_sphere", lambda *arguments: x_0 - x)
    p = {"Linf": np.inf, "L2": 2}[norm]
    settings = {"num_random_init": int(random), "max_iter": steps}
    attack = "ProjectedGradientDescent"
    return peers.art(attack, art, x, y, p, eps, alpha, **settings)


@BALLS
@STEPS
@STARTS
def test_pgd_is_foolboxs(cnn, x, y, norm, eps, alpha, steps, random):
    x_0 = start(Threat(norm, eps), x, generator(random)) if random else None
    settings = {"abs_stepsize": alpha, "steps": steps, "x_0": x_0}
    gradient, name = model_gradient(cnn), f"{norm.capitalize()}PGD"
    expected = peers.foolbox_descent(name, gradient, cnn, x, y, eps, **settings)
    x_adv = ours(model_loss(cnn), x, y, eps, alpha, steps, norm, random)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-12)


@BALLS
@STEPS
@STARTS
def test_pgd_is_arts(monkeypatch, cnn, x, y, norm, eps, alpha, steps, random):
    """With images far enough from the ends of the range that nothing is clipped."""
    model, x = cnn.astype(np.float32), (0.3 + 0.4 * x).astype(np.float32)
    eps, alpha = eps / 4, alpha / 4
    art, walk = peers.art_classifier(model), (x, y, eps, alpha, steps, norm, random)
    expected = arts(monkeypatch, art, *walk)
    assert_allclose(ours(model_loss(model), *walk), expected, rtol=0, atol=1e-5)


@STEPS
def test_pgd_linf_is_arts_at_the_ends_of_the_range_too(monkeypatch, cnn, x, y, steps):
    model, x = cnn.astype(np.float32), x.round().astype(np.float32)
    walk = (x, y, 0.2, 0.03, steps, "Linf")
    expected = arts(monkeypatch, peers.art_classifier(model), *walk)
    assert_allclose(ours(model_loss(model), *walk), expected, rtol=0, atol=1e-5)


def test_art_clips_before_it_projects_in_l2(monkeypatch, cnn, x, y):
    """The clipped pixels' share of the step is lost before the ball is reached.

    One step of twice the ball's radius, from images with pixels at both ends.
    """
    model, x = cnn.astype(np.float32), x.round().astype(np.float32)
    found = ours(model_loss(model), x, y, 0.5, 0.5, 4, "L2")
    walk = (x, y, 0.5, 0.5, 4, "L2")
    expected = arts(monkeypatch, peers.art_classifier(model), *walk)
    assert abs(found - expected).max() > 1e-2
    for x_adv in (found, expected):
        assert distance(x_adv, x, "L2").max() < 0.5 + 1e-6
        assert abs(clip_to_bounds(x_adv, (0, 1)) - x_adv).max() < 1e-6
    settings = {"abs_stepsize": 0.5, "steps": 4, "x_0": None}
    gradient = model_gradient(model)
    foolboxs = peers.foolbox_descent("L2PGD", gradient, model, x, y, 0.5, **settings)
    assert_allclose(found, foolboxs, rtol=0, atol=1e-5)


@BALLS
def test_pgd_on_what_the_ensemble_predicts_is_arts(
    monkeypatch, members, x, y, norm, eps, alpha
):
    members = [member.astype(np.float32) for member in members]
    x = (0.3 + 0.4 * x).astype(np.float32)
    walk = (x, y, eps / 4, alpha / 4, 10, norm)
    art = peers.art_classifier(members[0], log_mean_probability(members))
    expected = arts(monkeypatch, art, *walk)
    assert_allclose(ours(ensemble_loss(members), *walk), expected, rtol=0, atol=1e-5)


@STEPS
@pytest.mark.parametrize("mu", [0.0, 0.5, 1.0])
def test_mi_fgsm_is_arts(cnn, x, y, steps, mu):
    model, x = cnn.astype(np.float32), x.astype(np.float32)
    attack = ("MomentumIterativeMethod", peers.art_classifier(model), x, y)
    settings = {"eps": 0.2, "eps_step": 0.03, "decay": mu, "max_iter": steps}
    expected = peers.art(*attack, **settings)
    x_adv = mi_fgsm(model_gradient(model), x, y, 0.2, 0.03, steps, mu)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-5)


def test_foolboxs_mi_fgsm_is_another_attack(cnn, x, y):
    """It takes the sign before the momentum: a large gradient counts like a small one.

    So it doesn't differ before the second step.
    """
    gradient, apart = model_gradient(cnn), []
    name = "LinfMomentumIterativeFastGradientMethod"
    for steps in (1, 8):
        walk = {"abs_stepsize": 0.03, "steps": steps, "momentum": 1.0}
        theirs = peers.foolbox_descent(name, gradient, cnn, x, y, 0.2, **walk)
        found = mi_fgsm(gradient, x, y, 0.2, 0.03, steps, 1.0)
        apart.append(abs(found - theirs).max())
    assert apart[0] < 1e-12 < 1e-3 < apart[1]
