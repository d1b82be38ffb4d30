"""What holds for both attacks, whatever images, radius, steps, bounds and dtype."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, fgsm, model_gradient, sum_gradient


def run_fgsm(gradient, x, y, eps, bounds=(0, 1)):
    return fgsm(gradient, x, y, eps, bounds)


def run_bim(gradient, x, y, eps, bounds=(0, 1)):
    return bim(gradient, x, y, eps, eps * 0.3 or 0.1, 5, bounds)


ATTACKS = pytest.mark.parametrize("attack", [run_fgsm, run_bim])

eps_values = st.floats(1e-9, 2) | st.sampled_from([0.0, 0.03, 0.3, 1.0])
bounds_values = st.none() | st.sampled_from([(0, 1), (-1, 1), (0.25, 0.5), (-3.5, 9)])
dtypes = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)


def draw_images(seed, bounds, dtype):
    low, high = bounds or (-5, 5)
    rng = np.random.default_rng(seed)
    x = np.clip(rng.uniform(low, high, (3, 4, 3, 2)).astype(dtype), low, high)
    x[0, 0], x[0, 1] = low, high  # pixels on the border too
    return x, rng.integers(10, size=3)


def within_room(eps, bounds):
    """No ball may be larger than the range of pixels."""
    low, high = bounds or (-5, 5)
    return min(eps, high - low)


def noisy_gradient(seed):
    """Return a gradient function that changes from step to step, zeros included."""
    rng = np.random.default_rng(seed)
    return lambda x, y: rng.integers(-2, 3, x.shape).astype(x.dtype)


def check_reach(x_adv, x, eps, bounds):
    rounding = 2 * np.spacing(np.abs(x).max() + x.dtype.type(eps))
    assert np.abs(x_adv - x).max() <= eps + rounding
    if bounds is not None:
        assert bounds[0] <= x_adv.min()
        assert x_adv.max() <= bounds[1]
    assert (x_adv.shape, x_adv.dtype) == (x.shape, x.dtype)


@settings(max_examples=100, deadline=None)
@given(seed=seeds, eps=eps_values, bounds=bounds_values, dtype=dtypes)
def test_fgsm_never_leaves_ball_or_bounds(seed, eps, bounds, dtype):
    x, y = draw_images(seed, bounds, dtype)
    eps = within_room(eps, bounds)
    check_reach(fgsm(noisy_gradient(seed), x, y, eps, bounds), x, eps, bounds)


@settings(max_examples=200, deadline=None)
@given(
    seed=seeds,
    eps=eps_values,
    part=st.floats(0.01, 1),
    steps=st.integers(1, 12),
    bounds=bounds_values,
    dtype=dtypes,
)
def test_bim_never_leaves_ball_or_bounds(seed, eps, part, steps, bounds, dtype):
    x, y = draw_images(seed, bounds, dtype)
    eps = within_room(eps, bounds)
    alpha = eps * part or 0.1
    x_adv = bim(noisy_gradient(seed), x, y, eps, alpha, steps, bounds)
    check_reach(x_adv, x, eps, bounds)


@settings(max_examples=50, deadline=None)
@given(seed=seeds, eps=eps_values, bounds=bounds_values, dtype=dtypes)
def test_one_large_step_of_bim_is_fgsm(seed, eps, bounds, dtype):
    x, y = draw_images(seed, bounds, dtype)
    eps = within_room(eps, bounds)
    x_fgsm = fgsm(noisy_gradient(seed), x, y, eps, bounds)
    x_bim = bim(noisy_gradient(seed), x, y, eps, eps or 1, 1, bounds)
    assert_array_equal(x_bim, x_fgsm, strict=True)


@ATTACKS
def test_images_labels_and_networks_stay_as_they_were(attack, members, x, y):
    x_before, y_before = x.copy(), y.copy()
    params = [p for member in members for p in member.params]
    for p in params:
        p.grad[:] = 7
    data = [p.data.copy() for p in params]
    attack(sum_gradient(members), x, y, 0.3)
    assert_array_equal(x, x_before)
    assert_array_equal(y, y_before)
    for p, before in zip(params, data, strict=True):
        assert_array_equal(p.data, before)
        assert_array_equal(p.grad, np.full_like(before, 7))


@ATTACKS
def test_read_only_images_can_be_attacked(attack, cnn, x, y):
    expected = attack(model_gradient(cnn), x, y, 0.1)
    x.flags.writeable = y.flags.writeable = False
    assert_array_equal(attack(model_gradient(cnn), x, y, 0.1), expected)


@ATTACKS
def test_dropout_of_an_earlier_training_step_changes_nothing(attack, cnn, x, y, rng):
    expected = attack(model_gradient(cnn), x, y, 0.1)
    cnn.forward(x, rng)
    assert_array_equal(attack(model_gradient(cnn), x, y, 0.1), expected)


@ATTACKS
def test_an_images_attack_does_not_depend_on_its_batch(attack, cnn, x, y, rng):
    gradient, order = model_gradient(cnn), rng.permutation(len(x))
    whole = attack(gradient, x, y, 0.1)
    halves = [attack(gradient, x[s], y[s], 0.1) for s in (slice(3), slice(3, None))]
    assert_allclose(np.concatenate(halves), whole, atol=1e-12)
    assert_allclose(attack(gradient, x[order], y[order], 0.1), whole[order], atol=1e-12)


@ATTACKS
def test_any_function_of_images_and_labels_is_a_gradient(attack, x, y):
    target = np.full_like(x, 0.5)
    x_adv = attack(lambda x, y: target - x, x, y, 0.1)
    assert (np.abs(x_adv - target).mean()) < np.abs(x - target).mean()


@ATTACKS
@pytest.mark.parametrize("model_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [float, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_keep_their_dtype(attack, cnn, x, y, model_dtype, number, dtype):
    """NumPy's promotion must not turn float32 images into float64, whatever asks."""
    gradient, bounds = model_gradient(cnn.astype(model_dtype)), (number(0), number(1))
    x_adv = attack(gradient, x.astype(dtype), y, number(0.25), bounds)
    assert x_adv.dtype == dtype


@ATTACKS
def test_the_kind_of_float_given_as_eps_changes_no_bit(attack, cnn, x, y):
    gradient, x = model_gradient(cnn.astype(np.float32)), x.astype(np.float32)
    expected = attack(gradient, x, y, 0.1)
    assert_array_equal(attack(gradient, x, y, np.float64(0.1)), expected)


@ATTACKS
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_labels_of_any_integer_type(attack, cnn, x, y, kind):
    expected = attack(model_gradient(cnn), x, y, 0.1)
    assert_array_equal(attack(model_gradient(cnn), x, y.astype(kind), 0.1), expected)
