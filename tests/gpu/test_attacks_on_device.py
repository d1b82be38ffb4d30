"""Attacks on a device move images as on the host, and wait for it no more."""

import numpy as np
import pytest

from attacks import bim, fgsm, member_gradient, model_gradient, sum_gradient
from minidl import to_device, to_numpy
from minidl.backend import device_of
from minidl.losses import cross_entropy
from tests.attacks.conftest import new_cnn
from tests.attacks.every_attack import RUNS, functions_of, run
from tests.gpu.test_on_device import FLOAT, Y, network

GRADIENTS = {
    "model": lambda members: model_gradient(members[0]),
    "Adv. 1": lambda members: member_gradient(members, 1),
    "Adv. 2": sum_gradient,
}
ATTACKS = {
    "fgsm": lambda g, x, y: fgsm(g, x, y, 0.1),
    "bim": lambda g, x, y: bim(g, x, y, 0.1, 0.04, 3),
    "unclipped": lambda g, x, y: bim(g, x, y, 0.1, 0.04, 3, bounds=None),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("whose", GRADIENTS)
def test_attacks_move_images_as_on_the_host(gpu, whose, attack):
    for dtype, most in ((np.float64, 0), (np.float32, 0.01)):
        members = [network(seed, dtype) for seed in range(2)]
        x = FLOAT[:6].astype(dtype)
        expected = ATTACKS[attack](GRADIENTS[whose](members), x, Y[:6])
        there = [m.to_device("gpu") for m in members]
        arguments = [to_device(a, "gpu") for a in (x, Y[:6])]
        moved = ATTACKS[attack](GRADIENTS[whose](there), *arguments)
        assert device_of(moved) == "gpu"
        assert moved.dtype == dtype
        # Rounding decides the sign of a gradient near 0: few pixels.
        off = abs(to_numpy(moved) - expected)
        assert (off > 1e-6).mean() <= most
        assert off.max() <= 0.2 + 1e-6


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_gradient_in_float64_moves_images_in_float32(gpu, attack):
    x, y = FLOAT[:6], Y[:6]
    directions = np.random.default_rng(0).standard_normal(x.shape)
    expected = ATTACKS[attack](lambda x, y: directions, x, y)
    there = to_device(directions, "gpu")
    arguments = [to_device(a, "gpu") for a in (x, y)]
    moved = ATTACKS[attack](lambda x, y: there, *arguments)
    assert moved.dtype == np.float32
    assert np.array_equal(to_numpy(moved), expected)


@pytest.mark.parametrize("name", RUNS)
def test_every_other_attack_runs_there_too(gpu, name):
    for dtype, most in ((np.float64, 1e-9), (np.float32, 0.05)):
        model = new_cnn(np.random.default_rng(0), dtype)
        x, y = np.random.default_rng(1).random((4, 6, 6, 2)).astype(dtype), Y[:4]
        expected = run(name, functions_of(model), x, y)
        there = [to_device(a, "gpu") for a in (x, y)]
        model.to_device("gpu")
        moved = run(name, functions_of(model), *there)
        assert device_of(moved) == "gpu"
        assert moved.dtype == dtype
        # In float32 rounding decides here and there which way an attack goes.
        assert (abs(to_numpy(moved) - expected) > 1e-5).mean() <= most


def test_labels_that_were_changed_in_place_are_seen(gpu):
    gradient = model_gradient(network().to_device("gpu"))
    x, y = (to_device(a, "gpu") for a in (FLOAT[:2], np.array([0, 2])))
    fgsm(gradient, x, y, 0.1)
    for label in (3, -1):
        y[1] = label
        with pytest.raises(ValueError, match="y must be 0"):
            fgsm(gradient, x, y, 0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_labels_on_another_device_are_named(gpu, device, dtype):
    model = network(dtype=dtype).to_device(device)
    x = to_device(FLOAT[:2].astype(dtype), device)
    y = to_device(Y[:2], "cpu" if device == "gpu" else "gpu")
    message = f"y must be on the {device}, .* got one on the .*: to_device moves it"
    for attack in ATTACKS.values():
        with pytest.raises(ValueError, match=message):
            attack(model_gradient(model), x, y)
    with pytest.raises(ValueError, match=message):
        cross_entropy(model.forward(x), y)


def test_bounds_may_be_an_array_of_the_host(gpu):
    x, bounds = FLOAT[:6], np.array([0.0, 1.0])
    expected = fgsm(lambda x, y: x - np.float32(0.5), x, Y[:6], 0.3)
    there = [to_device(a, "gpu") for a in (x, Y[:6])]
    moved = fgsm(lambda x, y: x - np.float32(0.5), *there, 0.3, bounds)
    np.testing.assert_allclose(to_numpy(moved), expected, rtol=1e-6)


def test_what_a_function_returns_lies_where_its_images_do(gpu):
    there = [to_device(a, "gpu") for a in (FLOAT[:6], Y[:6])]
    with pytest.raises(ValueError, match="what gradient returns must be on the gpu"):
        fgsm(lambda x, y: FLOAT[:6], *there, 0.1)
