"""What holds for every attack: its ball, bounds and types; arguments stay."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from attacks import Threat, apgd, apgd_targeted, bim, distance, fgsm, pgd
from tests.attacks.conftest import new_cnn
from tests.attacks.every_attack import BALLS, RUNS, TARGETED, functions_of, run

EVERY = pytest.mark.parametrize("name", RUNS)
IN_A_BALL = pytest.mark.parametrize("name", BALLS)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
NOT_RANDOM = ["fgsm", "bim", "mi_fgsm", "apgd_l2", "deepfool", "jsma", "carlini_wagner"]
NEED_A_RANGE = ("jsma", "lbfgs", "carlini_wagner", "hop_skip_jump")


def attack(name, model, *arguments, **settings):
    return run(name, functions_of(model), *arguments, **settings)


def draw_images(seed, eps, bounds, dtype):
    """Images with pixels on the border, too, and eps for which there is room."""
    rng = np.random.default_rng(seed)
    low, high = bounds or (-2, 2)
    x = rng.uniform(low, high, (3, 6, 6, 2)).astype(dtype).clip(low, high)
    x[0, 0], x[0, 1] = low, high
    return x, rng.integers(4, size=3), min(eps, high - low)


DRAWN = given(
    eps=st.floats(1e-9, 2) | st.sampled_from([0.0, 0.3]),
    bounds=st.none() | st.sampled_from([(0, 1), (-1, 1), (0.25, 0.5), (-3.5, 9)]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)


@IN_A_BALL
@settings(max_examples=15, deadline=None)
@DRAWN
def test_never_leaves_the_threat_model(name, eps, bounds, dtype, seed):
    x, y, eps = draw_images(seed, eps, bounds, dtype)
    x_adv = attack(name, new_cnn(np.random.default_rng(0), dtype), x, y, eps, bounds)
    norm = BALLS[name]
    Threat(norm, eps, bounds).check(x_adv, x)
    assert x_adv.dtype == dtype
    if norm == "Linf":  # to the last bit but one
        rounding = 2 * np.spacing(np.abs(x).max() + x.dtype.type(eps))
        assert np.abs(x_adv - x).max() <= eps + rounding


def noisy_gradient(seed):
    """A gradient function that changes from step to step, zeros included."""
    rng = np.random.default_rng(seed)
    return lambda x, y: rng.integers(-2, 3, x.shape).astype(x.dtype)


@settings(max_examples=50, deadline=None)
@DRAWN
def test_one_large_step_of_bim_is_fgsm(eps, bounds, dtype, seed):
    x, y, eps = draw_images(seed, eps, bounds, dtype)
    x_fgsm = fgsm(noisy_gradient(seed), x, y, eps, bounds)
    x_bim = bim(noisy_gradient(seed), x, y, eps, eps or 1, 1, bounds)
    assert_array_equal(x_bim, x_fgsm, strict=True)


@EVERY
@pytest.mark.parametrize("bounds", [(0, 1), (-0.5, 1.5)])
@pytest.mark.parametrize(
    ("number", "model_dtype"),
    [(float, np.float32), (np.float32, np.float64), (np.float64, np.float32)],
)
@DTYPES
def test_stays_within_the_range_and_keeps_the_type(
    name, cnn, x, y, bounds, number, model_dtype, dtype
):
    """NumPy's promotion must not turn float32 images into float64."""
    cnn, x = cnn.astype(model_dtype), x.astype(dtype)[:3]
    within = tuple(map(number, bounds))
    x_adv = attack(name, cnn, x, y[:3], number(0.25), within)
    assert (x_adv.shape, x_adv.dtype) == (x.shape, dtype)
    assert bounds[0] <= x_adv.min()
    assert x_adv.max() <= bounds[1]


@EVERY
def test_changes_something_but_no_argument(name, cnn, x, y):
    for p in cnn.params:
        p.grad[:] = 7
    before = x.copy(), y.copy(), [p.data.copy() for p in cnn.params]
    x.flags.writeable = y.flags.writeable = False
    x_adv = attack(name, cnn, x, y, 0.5)
    assert (x_adv != x).any()
    assert not np.shares_memory(x_adv, x)
    assert_array_equal(x, before[0])
    assert_array_equal(y, before[1])
    for p, data in zip(cnn.params, before[2], strict=True):
        assert_array_equal(p.data, data)
        assert_array_equal(p.grad, np.full_like(data, 7))


@EVERY
def test_same_seed_same_bits(name, cnn, x, y, rng):
    """Whatever the labels' type, and whatever dropout was drawn before."""
    expected = attack(name, cnn, x, y)
    cnn.forward(x, rng)
    for kind in (np.uint8, np.int32, np.int64):
        assert_array_equal(attack(name, cnn, x, y.astype(kind)), expected)


@pytest.mark.parametrize("name", NOT_RANDOM)
def test_an_image_does_not_depend_on_its_batch(name, cnn, x, y, rng):
    order = rng.permutation(len(x))
    whole = attack(name, cnn, x, y)
    halves = [attack(name, cnn, x[s], y[s]) for s in (slice(3), slice(3, None))]
    assert_allclose(np.concatenate(halves), whole, atol=1e-10)
    assert_allclose(attack(name, cnn, x[order], y[order]), whole[order], atol=1e-10)


@pytest.mark.parametrize("attack", [partial(pgd, alpha=0.1), apgd])
def test_a_start_does_not_depend_on_which_images_are_done(attack):
    """The last of three images never is; the others are, or not, after one restart."""
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


def four_logits(x):
    return np.tile(np.arange(4.0), (len(x), 1))


@pytest.mark.parametrize(
    "attack",
    [
        partial(pgd, alpha=0.1, restarts=3),
        partial(apgd, restarts=3),
        partial(apgd_targeted, four_logits, targets=3),
    ],
)
def test_each_run_starts_from_a_new_random_point_of_the_ball(attack):
    """The loss is flat: a run takes two gradients, the first of them at its start."""
    x, ball, seen = np.full((2, 1, 2, 1), 0.5), Threat("Linf", 0.1), []

    def loss(x, y):
        seen.append(x)
        return np.full(len(x), -1.0), np.zeros_like(x)

    attack(loss, x, np.array([3, 3]), 0.1, steps=1, rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    assert_array_equal(seen[::2], [ball.random_point(x, rng) for _ in range(3)])


def test_a_square_does_not_depend_on_which_images_are_done(cnn, x):
    """Draws are taken for all images, also for those that are misclassified."""
    right, others_done = cnn.predict(x), (cnn.predict(x) + 1) % 4
    others_done[-1] = right[-1]
    for seed in range(5):
        one = attack("square", cnn, x, right, 0.01, seed=seed)
        two = attack("square", cnn, x, others_done, 0.01, seed=seed)
        same = np.isclose(one[-1], two[-1], atol=1e-10)
        assert same.mean() > 0.9  # rounding decides on a square without any effect


@IN_A_BALL
@pytest.mark.parametrize("bounds", [(0, 1), None])
def test_no_room_no_change(name, cnn, x, y, bounds):
    x_adv = attack(name, cnn, x, y, 0.0, bounds)
    assert_array_equal(x_adv, x)
    assert not np.shares_memory(x_adv, x)


@pytest.mark.parametrize("name", [n for n in RUNS if "square" not in n])
def test_the_labels_probability_falls_or_the_targets_grows(name, cnn, x, y):
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
    ("change", "message"),
    [
        (lambda x, y: (x + 1, y), r"x must lie in \[0, 1\], got values from 1"),
        (lambda x, y: (x[..., :1], y), r"x must have shape \(N, 6, 6, 2\), .* 1\)"),
        (lambda x, y: (x, y + 4 * (y == y[3])), "(y|target) must be 0 to 3, got"),
    ],
)
def test_images_and_labels_that_are_no_arguments_of_the_network(
    name, cnn, x, y, change, message
):
    """Arguments that don't depend on the network: test_every_entry."""
    if name == "hop_skip_jump" and message.startswith("(y"):
        return  # it sees classes alone and doesn't know how many there are
    with pytest.raises(ValueError, match=f"^{message}"):
        attack(name, cnn, *change(x, y))


@EVERY
def test_bounds_of_its_own_and_none(name, cnn, x, y):
    with pytest.raises(ValueError, match=r"x must lie in \[0.25, 1\], got values from"):
        attack(name, cnn, x, y, bounds=(0.25, 1))
    if name not in NEED_A_RANGE:
        attack(name, cnn, 10 * x - 5, y, bounds=None)
        return
    for bounds in (None, (0, np.inf)):
        with pytest.raises(ValueError, match=r"bounds must be .* both finite, got"):
            attack(name, cnn, x, y, bounds=bounds)


@pytest.mark.parametrize("name", ["apgd_l2", "deepfool", "carlini_wagner"])
def test_a_misclassified_image_is_done(name, cnn, x):
    wrong = (cnn.predict(x) + 1) % 4
    moved = distance(attack(name, cnn, x, wrong), x, "L2")
    if name == "carlini_wagner":  # its x(w) is x to rounding
        assert moved.max() < 1e-4
    else:
        assert_array_equal(moved, 0)
