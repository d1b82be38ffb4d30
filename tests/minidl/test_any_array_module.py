"""Layers, losses and optimizers take all functions from the array's own module."""

import sys

import numpy as np
import pytest

from minidl import (
    SGD,
    Adadelta,
    Adam,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    ReLU,
    RMSprop,
    Sequential,
    Softmax,
    SoftmaxCrossEntropy,
    kernels,
)
from tests.minidl.fake_device import DeviceArray, FakeCupy, to_device, to_host


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", FakeCupy())


def network():
    rng = np.random.default_rng(0)
    layers = [
        Conv2D(1, 2, pad=1, rng=rng),
        ReLU(),
        MaxPool2D(2),
        Dropout(0.3),
        Flatten(),
        Linear(18, 3, rng=rng),
    ]
    return Sequential(layers, (6, 6, 1))


X = np.random.default_rng(1).random((4, 6, 6, 1), np.float32)
Y = np.array([0, 1, 2, 1])


def move(model):
    """What `to_device` does, without asking a driver for a device."""
    for p in model.params:
        p.replace(to_device(p.data))


def gradients(model, x, y, rng=None):
    """Cost, logits, input gradient and all parameter gradients."""
    loss = SoftmaxCrossEntropy()
    z = model.forward(x, rng)
    cost = loss.forward(z, y)
    dx = model.backward(loss.backward())
    return [cost, z, dx, *(p.grad for p in model.params)]


def same(one, two):
    """Results of the device are there, and are NumPy's results."""
    assert isinstance(two, DeviceArray)
    assert two.dtype == one.dtype
    assert np.array_equal(one, to_host(two))


def test_the_stand_in_catches_numpys_functions():
    x = to_device(X)
    for mistake in (
        lambda: np.exp(x),
        lambda: np.zeros_like(x),
        lambda: x + X,
        lambda: np.maximum(x, 0),
    ):
        with pytest.raises(TypeError, match=r"device|array of it"):
            mistake()


@pytest.mark.parametrize("seed", [None, 5])
def test_a_network_stays_on_the_device(seed):
    rngs = [None if seed is None else np.random.default_rng(seed) for _ in range(2)]
    here, there = network(), network()
    move(there)
    with kernels.use("reference"):
        expected = gradients(here, X, Y, rngs[0])
        results = gradients(there, to_device(X), to_device(Y), rngs[1])
    for one, two in zip(expected, results, strict=True):
        same(one, two)


def test_softmax_stays_on_the_device():
    here, there, z = Softmax(), Softmax(), X.reshape(4, 36)
    same(here.forward(z), there.forward(to_device(z)))
    same(here.backward(z), there.backward(to_device(z)))


@pytest.mark.parametrize("kind", [SGD, Adam, RMSprop, Adadelta])
def test_an_optimizer_stays_on_the_device(kind):
    here, there = network(), network()
    move(there)
    optimizers = [kind(here.params, 0.1), kind(there.params, 0.1)]
    for _ in range(3):
        for p, q in zip(here.params, there.params, strict=True):
            p.grad[:] = p.data + 0.1
            q.grad[:] = q.data + 0.1
        with kernels.use("reference"):  # compiled sums differ in their last bit
            for optimizer in optimizers:
                optimizer.step()
    for p, q in zip(here.params, there.params, strict=True):
        same(p.data, q.data)
    for name, average in optimizers[1].state.items():
        assert name == "t" or isinstance(average, DeviceArray)
