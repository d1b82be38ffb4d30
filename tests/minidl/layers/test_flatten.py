"""Flatten: the same numbers in the same order."""

import numpy as np

from minidl import Flatten


def test_numbers_keep_their_order():
    layer, x = Flatten(), np.arange(24.0).reshape(2, 2, 3, 2)
    out = layer.forward(x)
    assert out.tolist() == [list(range(12)), list(range(12, 24))]
    assert np.array_equal(layer.backward(out), x)
