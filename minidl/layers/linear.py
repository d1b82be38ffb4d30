"""The fully connected layer: every output is a weighted sum of all inputs."""

from typing import Any

import numpy as np

from minidl import kernels
from minidl.backend import Array
from minidl.checks import check_features, check_shape
from minidl.checks.networks import initial_weights
from minidl.checks.rules import checked
from minidl.checks.settings import setting
from minidl.initializers import Initializer, glorot
from minidl.layers.base import Layer, Shape
from minidl.layers.parameter import Parameter


class Linear(Layer):
    """Fully connected layer, out = x W + b.

    Shapes: x (N, D), W (D, M), b (M,), out (N, M).
    """

    W: Parameter = setting(Parameter)
    b: Parameter = setting(Parameter)

    @checked(in_features="count", out_features="count", rng="generator")
    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: np.random.Generator,
        initializer: Initializer = glorot,
    ) -> None:
        shape = in_features, out_features
        self.W = Parameter(initial_weights(initializer, shape, rng))
        self.b = Parameter(np.zeros(out_features, np.float32))

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return out = x W + b."""
        check_features("x", x, len(self.W.data))
        check_shape("b", self.b.data, self.W.data.shape[1:])
        out = kernels.matmul(x, self.W.data) + self.b.data
        return self.remember(out, x)

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """dJ/dW = x^T dout, dJ/db = sum of dout over the batch; dJ/dx = dout W^T."""
        x = self.recall(dout)
        if param_grads:
            kernels.matmul(x.T, dout, self.W.grad)
            dout.sum(axis=0, out=self.b.grad)
        return kernels.matmul(dout, self.W.data.T) if input_grad else None

    def output_shape(self, input_shape: Shape) -> Shape:
        """(D,) -> (M,)."""
        features, units = self.W.data.shape
        if input_shape != (features,):
            raise ValueError(f"{self} takes shape ({features},), got {input_shape}")
        return (units,)

    def __repr__(self) -> str:
        return "Linear({}, {})".format(*self.W.data.shape)
