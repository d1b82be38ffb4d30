"""What holds for every attack: the ball, the bounds, the types, and what it leaves."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from attacks import Threat, apgd, distance, margin, model_loss, pgd, square
from tests.attacks.conftest import new_cnn
from tests.attacks.every_attack import BALL_ATTACKS, EVERY_ATTACK, TARGETED

EVERY = pytest.mark.parametrize("name", EVERY_ATTACK)
IN_A_BALL = pytest.mark.parametrize("name", BALL_ATTACKS)
NOT_RANDOM = ["fgsm", "bim", "mi_fgsm", "apgd_l2", "deepfool", "jsma", "carlini_wagner"]


def attack(name, model, x, y, eps=0.1, bounds=(0, 1), seed=0):
    return EVERY_ATTACK[name](model, x, y, eps, np.random.default_rng(seed), bounds)


@IN_A_BALL
@settings(max_examples=15, deadline=None)
@given(
    eps=st.floats(1e-6, 2) | st.sampled_from([0.0, 0.3]),
    bounds=st.none() | st.sampled_from([(0, 1), (-1, 1), (0.25, 0.5)]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_never_leaves_the_threat_model(name, eps, bounds, dtype, seed):
    rng = np.random.default_rng(seed)
    model = new_cnn(rng, dtype)
    low, high = bounds or (-2, 2)
    x = rng.uniform(low, high, (3, 6, 6, 2)).astype(dtype).clip(low, high)
    x[0, 0], x[0, 1] = low, high
    eps = min(eps, high - low)
    x_adv = attack(name, model, x, rng.integers(4, size=3), eps, bounds, seed)
    Threat(BALL_ATTACKS[name][0], eps, bounds).check(x_adv, x)
    assert x_adv.dtype == dtype


@EVERY
@pytest.mark.parametrize("bounds", [(0, 1), (-0.5, 1.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stays_within_the_range_and_keeps_the_type(name, cnn, x, y, bounds, dtype):
    x_adv = attack(name, cnn.astype(dtype), x.astype(dtype), y, bounds=bounds)
    assert (x_adv.shape, x_adv.dtype) == (x.shape, dtype)
    assert bounds[0] <= x_adv.min()
    assert x_adv.max() <= bounds[1]


@EVERY
def test_changes_something_but_no_argument(name, cnn, x, y):
    before = x.copy(), y.copy(), [p.data.copy() for p in cnn.params]
    gradients = [p.grad.copy() for p in cnn.params]
    x_adv = attack(name, cnn, x, y, 0.5)
    assert (x_adv != x).any()
    assert not np.shares_memory(x_adv, x)
    assert_array_equal(x, before[0])
    assert_array_equal(y, before[1])
    for p, data, grad in zip(cnn.params, before[2], gradients, strict=True):
        assert_array_equal(p.data, data)
        assert_array_equal(p.grad, grad)


@EVERY
def test_same_seed_same_bits(name, cnn, x, y):
    assert_array_equal(attack(name, cnn, x, y), attack(name, cnn, x, y))


@pytest.mark.parametrize("name", NOT_RANDOM)
def test_an_image_does_not_depend_on_its_batch(name, cnn, x, y, rng):
    order = rng.permutation(len(x))
    whole = attack(name, cnn, x, y)
    halves = [attack(name, cnn, x[s], y[s]) for s in (slice(3), slice(3, None))]
    assert_allclose(np.concatenate(halves), whole, atol=1e-10)
    assert_allclose(attack(name, cnn, x[order], y[order]), whole[order], atol=1e-10)


@pytest.mark.parametrize("attack", [partial(pgd, alpha=0.1), apgd])
def test_a_start_does_not_depend_on_who_is_done(attack):
    """The last of three never is; the others are after the first restart, or never."""
    x, y = np.full((3, 1, 2, 1), 0.5), np.arange(3)

    def last_seen(done):
        seen = []

        def loss(x, y):
            seen.append(x[-1])
            return 1.0 * (y < done), np.zeros_like(x)

        rng = np.random.default_rng(0)
        attack(loss, x, y, 0.1, steps=1, restarts=3, rng=rng, stop_above=0)
        return np.array(seen)

    assert_array_equal(last_seen(done=2), last_seen(done=0))


def test_a_square_does_not_depend_on_who_is_done(cnn, x):
    """Others are misread from the start, or aren't: their draws are always taken."""
    right, others_done = cnn.predict(x), (cnn.predict(x) + 1) % 4
    others_done[-1] = right[-1]
    for seed in range(5):
        one = attack("square", cnn, x, right, 0.01, seed=seed)
        two = attack("square", cnn, x, others_done, 0.01, seed=seed)
        same = np.isclose(one[-1], two[-1], atol=1e-10)
        assert same.mean() > 0.9  # rounding decides on a square without any effect


@IN_A_BALL
def test_no_room_no_change(name, cnn, x, y):
    assert_array_equal(attack(name, cnn, x, y, eps=0.0), x)


@pytest.mark.parametrize("name", [n for n in EVERY_ATTACK if n != "square"])
def test_it_does_what_it_is_for(name, cnn, x, y):
    """The label's probability falls, or the target's grows."""
    rows = np.arange(len(x))
    y = y if name in TARGETED else cnn.predict(x)
    before = cnn.predict_proba(x)[rows, y]
    after = cnn.predict_proba(attack(name, cnn, x, y, eps=0.4))[rows, y]
    better = after - before if name in TARGETED else before - after
    assert better.mean() > 1e-3
    assert (better >= -1e-9).mean() > 0.8  # a margin may grow while p_y does not fall


@EVERY
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x, y: (x + 1, y), ValueError, r"x must lie in \[0, 1\]"),
        (lambda x, y: (x * np.nan, y), ValueError, "x must be finite"),
        (lambda x, y: (x[:0], y[:0]), ValueError, "x must not be empty"),
        (lambda x, y: (x.astype(np.float16), y), TypeError, "x must be float32 or"),
        (
            lambda x, y: (x.tolist(), y),
            TypeError,
            "x must be a NumPy or CuPy array, got list",
        ),
        (lambda x, y: (x, y[:7]), ValueError, r"must have shape \(8,\), got \(7,\)"),
        (lambda x, y: (x, y - 4), ValueError, "(y|target) must be 0 or more"),
        (lambda x, y: (x, y * 1.0), TypeError, "(y|target) must hold integer labels"),
    ],
)
def test_bad_images_and_labels(name, cnn, x, y, change, error, message):
    with pytest.raises(error, match=message):
        attack(name, cnn, *change(x, y))


@EVERY
@pytest.mark.parametrize("bounds", [(1, 0), (0, 0)])
def test_bad_bounds(name, cnn, x, y, bounds):
    with pytest.raises(ValueError, match="bounds must be"):
        attack(name, cnn, x, y, bounds=bounds)


@pytest.mark.parametrize("name", ["jsma", "lbfgs", "carlini_wagner"])
def test_some_need_a_range(name, cnn, x, y):
    with pytest.raises(ValueError, match=r"bounds must be .* both finite, got None"):
        attack(name, cnn, x, y, bounds=None)
    with pytest.raises(ValueError, match=r"both finite, got \(0, inf\)"):
        attack(name, cnn, x, y, bounds=(0, np.inf))


@IN_A_BALL
@pytest.mark.parametrize("eps", [-0.1, np.nan, np.inf])
def test_bad_eps(name, cnn, x, y, eps):
    with pytest.raises(ValueError, match=r"eps must be in \[0, inf\)"):
        attack(name, cnn, x, y, eps=eps)


@EVERY
def test_labels_that_the_network_does_not_know(name, cnn, x, y):
    y[3] = 4
    with pytest.raises(ValueError, match=r"^(y|target) must be 0 to 3, got \d to 4"):
        attack(name, cnn, x, y)


@pytest.mark.parametrize("name", ["apgd_l2", "deepfool", "carlini_wagner"])
def test_an_image_that_is_misread_already_is_done(name, cnn, x):
    wrong = (cnn.predict(x) + 1) % 4
    moved = distance(attack(name, cnn, x, wrong), x, "L2")
    if name == "carlini_wagner":  # its x(w) is x to rounding
        assert moved.max() < 1e-4
    else:
        assert_array_equal(moved, 0)


STOPPING = pytest.mark.parametrize("name", ["pgd", "apgd", "square"])


def stopping(name, model, x, y, **settings):
    """Run an attack that takes stop_above and rng."""
    loss = model_loss(model, margin)
    run = {
        "pgd": partial(pgd, loss, x, y, 0.1, 0.02, 5),
        "apgd": partial(apgd, loss, x, y, 0.1, 5),
        "square": partial(square, model.predict_proba, x, y, 0.1, queries=5),
    }
    return run[name](**{"rng": np.random.default_rng(0)} | settings)


@STOPPING
def test_a_threshold_that_nothing_exceeds_is_refused(name, cnn, x, y):
    with pytest.raises(
        ValueError, match=r"stop_above must be in \[-inf, inf\], got nan"
    ):
        stopping(name, cnn, x, y, stop_above=np.nan)
    with pytest.raises(TypeError, match="stop_above must be a number, got None"):
        stopping(name, cnn, x, y, stop_above=None)


@STOPPING
def test_a_seed_is_no_generator(name, cnn, x, y):
    with pytest.raises(TypeError, match=r"rng must be a generator, .* got 0"):
        stopping(name, cnn, x, y, rng=0)
