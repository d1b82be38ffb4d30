"""Nearest-neighbour upsampling."""

import numpy as np
import pytest

from minidl import MaxPool2D, Upsample2D
from tests import oracles
from tests.oracles import assert_close


@pytest.mark.parametrize("size", [1, 2, 3])
def test_forward_and_backward_are_the_loops(rng, size):
    layer, x = Upsample2D(size), rng.standard_normal((2, 3, 4, 2))
    out = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    assert np.array_equal(out, oracles.upsample(x, size))
    expected = oracles.upsample_grad(dout, x.shape, size)
    assert_close(layer.backward(dout), expected, 1e-15)


def test_max_pooling_undoes_it(rng):
    x = rng.standard_normal((2, 3, 4, 2))
    assert np.array_equal(MaxPool2D(3).forward(Upsample2D(3).forward(x)), x)


def test_its_size_is_printed():
    assert repr(Upsample2D(3)) == "Upsample2D(3x3)"
