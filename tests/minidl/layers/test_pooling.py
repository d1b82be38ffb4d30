"""The max pooling layer; its kernels have tests of their own."""

import numpy as np
import pytest

from minidl import MaxPool2D
from tests import oracles


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (1, 1), (2, 3)])
def test_forward_and_backward_are_the_loops(each_implementation, rng, size, stride):
    layer = MaxPool2D(size, stride)
    x = rng.integers(-3, 3, (2, 6, 7, 2)).astype(np.float64)
    out = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    assert np.array_equal(out, oracles.max_pool(x, size, stride or size)[0])
    expected = oracles.max_pool_grad(dout, x, size, stride or size)
    assert np.array_equal(layer.backward(dout), expected)


def test_the_default_is_the_papers_2x2():
    assert MaxPool2D().output_shape((24, 24, 32)) == (12, 12, 32)
    assert (MaxPool2D().size, MaxPool2D().stride) == (2, 2)


def test_the_largest_window():
    assert MaxPool2D(16).output_shape((33, 16, 2)) == (2, 1, 2)
    with pytest.raises(ValueError, match=r"^size must be at most 16, got 17"):
        MaxPool2D(17)


def test_repr():
    assert repr(MaxPool2D(3)) == "MaxPool2D(3x3)"
    assert repr(MaxPool2D(3, 2)) == "MaxPool2D(3x3, stride=2)"
