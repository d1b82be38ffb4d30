"""Standardisation in front of a network, where attacks don't see it."""

from copy import copy, deepcopy
from pickle import dumps, loads

import numpy as np
import pytest

from attacks import fgsm, model_gradient
from minidl import (
    Conv2D,
    Flatten,
    Linear,
    MaxPool2D,
    Normalize,
    ReLU,
    Sequential,
)
from tests.oracles import assert_close

MEAN, STD = (0.49, 0.48, 0.45), (0.2, 0.25, 0.3)


def layers(rng):
    convolution = [Conv2D(3, 8, rng=rng), ReLU(), MaxPool2D(2)]
    return [*convolution, Flatten(), Linear(32, 4, rng=rng)]


def test_each_channel_is_standardised(rng):
    x = rng.random((500, 3, 3, 3))
    mean, std = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    out = Normalize(mean, std).forward(x)
    assert abs(out.mean(axis=(0, 1, 2))).max() < 1e-12
    assert_close(out.std(axis=(0, 1, 2)), np.ones(3), 1e-12)


def test_a_network_of_standardised_images_is_attacked_in_its_pixels_units(rng):
    """eps is in units of pixels; of standardised images it would be eps / std."""
    inner = Sequential(layers(rng), (6, 6, 3))
    model = Sequential([Normalize(MEAN, STD), *inner.layers], (6, 6, 3))
    assert [type(step).__name__ for step in model.fused[:2]] == [
        "Normalize",
        "ConvBlock",
    ]
    x, y = rng.random((5, 6, 6, 3), np.float32), np.arange(5) % 4
    standardised = ((x - MEAN) / STD).astype(np.float32)
    assert_close(model.predict_proba(x), inner.predict_proba(standardised), 1e-5)
    gradient = model_gradient(model)(x, y)
    assert_close(gradient, model_gradient(inner)(standardised, y) / STD, 1e-5)
    x_adv = fgsm(model_gradient(model), x, y, 0.03)
    assert x_adv.dtype == np.float32
    assert abs(x_adv - x).max() <= 0.03 + 1e-6
    assert (x_adv >= 0).all()
    assert (x_adv <= 1).all()


def test_vectors_are_standardised_too(rng):
    x = rng.random((5, 3))
    assert_close(Normalize(MEAN, STD).forward(x), (x - MEAN) / STD, 1e-12)


def test_it_has_no_parameters_and_is_printed_with_its_settings():
    layer = Normalize(MEAN, 0.5)
    assert layer.params == ()
    assert repr(layer) == "Normalize([0.49, 0.48, 0.45], 0.5)"
    assert layer.output_shape((5, 6, 3)) == (5, 6, 3)


@pytest.mark.parametrize("shape", [(6, 6, 1), (6, 6), (3, 6, 6)])
def test_other_channels_are_named(shape):
    layer = Normalize(MEAN, STD)
    message = r"^Normalize\(.* takes shape \(\.\.\., 3\), got"
    with pytest.raises(ValueError, match=message):
        layer.forward(np.zeros((2, *shape)))
    with pytest.raises(ValueError, match=message):
        Sequential([layer], shape)


@pytest.mark.parametrize(
    "number", [np.finfo(np.float32).tiny, np.finfo(np.float32).max]
)
def test_the_smallest_and_the_largest_number_of_float32_are_deviations(number):
    assert Normalize(0, float(number)).std == number


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (0.5, [1, 0, 1], "^std must be above 0 .* got \\[1, 0, 1\\]"),
        (0.5, 1e-50, "^std must be above 0 and finite in float32, got 1e-50"),
        (0.5, 1e50, "^std must be above 0 and finite in float32"),
        ([0, float("inf")], 1, "^mean must be finite in float32, got "),
        (0.5, True, "^std must be a number, or one per channel, got True"),
        (np.ma.masked_array([0.5], [True]), 1, "^mean must be a NumPy .*MaskedArray"),
        ([0.5, 0.5], [1, 1, 1], "^mean and std must have the same number of channels"),
    ],
)
def test_impossible_means_and_deviations_are_named(mean, std, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Normalize(mean, std)


@pytest.mark.parametrize("copied", [copy, deepcopy, lambda a: loads(dumps(a))])
def test_mean_and_std_are_fixed(copied):
    layer = copied(Normalize(MEAN, STD))
    for name in ("mean", "std"):
        with pytest.raises(TypeError, match=f"^{name} of Normalize can't be changed"):
            setattr(layer, name, 1.0)
        with pytest.raises(ValueError, match="read-only"):
            getattr(layer, name)[0] = 1
