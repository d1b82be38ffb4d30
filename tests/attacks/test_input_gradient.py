"""input_gradient: each image's own dJ/dx, in evaluation mode, parameters untouched."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import fgsm, input_gradient, model_gradient
from minidl import Flatten, Linear, Sequential, cifar10_cnn, mnist_cnn

PAPER_NETWORKS = [mnist_cnn, cifar10_cnn]


def slope(f, x, direction, h):
    """Return the central difference of f along a direction."""
    return float(f(x + h * direction) - f(x - h * direction)) / (2 * h)


def test_central_differences_of_the_sum_of_j(cnn, x, y, cost):
    x, y = x[:3], y[:3]
    gradient = input_gradient(cnn, x, y)
    for i in np.ndindex(x.shape):
        e_i = np.zeros_like(x)
        e_i[i] = 1
        expected = slope(lambda x: cost(cnn, x, y).sum(), x, e_i, 1e-6)
        assert gradient[i] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("network", PAPER_NETWORKS)
def test_random_directions_through_the_papers_networks(network, rng, cost):
    model = network(rng).astype(np.float64)
    x, y = rng.random((2, *model.input_shape)), np.array([3, 7])
    gradient = input_gradient(model, x, y)
    for _ in range(3):
        direction = rng.standard_normal(x.shape)
        direction /= np.linalg.norm(direction)
        expected = slope(lambda x: cost(model, x, y).sum(), x, direction, 1e-6)
        actual = (gradient * direction).sum()
        assert abs(actual - expected) <= 1e-6 * np.linalg.norm(gradient)


def test_a_row_is_the_gradient_of_its_image_alone(cnn, x, y):
    alone = [input_gradient(cnn, x[n : n + 1], y[n : n + 1])[0] for n in range(len(x))]
    assert_allclose(input_gradient(cnn, x, y), alone, rtol=1e-12, atol=1e-15)


def test_dropout_of_an_earlier_training_step_is_forgotten(cnn, x, y, rng):
    expected = input_gradient(cnn, x, y)
    cnn.backward(cnn.forward(x, rng))
    assert_array_equal(input_gradient(cnn, x, y), expected)


def test_parameters_and_their_gradients_stay(cnn, x, y, rng):
    cnn.backward(cnn.forward(x, rng))
    before = [(p.data.copy(), p.grad.copy()) for p in cnn.params]
    input_gradient(cnn, x, y)
    for p, (data, grad) in zip(cnn.params, before, strict=True):
        assert_array_equal(p.data, data)
        assert_array_equal(p.grad, grad)


def test_parameter_gradients_are_not_computed(cnn, x, y, monkeypatch):
    asked, learned = [], [layer for layer in cnn.fused if layer.params]
    for layer in learned:

        def backward(dout, param_grads=True, input_grad=True, layer=layer):
            asked.append(param_grads)
            return type(layer).backward(layer, dout, param_grads, input_grad)

        monkeypatch.setattr(layer, "backward", backward)
    input_gradient(cnn, x, y)
    assert asked == [False] * len(learned)


@pytest.mark.parametrize("gap", [5, 20, 40, 80])
def test_confident_points_keep_their_gradient_in_float32(rng, gap):
    """There p_y - 1 rounds to 0, and a lazy formula would find no gradient at all."""
    model = Sequential([Flatten(), Linear(9, 2, rng=rng)], (3, 3, 1))
    W, b = model.params
    b.data[:] = gap - W.data.sum(axis=0)[0] + W.data.sum(axis=0)[1], 0
    x, y = np.ones((2, 3, 3, 1), np.float32), np.array([0, 0])
    gradient = input_gradient(model, x, y)
    p = 1 / (1 + np.exp(float(gap)))  # of the wrong class
    expected = p * (W.data[:, 1] - W.data[:, 0].astype(np.float64))
    assert_allclose(gradient[0].ravel(), expected, rtol=1e-4)
    x_adv = fgsm(model_gradient(model), x, y, 0.5, bounds=None)
    assert_allclose(np.abs(x_adv - x), 0.5)
