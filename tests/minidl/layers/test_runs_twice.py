"""Layers of a user's own that run a layer within twice in one forward pass."""

from types import SimpleNamespace

import numpy as np
import pytest

from attacks import model_gradient
from minidl import (
    SGD,
    Dropout,
    Flatten,
    Layer,
    Linear,
    ReLU,
    Sequential,
    trace,
    train,
)
from minidl.gradcheck import check_layer


class Within(Layer):
    """A layer with a linear layer and a ReLU within."""

    def __init__(self, rng):
        self.linear, self.relu = Linear(3, 3, rng=rng), ReLU()


class Repeated(Within):
    """The same weights twice."""

    def forward(self, x, rng=None):
        return self.linear.forward(self.linear.forward(x))

    def backward(self, dout, param_grads=True, input_grad=True):
        dout = self.linear.backward(dout, param_grads, True)
        return self.linear.backward(dout, param_grads, input_grad)


class RepeatedNetwork(Repeated):
    """The same network twice."""

    def __init__(self, rng):
        self.linear = Sequential([Linear(3, 3, rng=rng)], (3,))


class OneReLU(Within):
    """A linear layer between two uses of a ReLU, which has no parameters."""

    def forward(self, x, rng=None):
        return self.relu.forward(self.linear.forward(self.relu.forward(x - 0.5)))

    def backward(self, dout, param_grads=True, input_grad=True):
        dout = self.linear.backward(self.relu.backward(dout), param_grads, True)
        return self.relu.backward(dout)


class TwoHolders(Within):
    """The same layer in two layers."""

    def __init__(self, rng):
        relu = ReLU()
        self.parts = [OneUse(rng), OneUse(rng)]
        self.parts[0].relu = self.parts[1].relu = relu

    def forward(self, x, rng=None):
        return self.parts[1].forward(self.parts[0].forward(x))

    def backward(self, dout, param_grads=True, input_grad=True):
        dout = self.parts[1].backward(dout, param_grads, True)
        return self.parts[0].backward(dout, param_grads, input_grad)


class OneUse(Within):
    """Each layer once."""

    def forward(self, x, rng=None):
        return self.relu.forward(self.linear.forward(x))

    def backward(self, dout, *asked):
        return self.linear.backward(self.relu.backward(dout), *asked)


class Shared(Within):
    """x W^2 + b W + b: the layer's memory is kept, and its gradients are added up."""

    def forward(self, x, rng=None):
        self.runs = []
        for _ in range(2):
            x = self.linear.forward(x)
            self.runs.append(self.linear.memory)
        return x

    def backward(self, dout, param_grads=True, input_grad=True):
        sums = [np.zeros_like(p.grad) for p in self.params]
        for memory in reversed(self.runs):
            self.linear.memory = memory
            dout = self.linear.backward(dout)
            for total, p in zip(sums, self.params, strict=True):
                total += p.grad
        for total, p in zip(sums, self.params, strict=True):
            p.grad = total
        return dout


class Branches(Within):
    """relu(x W + b) in two branches: backward twice, forward once."""

    def forward(self, x, rng=None):
        h = self.relu.forward(self.linear.forward(x))
        return 2 * h + 3 * h

    def backward(self, dout, *asked):
        dh = self.relu.backward(2 * dout) + self.relu.backward(3 * dout)
        return self.linear.backward(dh, *asked)


class SameInput(Within):
    """2 (x W + b) + 3 (x W + b): one input, but the gradient of the last run."""

    def forward(self, x, rng=None):
        return 2 * self.linear.forward(x) + 3 * self.linear.forward(x)

    def backward(self, dout, param_grads=True, input_grad=True):
        dx = self.linear.backward(3 * dout, param_grads, input_grad)
        return dx + self.linear.backward(2 * dout, param_grads, input_grad)


class TwoUses(Within):
    """Flatten and dropout in two places each: they keep the same of both runs."""

    def __init__(self, rng):
        self.flatten, self.dropout = Flatten(), Dropout(0.5)

    def forward(self, x, rng=None):
        for _ in range(2):
            x = self.dropout.forward(self.flatten.forward(x))
        return x

    def backward(self, dout):
        for _ in range(2):
            dout = self.flatten.backward(self.dropout.backward(dout))
        return dout


class TwoRecalls(Within):
    """x W^2: after its memory is restored, a run is recalled twice."""

    def forward(self, x, rng=None):
        h = self.linear.forward(x)
        self.first = self.linear.memory
        out = self.linear.forward(h)
        self.second = self.linear.memory
        return out

    def backward(self, dout, param_grads=True, input_grad=True):
        grads = []
        for memory in (self.second, self.first):
            self.linear.memory = memory
            self.linear.backward(dout, True, False)
            grads.append([p.grad.copy() for p in self.params])
            dout = self.linear.backward(dout, False, True)
        for p, *pair in zip(self.params, *grads, strict=True):
            p.grad = sum(pair)
        return dout


TWICE = r"^(Linear\(3, 3\)|ReLU\(\)|Sequential of 1 layers) ran twice in one forward p"
x = np.random.default_rng(1).random((5, 1, 1, 3), np.float32)
y = np.zeros(5, int)


def network_of(layer, rng):
    return Sequential([Flatten(), layer, Linear(3, 2, rng=rng)], (1, 1, 3))


REFUSED = [Repeated, RepeatedNetwork, OneReLU, TwoHolders, SameInput]


@pytest.mark.parametrize("kind", REFUSED)
def test_the_gradient_of_one_run_alone_is_refused(kind):
    """It was taken for the gradient of both."""
    rng = np.random.default_rng(0)
    network = network_of(kind(rng), rng)
    z = network.forward(x)
    assert np.array_equal(network.forward(x), z)  # predictions are right
    with pytest.raises(RuntimeError, match=TWICE):
        train(network, x, y, SGD(network.params, 0.1), 1, 5, rng)
    other = SimpleNamespace(forward=network.layers[1].forward, layers=network.layers)
    other.backward = lambda dout, param_grads: other.layers[1].backward(dout)
    for model, images in ((network, x), (other, x[:, 0, 0])):
        with pytest.raises(RuntimeError, match=TWICE):
            model_gradient(model)(images, y)
    with pytest.raises(RuntimeError, match=TWICE):
        list(trace(network, x, y))
    with pytest.raises(RuntimeError, match=TWICE):
        check_layer(kind(rng).astype(np.float64), rng.standard_normal((5, 3)), rng)


@pytest.mark.parametrize("kind", [Shared, Branches, OneUse, TwoUses, TwoRecalls])
def test_right_gradients_of_two_runs_pass(kind):
    rng = np.random.default_rng(0)
    layer = kind(rng).astype(np.float64)
    errors = check_layer(layer, rng.standard_normal((5, 3)), rng)
    assert max(errors.values()) < 1e-6
    network = network_of(layer.astype(np.float32), rng)
    expected = model_gradient(network)(x, y)
    train(network, x, y, SGD(network.params, 1e-9), 1, 5, rng)
    assert np.allclose(model_gradient(network)(x, y), expected, atol=1e-5)


def test_runs_outside_of_a_network_are_passes_of_their_own():
    layer = OneUse(rng := np.random.default_rng(0))
    h, dout = x[:, 0, 0], np.ones((5, 3), np.float32)
    layer.forward(h)
    layer.forward(h)
    first = layer.backward(dout, True, True)
    assert np.array_equal(layer.backward(dout, True, True), first)
    network_of(layer, rng).forward(x)
    assert np.array_equal(layer.backward(dout, True, True), first)
