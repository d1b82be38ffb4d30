"""ReLU and softmax."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import ReLU, Softmax
from minidl.layers import softmax
from tests import oracles
from tests.oracles import assert_close


def test_relu_of_0_and_of_the_smallest_numbers():
    layer, x = ReLU(), np.array([[5e-324, 0.0, -5e-324]])
    assert layer.forward(x).tolist() == [[5e-324, 0, 0]]
    assert layer.backward(np.full((1, 3), 7.0)).tolist() == [[7, 0, 0]]


@given(st.lists(st.lists(st.floats(-300, 300), min_size=3, max_size=3), min_size=1))
def test_softmax_is_the_loop(z):
    assert_close(softmax(np.array(z)), oracles.softmax(z), 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_is_the_layer(rng, dtype):
    z = rng.standard_normal((4, 6)).astype(dtype)
    p = Softmax().forward(z)
    assert p.dtype == dtype
    assert_close(p, oracles.softmax(z), 1e-6)
    assert np.array_equal(p, softmax(z))


def test_softmax_of_huge_logits_is_finite():
    z = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4]], np.float32)
    third = np.float32(1) / np.float32(3)
    assert softmax(z).tolist() == [[1, 0, 0], [third] * 3]
