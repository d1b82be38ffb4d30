"""Attacks take all functions from the array's own module, as a GPU's arrays need."""

import sys

import numpy as np
import pytest

from attacks import bim, fgsm, model_gradient
from minidl import Flatten, Linear, Sequential
from tests.minidl.fake_device import DeviceArray, FakeCupy, to_device, to_host

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
    monkeypatch.setitem(sys.modules, "cupy", FakeCupy())
    for p in model.params:
        p.replace(to_device(p.data))
    on_device = attack(model_gradient(model), to_device(X), to_device(Y))
    assert isinstance(on_device, DeviceArray)
    np.testing.assert_array_equal(to_host(on_device), on_host)
