"""Upsampling: a larger image, in which every pixel is repeated."""

import numpy as np

from minidl.backend import Array, rounds_to_zero
from minidl.checks import check_batch
from minidl.checks.settings import fixed
from minidl.layers.base import Layer, Shape


class Upsample2D(Layer):
    """Nearest-neighbour upsampling, out[n, i, j, c] = x[n, i // size, j // size, c].

    Followed by a convolution, it takes the place of a decoder's transposed convolution,
    whose windows overlap unevenly (Odena et al., Deconvolution and Checkerboard
    Artifacts, 2016).
    Shapes: x (N, H, W, C), out (N, size H, size W, C).
    """

    size: int = fixed("count")

    def __init__(self, size: int = 2) -> None:
        self.size = size

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Repeat each pixel in `size` rows and columns."""
        check_batch("x", x, ndim=4)
        out = x.repeat(self.size, axis=1).repeat(self.size, axis=2)
        return self.remember(out, x.shape)

    @rounds_to_zero
    def backward(self, dout: Array) -> Array:
        """dJ/dx = sum of dout over all copies of each pixel."""
        N, H, W, C = self.recall(dout)
        windows = dout.reshape(N, H, self.size, W, self.size, C)
        return windows.sum(axis=(2, 4))

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H, W, C) -> (size H, size W, C)."""
        if len(input_shape) != 3:
            raise ValueError(f"{self} takes shape (H, W, C), got {input_shape}")
        H, W, C = input_shape
        return (H * self.size, W * self.size, C)

    def __repr__(self) -> str:
        return f"Upsample2D({self.size}x{self.size})"
