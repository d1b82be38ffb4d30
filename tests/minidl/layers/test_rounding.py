"""Rounding to a few levels; that its gradient is 0 is in the layers' contract."""

import numpy as np
import pytest

from minidl import Round


@pytest.mark.parametrize("levels", [2, 4, 9])
def test_each_number_becomes_the_nearest_level(rng, levels):
    x = rng.random((3, 40)).astype(np.float32)
    grid = [k / (levels - 1) for k in range(levels)]
    nearest = [[min(grid, key=lambda g: abs(g - v)) for v in row] for row in x.tolist()]
    assert np.array_equal(Round(levels).forward(x), np.float32(nearest))


def test_levels_stay_what_they_are():
    x = np.linspace(0, 1, 256, dtype=np.float32)[None]
    assert np.array_equal(Round(256).forward(x), x)


def test_its_true_gradient_is_zero_not_straight_through(rng):
    layer, x = Round(4), rng.random((3, 5))
    assert not layer.backward(np.ones_like(layer.forward(x))).any()


def test_its_levels_are_printed():
    assert repr(Round(4)) == "Round(4)"
