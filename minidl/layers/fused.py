"""Neighbouring layers that run as one, because memory is slower than arithmetic.

A ReLU of its own reads and writes every number once more. Behind a convolution it costs
next to nothing, if each number is rectified when it is computed. In front of a pooling
it may as well come behind, where only a quarter of the numbers is left:
max(ReLU(a), ReLU(b)) = ReLU(max(a, b)), and the gradients are equal too.

`Sequential` runs these; its `layers`, `summary` and `trace` keep to the layers given.
"""

from collections.abc import Sequence
from copy import copy

import numpy as np

from minidl.backend import Array
from minidl.layers.activations import ReLU
from minidl.layers.base import Layer
from minidl.layers.conv import Conv2D
from minidl.layers.pooling import MaxPool2D


class ConvReLU(Layer):
    """Convolution and ReLU in one pass, out = max(x * W + b, 0)."""

    def __init__(self, conv: Conv2D) -> None:
        self.conv, self.relu = conv, ReLU()
        self.params = conv.params

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return max(x * W + b, 0)."""
        self.relu.out = self.conv.convolve(x, relu=True)
        return self.relu.out

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | None:
        """First ReLU's derivative, then the convolution's."""
        dconv = self.relu.backward(dout)
        assert dconv is not None
        return self.conv.backward(dconv, param_grads, input_grad)


def fuse(layers: Sequence[Layer]) -> list[Layer]:
    """Return layers that compute the same function as the given ones, faster."""
    match layers:
        case [Conv2D() as conv, ReLU(), MaxPool2D() as pool, *rest]:
            # Copies: stepping through `layers` must not disturb what these remember.
            return [conv, copy(pool), ReLU(), *fuse(rest)]
        case [Conv2D() as conv, ReLU(), *rest]:
            return [ConvReLU(conv), *fuse(rest)]
        case [first, *rest]:
            return [first, *fuse(rest)]
    return []
