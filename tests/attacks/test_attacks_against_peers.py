"""FGSM, BIM, MI-FGSM and PGD walk the same way as ART's and Foolbox's, step for step.

Ours returns the best of all points, theirs the last: with a loss that counts its calls,
the last one is the best. The start is the same too: the image, or a point of the ball
that is drawn once for all.

The libraries round differently, and differ in the order of their projections. Foolbox
goes into the ball and then into the range of pixels, as here, but clips x - x_0; ART
computes in float32 and goes into the range first. In Linf both orders lead to the same
point. In L2 they don't, at a pixel that reached an end of its range. Foolbox's MI-FGSM
is another attack: it takes the sign before the momentum.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import (
    Threat,
    bim,
    clip_to_bounds,
    distance,
    ensemble_loss,
    fgsm,
    log_mean_probability,
    mi_fgsm,
    model_gradient,
    model_loss,
    pgd,
    sum_gradient,
)
from attacks.pgd import start
from tests.attacks import peers

STEPS = pytest.mark.parametrize("steps", [1, 2, 8, 20])
STARTS = pytest.mark.parametrize("random", [False, True])
BALLS = pytest.mark.parametrize(
    ("norm", "eps", "alpha"), [("Linf", 0.2, 0.03), ("L2", 1.0, 0.15)]
)
WALKS = {  # along one gradient: FGSM, or BIM with these settings
    **{f"fgsm {eps}": (eps,) for eps in (0.3, 0.03, 1.0)},
    **{
        f"bim {walk}": walk
        for walk in [(0.2, 0.025, 8), (0.025, 0.0025, 10), (0.3, 0.1, 5), (0.1, 0.1, 1)]
    },
}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("adversary", ["single", "Adv. 2"])
def test_fgsm_and_bim_are_arts_and_foolboxs(members, x, y, walk, adversary):
    """Adv. 2's gradient is that of ART's own ensemble, over the number of members."""
    settings = WALKS[walk]
    ours, arts, foolboxs = (
        (fgsm, peers.art_fgsm, peers.foolbox_fgsm)
        if len(settings) == 1
        else (bim, peers.art_bim, peers.foolbox_bim)
    )

    single = adversary == "single"

    def gradient_of(members):
        return model_gradient(members[0]) if single else sum_gradient(members)

    for dtype in (np.float64, np.float32):
        members, x = [m.astype(dtype) for m in members], x.astype(dtype)
        x_adv = ours(gradient_of(members), x, y, *settings)
        expected = foolboxs(gradient_of(members), members[0], x, y, *settings)
        assert expected.dtype == dtype
        atol = 4 * len(settings) * np.finfo(dtype).eps
        assert_allclose(x_adv, expected, rtol=0, atol=atol)
    art = peers.art_classifier(members[0]) if single else peers.art_ensemble(members)
    assert_allclose(x_adv, arts(art, x, y, *settings), rtol=0, atol=5e-7)


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


def foolboxs(model, x, y, eps, alpha, steps, norm, random=False):
    x_0 = start(Threat(norm, eps), x, generator(random)) if random else None
    settings = {"abs_stepsize": alpha, "steps": steps, "x_0": x_0}
    gradient, name = model_gradient(model), f"{norm.capitalize()}PGD"
    return peers.foolbox_descent(name, gradient, model, x, y, eps, **settings)


@BALLS
@STEPS
@STARTS
def test_pgd_is_foolboxs(cnn, x, y, norm, eps, alpha, steps, random):
    walk = (x, y, eps, alpha, steps, norm, random)
    found = ours(model_loss(cnn), *walk)
    assert_allclose(found, foolboxs(cnn, *walk), rtol=0, atol=1e-12)


@BALLS
@STEPS
@STARTS
def test_pgd_is_arts(monkeypatch, cnn, x, y, norm, eps, alpha, steps, random):
    """With images far enough from the ends of the range that nothing is clipped."""
    model, x = cnn.astype(np.float32), (0.3 + 0.4 * x).astype(np.float32)
    art, walk = peers.art_classifier(model), (x, y, eps / 4, alpha / 4, steps, norm)
    expected = arts(monkeypatch, art, *walk, random)
    found = ours(model_loss(model), *walk, random)
    assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_at_the_ends_of_the_range_art_agrees_in_linf_only(monkeypatch, cnn, x, y):
    """In L2 the clipped pixels' share is lost before the ball is reached.

    One step of twice the ball's radius, from images with pixels at both ends.
    """
    model, x = cnn.astype(np.float32), x.round().astype(np.float32)
    art, loss = peers.art_classifier(model), model_loss(model)
    walk = (x, y, 0.2, 0.03, 20, "Linf")
    expected = arts(monkeypatch, art, *walk)
    assert_allclose(ours(loss, *walk), expected, rtol=0, atol=1e-5)
    walk = (x, y, 0.5, 0.5, 4, "L2")
    found, expected = ours(loss, *walk), arts(monkeypatch, art, *walk)
    assert abs(found - expected).max() > 1e-2
    for x_adv in (found, expected):
        assert distance(x_adv, x, "L2").max() < 0.5 + 1e-6
        assert abs(clip_to_bounds(x_adv, (0, 1)) - x_adv).max() < 1e-6
    assert_allclose(found, foolboxs(model, *walk), rtol=0, atol=1e-5)


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
