"""Adversarial training: the images it shows, what they cost, and what is learned."""

from functools import partial

import numpy as np
import pytest

from attacks import (
    Adversarial,
    Counter,
    fgsm_gap,
    fgsm_perturb,
    growing,
    model_gradient,
    model_loss,
    pgd,
    pgd_perturb,
)
from minidl import (
    Adam,
    Flatten,
    Linear,
    ReLU,
    Sequential,
    accuracy,
    train,
)
from tests.attacks.conftest import new_cnn

EPS = 0.1


def length(r, norm):
    rows = r.reshape(len(r), -1)
    return abs(rows).max(axis=1) if norm == "Linf" else np.sqrt((rows**2).sum(axis=1))


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("alpha", [0.02, 0.2])
def test_images_stay_within_eps_and_in_range_and_cost_more(
    cnn, x, y, cost, norm, alpha
):
    x[0], x[1] = 0, 1  # every pixel at an end of the range
    perturb = pgd_perturb(model_gradient(cnn), EPS, alpha, 5, norm)
    x_adv = perturb(x, y, np.random.default_rng(0))
    assert (length(x_adv - x, norm) <= EPS * (1 + 1e-9)).all()
    assert (length(x_adv - x, norm) > EPS / 10).all()
    assert x_adv.min() >= 0
    assert x_adv.max() <= 1
    assert cost(cnn, x_adv, y).sum() > cost(cnn, x, y).sum()


@pytest.mark.parametrize("steps", [1, 4])
def test_the_last_point_of_a_loop_from_a_random_start(cnn, x, y, steps):
    gradient = model_gradient(cnn)
    x_adv = x + np.random.default_rng(3).uniform(-EPS, EPS, x.shape)
    x_adv = np.minimum(np.maximum(x_adv, 0), 1)
    for _ in range(steps):
        x_adv = x_adv + 0.04 * np.sign(gradient(x_adv, y))
        x_adv = np.clip(np.clip(x_adv, x - EPS, x + EPS), 0, 1)
    perturb = pgd_perturb(gradient, EPS, 0.04, steps)
    found = perturb(x, y, np.random.default_rng(3))
    np.testing.assert_allclose(found, x_adv, atol=1e-12)


@pytest.mark.parametrize(("alpha", "size"), [(None, 1.25 * EPS), (0.03, 0.03)])
def test_fgsm_is_one_step_usually_of_five_quarters_of_eps(cnn, x, y, alpha, size):
    one = fgsm_perturb(model_gradient(cnn), EPS, alpha)
    other = pgd_perturb(model_gradient(cnn), EPS, size, 1)
    found, expected = (f(x, y, np.random.default_rng(3)) for f in (one, other))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("steps", [1, 7])
def test_a_batch_costs_its_steps_gradients_and_nothing_more(cnn, x, y, steps):
    """`pgd` takes one more, for the last point's loss."""
    counter, rng = Counter(), np.random.default_rng(0)
    gradient = counter.gradient(model_gradient(cnn))
    pgd_perturb(gradient, EPS, EPS / 4, steps)(x, y, rng)
    assert counter.gradients == steps * len(x)
    assert counter.queries == 0


def test_dropout_is_off_while_it_attacks(x, y, monkeypatch):
    model, generators = new_cnn(np.random.default_rng(0), np.float32), []
    forward = Sequential.forward

    def noted(self, x, rng=None):
        generators.append(rng)
        return forward(self, x, rng)

    monkeypatch.setattr(Sequential, "forward", noted)
    perturb = pgd_perturb(model_gradient(model), EPS, EPS / 2, 2)
    rng = np.random.default_rng(0)
    train(model, x, y, Adam(model.params), 1, 4, rng, perturb=perturb)
    assert generators == [None, None, rng] * 2


def test_stored_bytes_train_a_network_of_either_type(y):
    for dtype in (np.float32, np.float64):
        for norm in ("Linf", "L2"):
            model = new_cnn(np.random.default_rng(0), dtype)
            x = np.random.default_rng(1).integers(
                256, size=(8, 6, 6, 2), dtype=np.uint8
            )
            perturb = pgd_perturb(model_gradient(model), EPS, EPS, 2, norm)
            rng = np.random.default_rng(0)
            train(model, x, y, Adam(model.params), 1, 4, rng, perturb=perturb)


def test_eps_and_alpha_grow_with_the_optimizers_steps(cnn, y):
    x = np.full((8, 6, 6, 2), 0.5)
    optimizer, sizes = Adam(cnn.params), []
    attack = fgsm_perturb(model_gradient(cnn), 0.4, growth=growing(optimizer, 4))

    def noted(x, y, rng):
        x_adv = attack(x, y, rng)
        sizes.append(abs(x_adv - x).max())
        return x_adv

    rng = np.random.default_rng(0)
    train(cnn, x, y, optimizer, 3, 4, rng, perturb=noted)
    np.testing.assert_allclose(sizes, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4], rtol=1e-6)


def test_growth_multiplies_eps_and_alpha(cnn, x, y):
    gradient = model_gradient(cnn)
    half = pgd_perturb(gradient, 0.2, 0.04, 3, growth=lambda: 0.5)
    expected = pgd_perturb(gradient, 0.1, 0.02, 3)
    x_adv, wanted = (f(x, y, np.random.default_rng(0)) for f in (half, expected))
    np.testing.assert_array_equal(x_adv, wanted)


@pytest.mark.parametrize("part", [-0.1, 1.1, np.nan, None, "1"])
def test_what_growth_returns_must_be_a_part_of_eps(cnn, x, y, part):
    perturb = pgd_perturb(model_gradient(cnn), EPS, EPS, 1, growth=lambda: part)
    with pytest.raises((TypeError, ValueError), match=r"^what growth returns must be"):
        perturb(x, y, np.random.default_rng(0))


def test_a_ball_larger_than_all_images_is_refused(cnn, x, y):
    with pytest.raises(ValueError, match=r"^eps must be at most 1, .* got 8"):
        pgd_perturb(model_gradient(cnn), 8, 1, 2)
    perturb = pgd_perturb(model_gradient(cnn), 8.6, 1, 2, "L2")  # the diagonal is 8.49
    with pytest.raises(ValueError, match=r"^eps must be at most 8\.48"):
        perturb(x, y, np.random.default_rng(0))


def one_other_class(z, y):
    """The margin to a single other class: of a linear network, it is linear."""
    rows, other = np.arange(len(z)), (y + 1) % z.shape[1]
    dz = np.zeros_like(z)
    dz[rows, other], dz[rows, y] = 1, -1
    return z[rows, other] - z[rows, y], dz


@pytest.mark.parametrize("eps", [0.001, 0.01, 0.1])
def test_one_step_is_the_best_against_a_linear_network(linear_model, x, eps):
    y = linear_model.predict(x)
    loss = model_loss(linear_model, one_other_class)
    assert fgsm_gap(loss, x, y, eps, eps / 2, 4) == 0


def test_a_network_that_only_withstands_one_full_step_is_detected():
    """Misclassified within a ring of 0.05 to 0.15 around x, and not beyond it."""
    x, y = np.full((4, 1, 1, 1), 0.5), np.zeros(4, int)

    def loss(x, y, middle=0.1):
        r = abs(x - 0.5).reshape(4)
        return 0.05 - abs(r - middle), np.ones_like(x)

    assert fgsm_gap(loss, x, y, 0.3, 0.1, 3) == 1
    assert fgsm_gap(loss, x, y, 0.1, 0.1, 3) == 0  # the full step ends in the ring
    assert fgsm_gap(loss, x, y, 0.3, 0.2, 1) == 0  # no step ends there
    assert fgsm_gap(loss, x, y, 0.3, 0.1, 3, bounds=(0, 0.6)) == 0  # both end in it
    for middle in (0.2, 0.3):  # beyond the bounds
        ring = partial(loss, middle=middle)
        assert fgsm_gap(ring, x, y, 0.3, 0.1, 3, bounds=(0, 0.6)) == 0


@pytest.mark.parametrize("make", [Adversarial, partial(pgd_perturb, len, steps=1)])
def test_a_step_may_cross_the_ball_and_no_more(make):
    make(eps=0.25, alpha=0.5)
    with pytest.raises(ValueError, match=r"^alpha must be in \(0, 0.5\], got 0.51"):
        make(eps=0.25, alpha=0.51)


def small_network(seed):
    rng = np.random.default_rng(seed)
    layers = [Flatten(), Linear(11, 16, rng=rng), ReLU(), Linear(16, 2, rng=rng)]
    return Sequential(layers, (1, 11, 1))


@pytest.fixture(scope="module")
def problem():
    """One pixel tells the class robustly; ten tell it more often, but by a little.

    Tsipras et al., 2019: a plain network uses them all, and an attack changes the ten.
    """
    rng = np.random.default_rng(5)
    y = rng.integers(2, size=400)
    right = np.where(rng.random(400) < 0.95, 1, -1)
    x = 0.5 + 0.06 * (2 * y - 1)[:, None] + rng.normal(0, 0.06, (400, 11))
    x[:, 0] = 0.5 + 0.35 * right * (2 * y - 1)
    return x.clip(0, 1).astype(np.float32).reshape(400, 1, 11, 1), y


def trained(problem, make):
    model = small_network(0)
    optimizer, rng = Adam(model.params, 0.01), np.random.default_rng(1)
    perturb = make(model, optimizer)
    train(model, *problem, optimizer, 30, 50, rng, perturb=perturb)
    return model


def robust_accuracy(model, x, y):
    rng = np.random.default_rng(2)
    x_adv = pgd(model_loss(model), x, y, 0.15, 0.03, 20, restarts=2, rng=rng)
    return accuracy(model, x_adv, y)


def defended(model, optimizer):
    growth = growing(optimizer, 80)
    return pgd_perturb(model_gradient(model), 0.15, 0.05, 5, growth=growth)


def test_a_network_learns_to_withstand_what_another_does_not(problem):
    plain = trained(problem, lambda *given: None)
    robust = trained(problem, defended)
    assert accuracy(plain, *problem) > 0.95
    assert accuracy(robust, *problem) > 0.9
    assert robust_accuracy(plain, *problem) < 0.6
    assert robust_accuracy(robust, *problem) > 0.85
