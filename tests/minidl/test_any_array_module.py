"""Layers, losses and optimizers take all functions from the array's own module.

Here with the reference's kernels, in plain expressions; with CUDA's in `tests/gpu`.
"""

import numpy as np
import pytest

from minidl import Softmax, cross_entropy, kernels, to_device, to_numpy
from minidl.optimizers import OPTIMIZERS
from tests.gpu import strict_cupy
from tests.gpu.device_array import DeviceArray
from tests.gpu.test_on_device import FLOAT, Y, network
from tests.oracles import assert_close


@pytest.fixture(autouse=True)
def _reference_on_the_stand_in(monkeypatch):
    strict_cupy.install(monkeypatch)
    with kernels.use("reference"):
        yield


X, Y = FLOAT[:4], Y[:4]


def gradients(model, x, y, rng=None):
    """Cost, logits, input gradient and all parameter gradients."""
    z = model.forward(x, rng)
    costs, dz = cross_entropy(z, y)
    dx = model.backward(dz)
    return [costs, z, dx, *(p.grad for p in model.params)]


def same(one, two, tolerance=0.0):
    """Results of the device are there, and are NumPy's results."""
    assert isinstance(two, DeviceArray)
    assert two.dtype == one.dtype
    assert_close(to_numpy(two), one, tolerance)


@pytest.mark.parametrize("seed", [None, 5])
def test_a_network_stays_on_the_device(seed):
    rngs = [None if seed is None else np.random.default_rng(seed) for _ in range(2)]
    here, there = network(), network().to_device("gpu")
    expected = gradients(here, X, Y, rngs[0])
    results = gradients(there, to_device(X, "gpu"), to_device(Y, "gpu"), rngs[1])
    for one, two in zip(expected, results, strict=True):
        same(one, two, 1e-6)  # a host adds up the bias's gradient by BLAS


def test_softmax_stays_on_the_device():
    here, there, z = Softmax(), Softmax(), X.reshape(4, -1)
    same(here.forward(z), there.forward(to_device(z, "gpu")))
    same(here.backward(z), there.backward(to_device(z, "gpu")))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_stays_on_the_device(kind):
    here, there = network(), network().to_device("gpu")
    optimizers = [OPTIMIZERS[kind](model.params, 0.1) for model in (here, there)]
    for _ in range(3):
        for p, q in zip(here.params, there.params, strict=True):
            p.grad[:] = p.data + 0.1
            q.grad[:] = q.data + 0.1
        for optimizer in optimizers:
            optimizer.step()
    for p, q in zip(here.params, there.params, strict=True):
        same(p.data, q.data)
    for name, average in optimizers[1].state.items():
        assert name == "t" or isinstance(average, DeviceArray)
