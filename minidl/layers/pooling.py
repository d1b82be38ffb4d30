"""Max pooling: only the largest value of each window is passed on."""

import numpy as np

from minidl import kernels
from minidl.backend import Array
from minidl.checks import check_batch
from minidl.checks.settings import fixed
from minidl.kernels.arguments import RULES
from minidl.layers.base import Layer, Shape


class MaxPool2D(Layer):
    """Largest value of each window, channel by channel.

    Rows and columns that don't fill a window are dropped.
    Shapes: x (N, H, W, C), out (N, OH, OW, C), OH = (H - size) // stride + 1.
    """

    size: int = fixed(RULES["size"])
    stride: int = fixed("count")

    def __init__(self, size: int = 2, stride: int | None = None) -> None:
        self.size, self.stride = size, size if stride is None else stride

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the maxima, and remember where they were."""
        check_batch("x", x)
        out, argmax = kernels.max_pool(x, self.size, self.stride)
        return self.remember(out, (argmax, x.shape))

    def backward(self, dout: Array) -> Array:
        """dJ/dx = dout at each window's (first) maximum, 0 elsewhere."""
        argmax, x_shape = self.recall(dout)
        return kernels.max_pool_grad(dout, argmax, x_shape, self.size, self.stride)

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H, W, C) -> (OH, OW, C)."""
        if len(input_shape) != 3:
            raise ValueError(f"{self} takes shape (H, W, C), got {input_shape}")
        H, W, C = input_shape
        return (*kernels.output_size((H, W), (self.size,) * 2, self.stride, 0), C)

    def __repr__(self) -> str:
        options = f", stride={self.stride}" if self.stride != self.size else ""
        return f"MaxPool2D({self.size}x{self.size}{options})"
