"""The scales of random initial weights."""

import math

import numpy as np
import pytest

from minidl import Conv2D, Linear, glorot, he
from minidl.initializers import fans

RNG = np.random.default_rng(0)
SHAPES = {(200, 100): (200, 100), (3, 5, 20, 40): (300, 600)}


@pytest.mark.parametrize(("shape", "expected"), SHAPES.items())
def test_fans(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize(("shape", "fan"), SHAPES.items())
def test_he_is_normal_with_variance_2_over_fan_in(rng, shape, fan):
    W = he(shape, rng)
    sigma = math.sqrt(2 / fan[0])
    assert abs(W.mean()) < 4 * sigma / math.sqrt(W.size)
    assert W.std() == pytest.approx(sigma, rel=4 / math.sqrt(2 * W.size))
    assert (abs(W) < sigma).mean() == pytest.approx(0.6827, abs=2 / math.sqrt(W.size))


@pytest.mark.parametrize(("shape", "fan"), SHAPES.items())
def test_glorot_is_uniform_with_variance_2_over_the_fans(rng, shape, fan):
    W = glorot(shape, rng)
    limit = math.sqrt(6 / sum(fan))
    assert 0.999 * limit < W.max() <= np.float32(limit)
    assert 0.999 * limit < -W.min() <= np.float32(limit)
    assert W.var() == pytest.approx(2 / sum(fan), rel=0.05)


@pytest.mark.parametrize("initializer", [he, glorot])
def test_the_generator_decides_the_bits(initializer):
    draws = [initializer((4, 3), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert draws[0].dtype == np.float32
    assert draws[0].shape == (4, 3)
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("kind", [Linear, Conv2D])
def test_weights_of_other_types_become_float32(kind, dtype):
    layer = kind(2, 3, rng=np.random.default_rng(0), initializer=ones(dtype))
    assert layer.W.data.dtype == np.float32
    assert (layer.W.data == 1).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.full((2, 3), 1e300), "^what initializer returns must be finite in"),
        (np.ones((3, 2)), r"^initializer must .* shape \(2, 3\), got \(3, 2\)"),
        (np.ones((2, 3)) * 1j, "^initializer must return floats, got complex128"),
    ],
)
def test_weights_that_cannot_be_used_are_named(weights, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Linear(2, 3, rng=RNG, initializer=lambda shape, rng: weights)


def ones(dtype):
    return lambda shape, rng: np.ones(shape, dtype)
