"""From a volume of features to a vector, and back."""

import math

import numpy as np

from minidl.backend import Array
from minidl.layers.base import Layer, Shape


class Flatten(Layer):
    """Each image's features in a row.

    Shapes: x (N, H, W, C), out (N, H*W*C).
    """

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the same numbers in shape (N, D)."""
        self.x_shape = x.shape
        return x.reshape(len(x), math.prod(x.shape[1:]))  # (N, D)

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | None:
        """dJ/dx is dout in the shape of x."""
        return dout.reshape(self.x_shape) if input_grad else None  # (N, H, W, C)

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H, W, C) -> (H*W*C,)."""
        return (math.prod(input_shape),)
