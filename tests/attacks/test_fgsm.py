"""FGSM: x + eps sign(grad), clipped to the range of pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import fgsm, model_gradient


def closed_form_gradient(model, x, y):
    """W (p - onehot(y)) of z = flat(x) W + b, in plain NumPy."""
    W, b = (p.data for p in model.params)
    z = x.reshape(len(x), -1) @ W + b
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return ((p - np.eye(W.shape[1])[y]) @ W.T).reshape(x.shape)


@pytest.mark.parametrize("eps", [0.03, 0.3, 1.0])
def test_closed_form_on_a_linear_model(linear_model, x, y, eps):
    x_adv = fgsm(model_gradient(linear_model), x, y, eps)
    moved = x + eps * np.sign(closed_form_gradient(linear_model, x, y))
    assert_array_equal(x_adv, np.minimum(np.maximum(moved, 0), 1))


@pytest.mark.parametrize("value", [-2.5, 1e-30, 0.0])
def test_only_the_gradients_sign_counts(x, y, value):
    x_adv = fgsm(lambda x, y: np.full_like(x, value), x, y, 0.25, bounds=None)
    assert_array_equal(x_adv, x + 0.25 * np.sign(value))


def test_without_bounds_pixels_leave_the_range(x, y):
    x_adv = fgsm(lambda x, y: np.ones_like(x), x, y, 0.5, bounds=None)
    assert_array_equal(x_adv, x + 0.5)
    assert x_adv.max() > 1


@pytest.mark.parametrize("bounds", [(0, 1), (-1, 2), (-0.5, 1.25)])
def test_pixels_stay_in_the_bounds_asked_for(x, y, bounds):
    def gradient(x, y):
        return np.where(x < 0.5, -1.0, 1.0)

    x_adv = fgsm(gradient, x, y, bounds[1] - bounds[0], bounds)
    assert_array_equal(x_adv, np.where(x < 0.5, *bounds))


def test_bounds_are_0_to_1_unless_given(x, y):
    x_adv = fgsm(lambda x, y: np.where(x < 0.5, -1.0, 1.0), x, y, 1)
    assert_array_equal(x_adv, np.where(x < 0.5, 0, 1))


@pytest.mark.parametrize("bounds", [(0, 1), None])
def test_eps_0_returns_an_equal_copy(cnn, x, y, bounds):
    x_adv = fgsm(model_gradient(cnn), x, y, 0, bounds)
    assert_array_equal(x_adv, x)
    assert not np.shares_memory(x_adv, x)


@pytest.mark.parametrize("eps", [0.01, 0.1])
def test_the_loss_of_a_linear_model_grows_as_its_convexity_promises(
    linear_model, x, y, eps, cost
):
    """J is convex in x, so J(x + eps sign g) >= J(x) + eps |g|_1."""
    gradient = model_gradient(linear_model)
    promised = cost(linear_model, x, y) + eps * np.abs(gradient(x, y)).sum((1, 2, 3))
    x_adv = fgsm(gradient, x, y, eps, bounds=None)
    assert (cost(linear_model, x_adv, y) >= promised - 1e-12).all()


def test_a_small_step_raises_every_images_loss(cnn, x, y, cost):
    x_adv = fgsm(model_gradient(cnn), x, y, 1e-4)
    assert (cost(cnn, x_adv, y) > cost(cnn, x, y)).all()


def test_the_true_labels_decide_the_direction(linear_model, x, y, cost):
    """Another label, another image: y isn't replaced by the prediction."""
    gradient = model_gradient(linear_model)
    for label in range(4):
        labels = np.full(len(x), label)
        x_adv = fgsm(gradient, x, labels, 0.05, bounds=None)
        after = cost(linear_model, x_adv, labels)
        assert (after > cost(linear_model, x, labels)).all()
