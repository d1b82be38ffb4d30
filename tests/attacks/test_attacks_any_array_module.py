"""Attacks take all functions from the array's own module, as a GPU's arrays need."""

import numpy as np
import pytest

from attacks import bim, fgsm, model_gradient
from minidl import Flatten, Linear, Sequential, kernels, to_device, to_numpy
from tests.gpu import strict_cupy
from tests.gpu.device_array import DeviceArray

X = np.random.default_rng(1).random((4, 3, 3, 1), np.float32)
Y = np.array([0, 1, 2, 1])


@pytest.mark.parametrize(
    "attack",
    [
        lambda g, x, y: fgsm(g, x, y, eps=0.1),
        lambda g, x, y: bim(g, x, y, eps=0.1, alpha=0.04, steps=3),
    ],
    ids=["fgsm", "bim"],
)
def test_attack_on_a_device_equals_the_host(attack, monkeypatch):
    model = Sequential(
        [Flatten(), Linear(9, 3, rng=np.random.default_rng(0))], (3, 3, 1)
    )
    on_host = attack(model_gradient(model), X, Y)
    strict_cupy.install(monkeypatch)
    model.to_device("gpu")
    with kernels.use("reference"):
        x, y = to_device(X, "gpu"), to_device(Y, "gpu")
        on_device = attack(model_gradient(model), x, y)
    assert isinstance(on_device, DeviceArray)
    np.testing.assert_allclose(to_numpy(on_device), on_host, atol=1e-6)


def test_bounds_may_be_an_array_on_a_device_too(monkeypatch):
    expected = fgsm(lambda x, y: x - 0.5, X, Y, 0.3)
    strict_cupy.install(monkeypatch)
    x, y, bounds = to_device(X, "gpu"), to_device(Y, "gpu"), np.array([0.0, 1.0])
    found = fgsm(lambda x, y: x - np.float32(0.5), x, y, 0.3, bounds)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-6)
