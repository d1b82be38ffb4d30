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


@pytest.mark.parametrize("shape", [(5,), (5, 5), (1, 5, 5, 2)])
def test_an_input_that_is_no_image_is_named(shape):
    message = r"^Upsample2D\(2x2\) takes shape \(H, W, C\), got"
    with pytest.raises(ValueError, match=message):
        Upsample2D().output_shape(shape)


def test_its_size_is_fixed_and_printed():
    layer = Upsample2D(3)
    assert repr(layer) == "Upsample2D(3x3)"
    with pytest.raises(TypeError, match=r"^size of Upsample2D can't be changed"):
        layer.size = 2
