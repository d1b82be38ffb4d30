"""Losses of logits, against loops and difference quotients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks.losses import cross_entropy, dlr, margin, targeted, targeted_dlr

LOSSES = (cross_entropy, margin, dlr, targeted_dlr)


@pytest.fixture
def z(rng):
    """Right by far, right, wrong, wrong by far; ten classes, no ties."""
    z = rng.standard_normal((40, 10)) * 3
    z[:10, 3] += 20
    z[30:, 5] += 20
    return z


@pytest.fixture
def y():
    return np.full(40, 3)


def loop(loss, z, y):
    """The value of one image, from sorted Python numbers."""
    others = sorted((v for k, v in enumerate(z) if k != y), reverse=True)
    if loss is cross_entropy:
        return np.log(sum(np.exp(v - z[y]) for v in z))
    first, _, third, fourth = sorted(z, reverse=True)[:4]
    if loss is targeted_dlr:
        return -(others[0] - z[y]) / (first - (third + fourth) / 2)
    return (others[0] - z[y]) / (1 if loss is margin else first - third)


@pytest.mark.parametrize("loss", LOSSES)
def test_values_are_each_images_own(loss, z, y):
    values, _ = loss(z, y)
    assert_allclose(values, [loop(loss, *pair) for pair in zip(z, y, strict=True)])


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_difference_quotients(loss, z, y):
    h, expected = 1e-6, np.empty_like(z)
    for k in range(10):
        e = h * np.eye(10)[k]
        expected[:, k] = (loss(z + e, y)[0] - loss(z - e, y)[0]) / (2 * h)
    assert_allclose(loss(z, y)[1], expected, atol=1e-7)


@pytest.mark.parametrize("loss", [dlr, targeted_dlr])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_logits_have_a_slope_that_large_weights_can_take(loss, dtype):
    """All are equal, or all but the lowest: values and dz W stay finite."""
    z, y = np.zeros((2, 5), dtype), np.zeros(2, int)
    z[1, 0] = -100
    values, dz = loss(z, y)
    W = np.full((5, 1000), 1e6, dtype)
    assert np.isfinite(values).all()
    assert np.isfinite(dz @ W).all()
    assert (dz[:, 0] * (1 if loss is targeted_dlr else -1) > 0).all()  # towards y, away


@pytest.mark.parametrize(("loss", "K"), [(margin, 2), (dlr, 3), (targeted_dlr, 4)])
def test_the_fewest_classes(loss, K, rng):
    z, y = rng.standard_normal((5, K)), np.zeros(5, int)
    assert np.isfinite(loss(z, y)[0]).all()
    with pytest.raises(ValueError, match=rf"takes at least {K} classes, got {K - 1}$"):
        loss(z[:, 1:], y)


@pytest.mark.parametrize("rank", range(2, 11))
@pytest.mark.parametrize("loss", [margin, dlr, cross_entropy])
def test_each_target_is_reached(loss, rank):
    """Whatever the target's rank, also the third, where dlr is flat."""
    z = np.random.default_rng(rank).standard_normal((30, 10))
    y = z.argsort(axis=1)[:, -rank]
    climbed = z.copy()
    for _ in range(400):
        climbed += 0.05 * np.sign(targeted(loss)(climbed, y)[1])
    assert_array_equal(climbed.argmax(axis=1), y)
    assert (targeted(loss)(climbed, y)[0] > targeted(loss)(z, y)[0]).all()


@pytest.mark.parametrize("loss", [margin, dlr])
def test_a_sure_network_has_a_slope(loss):
    """Where cross-entropy is flat in single precision."""
    z = np.array([[200, 10, 1, 0]], np.float32)
    y = np.array([0])
    assert abs(cross_entropy(z, y)[1]).max() < 1e-38
    assert abs(loss(z, y)[1]).max() > 1e-3


@pytest.mark.parametrize("loss", [cross_entropy, margin])
def test_a_targeted_loss_is_the_negative(loss, z, y):
    values, dz = targeted(loss)(z, y)
    assert_array_equal(values, -loss(z, y)[0])
    assert_array_equal(dz, -loss(z, y)[1])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_stay_and_arguments_too(loss, z, y, dtype):
    z = z.astype(dtype)
    before = z.copy()
    values, dz = loss(z, y)
    assert values.dtype == dz.dtype == dtype
    assert_array_equal(z, before)


@pytest.mark.parametrize("loss", [dlr, targeted_dlr])
def test_equal_logits_are_no_division_by_zero(loss):
    values, dz = loss(np.zeros((1, 4)), np.array([1]))
    assert np.isfinite(values).all()
    assert not np.isnan(dz).any()
