"""DeepFool, Carlini-Wagner and L-BFGS: distances in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from attacks import (
    carlini_wagner,
    deepfool,
    distance,
    lbfgs,
    loss_of,
    margin,
    model_loss,
    network,
    targeted,
)
from attacks.carlini_wagner import TanhSpace
from attacks.deepfool import MARGIN
from attacks.search import Bisection
from tests.attacks.conftest import LinearVictim, Recorded


@pytest.mark.parametrize(("norm", "dual"), [("L2", 2), ("Linf", 1)])
@pytest.mark.parametrize("overshoot", [0.0, 0.02])
def test_deepfool_goes_straight_to_the_nearest_border(victim, norm, dual, overshoot):
    """|r| = |f| / |w|_2 in L2, |f| / |w|_1 in Linf, and a margin: one step."""
    v, (smallest, nearest) = victim, victim.smallest(dual)
    found = deepfool(v.logits, v.vjp, v.x, v.y, norm, overshoot, steps=1)
    expected = (1 + overshoot) * (smallest + MARGIN)
    assert_allclose(distance(found, v.x, norm), expected, rtol=1e-9)
    assert_array_equal(v.model.predict(found), nearest)
    w = v.borders()[1][np.arange(12), nearest].reshape(v.x.shape)
    way = w / np.sqrt((w * w).sum((1, 2, 3), keepdims=True))
    if norm == "Linf":
        way = np.sign(w)
    assert_allclose(found - v.x, way * expected[:, None, None, None], atol=1e-9)


def test_deepfool_stops_where_the_class_changes(victim):
    """Steps after that change nothing, and none changes a misclassified image."""
    v, wrong = victim, (victim.y + 1) % 4
    once = deepfool(v.logits, v.vjp, v.x, v.y, steps=1)
    assert_array_equal(deepfool(v.logits, v.vjp, v.x, v.y, steps=9), once)
    assert_array_equal(deepfool(v.logits, v.vjp, v.x, wrong), v.x)


def test_deepfool_is_newtons_method_on_one_pixel():
    """Towards the zero of x^2 - 0.04 at 0.2, from 0.9, where class 0 is predicted."""
    x, y = np.full((1, 1, 1, 1), 0.9), np.zeros(1, int)

    def logits(x):
        return np.stack([x[:, 0, 0, 0] ** 2 - 0.04, np.zeros(len(x))], axis=1)

    def vjp(x, dz):
        return (2 * x[:, 0, 0, 0] * dz[..., 0])[..., None, None, None]

    r, at = 0.0, 0.9
    with pytest.warns(UserWarning, match="found nothing for 1 of 1"):
        found = deepfool(logits, vjp, x, y, overshoot=0.001, steps=3)
    for _ in range(3):
        r -= (at * at - 0.04) / (2 * at) + MARGIN
        at = 0.9 + 1.001 * r
    assert found.item() == pytest.approx(at, rel=1e-12)
    assert 0.2 < at < 0.25
    with pytest.warns(UserWarning, match="found nothing"):
        assert deepfool(logits, vjp, x, y, bounds=(0.3, 1)).item() == 0.3


def test_a_class_without_slope_is_out_of_reach(victim):
    """With equal weights there is no border, so the next class is taken."""
    W = victim.model.params[0].data
    W[:, 2] = W[:, 3]
    found = deepfool(victim.logits, victim.vjp, victim.x, victim.y)
    assert np.isfinite(found).all()
    assert (victim.model.predict(found) != victim.y).all()


@pytest.mark.parametrize("c", [0.1, 1000])
def test_carlini_wagner_converges_to_the_least_distance(c):
    """From a c that is too small, or so large that the distance hardly counts."""
    victim = LinearVictim(images=4)
    v, (smallest, _) = victim, victim.smallest(2)
    loss = model_loss(v.model, margin)
    found = carlini_wagner(loss, v.x, v.y, c=c, searches=16, steps=300)
    assert (v.model.predict(found) != v.y).all()
    assert_allclose(distance(found, v.x, "L2"), smallest, rtol=0.03)


def test_carlini_wagner_towards_a_target_with_confidence():
    """With two classes z_t - z_y >= kappa is (f + kappa) / |w| away."""
    victim = LinearVictim(images=4)
    W, b = (p.data for p in victim.model.params)
    W[:, 2:], b[2:] = 0, -100
    y = victim.model.predict(victim.x)
    target, w = 1 - y, np.linalg.norm(W[:, 0] - W[:, 1])
    z = victim.model.forward(victim.x)
    f = abs(z[:, 0] - z[:, 1])
    loss, search = loss_of(network(victim.model), targeted(margin)), (0.1, 0.5, 9, 300)
    found = carlini_wagner(loss, victim.x, target, *search)
    assert (loss(found, target)[0] > 0.5).all()
    assert_allclose(distance(found, victim.x, "L2"), (f + 0.5) / w, rtol=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_c_grows_until_more_would_overflow(dtype):
    """In Adam, c is squared, which float32 holds up to 1e19. A larger c is kept."""
    search = Bisection(1e-3, np.zeros(3, dtype))
    search.c[2] = 1e15
    for _ in range(50):
        search.update(np.array([False, True, False]))
    assert 0.99e10 < search.c[0] < 1.01e11
    assert search.c[2] == dtype(1e15)
    assert search.c.dtype == dtype


@pytest.mark.filterwarnings("error:overflow")
def test_searches_without_end_make_no_nan():
    """The images are returned, with a warning: nothing is wrong with the loss."""
    victim = LinearVictim(dtype=np.float32)
    loss = lambda x, y: (np.full(len(x), -1.0, x.dtype), 100 * np.ones_like(x))  # noqa: E731
    with pytest.warns(UserWarning, match="found nothing for 12 of 12"):
        found = carlini_wagner(loss, victim.x, victim.y, searches=50, steps=3)
    assert_array_equal(found, victim.x)


def test_carlini_wagners_first_step_is_its_learning_rate(victim):
    """Adam's first step is lr in each of w, where x = (tanh(w) + 1) / 2."""
    loss = Recorded(lambda x, y: (np.full(len(x), -1.0), np.ones_like(x)))
    inner, lr = victim.x.clip(0.3, 0.7), 0.2
    carlini_wagner(loss, inner, victim.y, lr=lr, searches=1, steps=2)
    w = [np.arctanh(2 * x - 1) for x in loss.seen]
    assert_allclose(w[1] - w[0], lr, rtol=1e-4)


def test_tanh_space_ends_at_the_bounds():
    """Rounding would leave them: 0.03 + (0.29 - 0.03) (1 + 1) / 2 is above 0.29."""
    x, slope = TanhSpace((0.03, 0.29))(np.array([-40.0, 40.0]))
    assert_array_equal(x, [0.03, 0.29])
    assert_array_equal(slope, 0)


def test_tanh_space_has_its_derivative_and_inverse():
    space, w, h = TanhSpace((-1, 3)), np.linspace(-2, 2, 9), 1e-6
    difference = (space(w + h)[0] - space(w - h)[0]) / (2 * h)
    assert_allclose(space(w)[1], difference, rtol=1e-8)
    assert_allclose(space(w)[0], -1 + 4 * (np.tanh(w) + 1) / 2, rtol=1e-12)
    x = np.linspace(-1, 3, 9)
    assert np.isfinite(space.inverse(x)).all()
    assert_allclose(space(space.inverse(x))[0], x, atol=1e-3)


def flat_loss(x, y, value=-1.0):
    return np.full(len(x), value), np.zeros_like(x)


def equal_loss(x, y):
    return flat_loss(x, y, 0.0)  # two classes are equal: neither is predicted


WITHOUT_SUCCESS = {
    "carlini_wagner": lambda v: carlini_wagner(flat_loss, v.x, v.y, 1, 0, 1, 2),
    "carlini_wagner ": lambda v: carlini_wagner(equal_loss, v.x, v.y, 1, 0, 1, 2),
    "lbfgs": lambda v: lbfgs(flat_loss, v.model.predict, v.x, (v.y + 1) % 4, 1, 1, 1),
    "deepfool": lambda v: deepfool(
        v.logits, lambda x, dz: 0 * v.vjp(x, dz), v.x, v.y, steps=2
    ),
}


@pytest.mark.parametrize("name", WITHOUT_SUCCESS)
def test_an_attack_that_finds_nothing_warns_for_how_many_images(victim, name):
    """An evaluation counts these images as robust."""
    message = f"^{name.strip()} found nothing for 12 of 12 images, which are returned"
    with pytest.warns(UserWarning, match=message):
        x_adv = WITHOUT_SUCCESS[name](victim)
    assert_allclose(x_adv, victim.x, atol=1e-3 if name == "deepfool" else 0)


@pytest.mark.parametrize("name", WITHOUT_SUCCESS)
def test_a_warning_shows_the_line_that_called_the_attack(victim, name):
    with pytest.warns(UserWarning, match="found nothing") as told:
        WITHOUT_SUCCESS[name](victim)
    assert told[0].filename == __file__


@pytest.mark.filterwarnings("error")
def test_an_attack_that_succeeds_for_all_images_is_silent(victim):
    loss = model_loss(victim.model, margin)
    deepfool(victim.logits, victim.vjp, victim.x, victim.y)
    carlini_wagner(loss, victim.x, victim.y, 0.1, searches=1, steps=100, lr=0.1)


def test_lbfgs_on_a_convex_quadratic(victim):
    """argmin of |r|^2 + c |x + r - a|^2 / 2 is c (a - x) / (2 + c), then the box."""
    x, c = victim.x, 3.0
    a = np.linspace(-2, 3, 72).reshape(1, 6, 6, 2)

    def loss(x, y):
        return ((x - a) ** 2).sum((1, 2, 3)) / 2, x - a

    answers = iter([np.zeros(len(x), int), np.ones(len(x), int)])  # the first succeeds
    target = np.ones(len(x), int)
    found = lbfgs(loss, lambda v: next(answers), x, target, c, searches=1)
    assert_allclose(found, (x + c * (a - x) / (2 + c)).clip(0, 1), atol=1e-5)


def test_lbfgs_minimises_within_the_box(victim):
    """Not only clipped to it: pixels inside take over from those at its end.

    J = (sum of v - 60)^2 / 2; where 0 < v < 1 the objective's slope is 0.
    """
    x, c = victim.x[:2].copy(), 3.0
    x[:, :3] = 0.999

    def loss(v, y):
        short = v.sum(axis=(1, 2, 3)) - 60
        return short**2 / 2, np.broadcast_to(short[:, None, None, None], v.shape)

    answers = iter([np.zeros(2, int), np.ones(2, int)])
    found = lbfgs(loss, lambda v: next(answers), x, np.ones(2, int), c, searches=1)
    slope = 2 * (found - x) + c * loss(found, None)[1]
    assert (found[:, :3] == 1).all()
    assert abs(slope[:, 3:]).max() < 1e-4
    assert found.max() <= 1


def test_lbfgs_takes_no_more_steps_than_allowed(victim):
    def calls(steps):
        asked = []

        def loss(x, y):  # a narrow valley: no few steps reach its end
            asked.append(1)
            r, steep = x.reshape(len(x), -1) - 0.3, np.logspace(0, 6, x[0].size)
            return (steep * r**2).sum(axis=1), (2 * steep * r).reshape(x.shape)

        wrong = victim.y[:1] - 1
        lbfgs(loss, lambda x: wrong, victim.x[:1], victim.y[:1], 0.01, 1, steps)
        return len(asked)

    assert calls(1) < 20 <= calls(20)


def test_lbfgs_seeks_the_least_weight(victim):
    """Near the least distance at which the target is predicted, and never below.

    Cross-entropy counts other rivals too, and so doesn't lead quite straight there.
    """
    x, target = victim.x[:3], (victim.y[:3] + 1) % 4
    loss, predict = model_loss(victim.model), victim.model.predict
    found = lbfgs(loss, predict, x, target, c=0.1, searches=9)
    assert_array_equal(predict(found), target)
    least = [to_region(victim, n, target[n]) for n in range(3)]
    ratio = distance(found, x, "L2") / least
    assert ratio.min() > 0.999
    assert ratio.max() < 1.15


def to_region(victim, n, t):
    """The least |r| after which class t is predicted, by a general solver."""
    W, b = (p.data for p in victim.model.params)
    x, others = victim.x[n].ravel(), [k for k in range(4) if k != t]
    A, gap = W[:, [t]] - W[:, others], b[t] - b[others]
    ahead = {"fun": lambda r: (x + r) @ A + gap, "jac": lambda r: A.T}
    least = minimize(
        lambda r: r @ r,
        np.zeros_like(x),
        jac=lambda r: 2 * r,
        constraints={"type": "ineq", **ahead},
    )
    return np.sqrt(least.fun)


def test_lbfgs_leaves_images_classified_as_the_target(victim):
    loss, predict = model_loss(victim.model), victim.model.predict
    assert_array_equal(lbfgs(loss, predict, victim.x, victim.y, searches=2), victim.x)
