"""Convolution: the same small filters, applied at every position of an image."""

from typing import Any

import numpy as np

from minidl import kernels
from minidl.backend import Array
from minidl.checks import check_batch
from minidl.checks.networks import initial_weights
from minidl.checks.rules import checked
from minidl.checks.settings import fixed, setting
from minidl.initializers import Initializer, glorot
from minidl.kernels import arguments
from minidl.kernels.shapes import pair
from minidl.layers.base import Layer, Shape
from minidl.layers.parameter import Parameter


class Conv2D(Layer):
    """Convolution of images with filters, as in deep learning (no filter is flipped).

    out[n, i, j, f] = b[f] + sum over u, v, c of x[n, s i + u - p, s j + v - p, c]
    W[u, v, c, f] with stride s and padding p; pixels outside the image are 0.
    Shapes: x (N, H, W, C), W (KH, KW, C, F), b (F,), out (N, OH, OW, F),
    OH = (H + 2 p - KH) // s + 1.
    """

    W: Parameter = setting(Parameter)
    b: Parameter = setting(Parameter)
    stride: int = fixed()
    pad: int = fixed()
    algorithm: str = fixed()

    @checked(
        **{"in_channels": "count", "filters": "count", "rng": "generator"},
        **{"kernel_size": arguments.window, **arguments.STEPS},
        algorithm=arguments.algorithm,
    )
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
        self.stride, self.pad, self.algorithm = stride, pad, algorithm
        shape = (*pair(kernel_size), in_channels, filters)
        self.W = Parameter(initial_weights(initializer, shape, rng))
        self.b = Parameter(np.zeros(filters, np.float32))

    @property
    def kernel_size(self) -> Shape:
        """Height and width of the filters."""
        return self.W.data.shape[:2]

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return out = x * W + b."""
        check_batch("x", x)
        out = kernels.conv2d(x, self.W.data, self.b.data, *self.how)
        return self.remember(out, x)

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """Transpose the two linear maps W -> out and x -> out; dJ/db sums dout."""
        return self.gradients(self.recall(dout), dout, param_grads, input_grad)

    def gradients(self, x: Array, dout: Array, param_grads: bool, *asked: Any) -> Any:
        """Fill dJ/dW and dJ/db, return dJ/dx: see `kernels.conv2d_block_grads`."""
        filled = (self.W.grad, self.b.grad) if param_grads else (None, None)
        arguments = (x, dout, self.W.data, *self.how, *filled, *asked)
        return kernels.conv2d_block_grads(*arguments)

    @property
    def how(self) -> tuple[int, int, str]:
        """Stride, padding and algorithm, as the convolution kernels take them."""
        return self.stride, self.pad, self.algorithm

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
