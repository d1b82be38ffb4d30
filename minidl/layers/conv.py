"""Convolution: the same small filters applied at every place of an image."""

import numpy as np

from minidl import kernels
from minidl.backend import Array
from minidl.checks import check_count
from minidl.initializers import Initializer, glorot
from minidl.layers.base import Layer, Parameter, Shape


class Conv2D(Layer):
    """Convolution of images with filters, as deep learning writes it (no flip).

    out[n, i, j, f] = b[f] + sum over u, v, c of x[n, s i + u - p, s j + v - p, c]
    W[u, v, c, f] with stride s and padding p; pixels outside the image are 0.
    Shapes: x (N, H, W, C), W (KH, KW, C, F), b (F,), out (N, OH, OW, F),
    OH = (H + 2 p - KH) // s + 1.
    """

    def __init__(
        self,
        in_channels: int,
        filters: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int = 1,
        pad: int = 0,
        *,
        rng: np.random.Generator,
        algorithm: str = "auto",
        initializer: Initializer = glorot,
    ) -> None:
        check_count("in_channels", in_channels)
        check_count("filters", filters)
        self.kernel_size = kernels.check_window(kernel_size, stride, pad)
        self.stride, self.pad = stride, pad
        self.algorithm = kernels.check_algorithm(algorithm)
        self.W = Parameter(initializer((*self.kernel_size, in_channels, filters), rng))
        self.b = Parameter(np.zeros(filters, np.float32))
        self.params = (self.W, self.b)

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return out = x * W + b."""
        self.x = x
        out = kernels.conv2d(x, self.W.data, self.stride, self.pad, self.algorithm)
        out += self.b.data
        return out

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | None:
        """Transpose the two linear maps W -> out and x -> out; dJ/db sums dout."""
        window = (self.stride, self.pad, self.algorithm)
        if param_grads:
            self.W.grad[:] = kernels.conv2d_weight_grad(
                self.x, dout, self.kernel_size, *window
            )
            self.b.grad[:] = dout.sum(axis=(0, 1, 2))
        if not input_grad:
            return None
        return kernels.conv2d_input_grad(dout, self.W.data, self.x.shape, *window)

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H, W, C) -> (OH, OW, F)."""
        C, F = self.W.data.shape[2:]
        if len(input_shape) != 3 or input_shape[2] != C:
            raise ValueError(f"{self} takes shape (H, W, {C}), got {input_shape}")
        H, W, _ = input_shape
        return (
            *kernels.output_size((H, W), self.kernel_size, self.stride, self.pad),
            F,
        )

    def __repr__(self) -> str:
        KH, KW, C, F = self.W.data.shape
        options = f", stride={self.stride}" if self.stride != 1 else ""
        options += f", pad={self.pad}" if self.pad else ""
        return f"Conv2D({C}, {F}, {KH}x{KW}{options})"
