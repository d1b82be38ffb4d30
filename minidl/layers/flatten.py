"""From a volume of features to a vector, and back."""

import math

import numpy as np

from minidl.backend import Array
from minidl.checks import check_batch
from minidl.layers.base import Layer, Shape


class Flatten(Layer):
    """Each image's features as one row.

    Shapes: x (N, H, W, C), out (N, H*W*C).
    """

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the same numbers in shape (N, D)."""
        check_batch("x", x)
        out = x.reshape(len(x), math.prod(x.shape[1:]))  # (N, D)
        return self.remember(out, x.shape)

    def backward(self, dout: Array) -> Array:
        """dJ/dx is dout in the shape of x."""
        x_shape = self.recall(dout)
        return dout.reshape(x_shape)  # (N, H, W, C)

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H, W, C) -> (H*W*C,)."""
        return (math.prod(input_shape),)
