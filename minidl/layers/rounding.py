"""Rounding: each number is replaced by the nearest of a few levels."""

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.checks import check_batch
from minidl.checks.settings import fixed
from minidl.layers.base import Layer


class Round(Layer):
    """Rounding to `levels` equally spaced values, out = round(x (L - 1)) / (L - 1).

    In [0, 1] the values are 0, 1 / (L - 1), ..., 1. As the first layer of a network, it
    is the defence of Xu et al., Feature Squeezing, 2018, section III-A, with
    L = 2^bits. `backward` returns the true gradient, 0. An adaptive attack has to treat
    the layer as the identity instead (Athalye et al., 2018, section 4.1).
    Shapes: x and out (N, ...). Raises TypeError or ValueError unless levels is an
    integer from 2 to 65536.
    """

    levels: int = fixed("count 2..65536")

    def __init__(self, levels: int) -> None:
        self.levels = levels

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the level nearest to each number."""
        check_batch("x", x)
        steps = x.dtype.type(self.levels - 1)
        return self.remember(get_array_module(x).rint(x * steps) / steps, None)

    def backward(self, dout: Array) -> Array:
        """dJ/dx = 0: rounding is flat wherever it has a derivative."""
        self.recall(dout)
        return get_array_module(dout).zeros_like(dout)

    def __repr__(self) -> str:
        return f"Round({self.levels})"
