"""Each image's own dJ/dx, and what isn't computed for it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import fgsm, input_gradient, model_gradient
from minidl import Flatten, Linear, Sequential
from tests.oracles import differences


def test_central_differences_of_the_sum_of_j(cnn, x, y, cost, rng):
    """Whatever dropout was drawn before."""
    cnn.forward(x, rng)
    expected = differences(lambda: cost(cnn, x, y).sum(), x)
    assert_allclose(input_gradient(cnn, x, y), expected, rtol=1e-6, atol=1e-9)


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
