"""The fully connected layer."""

import numpy as np
import pytest

from minidl import Linear
from tests import oracles
from tests.oracles import assert_close


@pytest.fixture
def layer(rng):
    layer = Linear(4, 3, rng=rng).astype(np.float64)
    layer.b.data[:] = rng.standard_normal(3)
    return layer


def test_forward_is_the_loop(layer, rng):
    x = rng.standard_normal((5, 4))
    expected = oracles.linear(x, layer.W.data, layer.b.data)
    assert_close(layer.forward(x), expected, 1e-14)


def test_biases_begin_at_zero(rng):
    layer = Linear(40, 30, rng=rng)
    assert layer.b.data.tolist() == [0] * 30
    assert layer.params == (layer.W, layer.b)
    assert {p.data.dtype for p in layer.params} == {np.dtype(np.float32)}


@pytest.mark.parametrize("bias", [np.zeros(1), np.zeros(4), np.zeros((1, 3))])
def test_a_bias_of_another_shape_is_named(layer, bias):
    layer.b.data = bias
    with pytest.raises(ValueError, match=r"^b must have shape \(3,\), got"):
        layer.forward(np.zeros((2, 4)))
