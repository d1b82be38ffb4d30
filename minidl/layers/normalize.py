"""Standardised inputs: what a network subtracts and divides by, as its first layer."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_batch
from minidl.layers.base import Layer, Shape
from minidl.settings import fixed


class Normalize(Layer):
    """Standardisation, out = (x - mean) / std, channel by channel or with one of each.

    Attacks take images in [0, 1], and their eps is in those units: a network that was
    trained on standardised images is attacked with this layer before its own. Mean and
    standard deviation are given in units of [0, 1], and aren't learned.
    Shapes: x and out (N, ..., C), mean and std () or (C,). Raises TypeError or
    ValueError unless both are finite and std > 0.
    """

    mean: Array = fixed()
    std: Array = fixed()

    def __init__(
        self, mean: float | Sequence[float], std: float | Sequence[float]
    ) -> None:
        self.mean = per_channel("mean", mean)
        self.std = per_channel("std", std, low=float(np.finfo(np.float32).tiny))
        if len({*self.mean.shape, *self.std.shape}) > 1:
            raise ValueError(
                f"mean and std must have equally many channels, got {mean} and {std}"
            )

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return (x - mean) / std."""
        check_batch("x", x)
        self.output_shape(x.shape[1:])
        xp = get_array_module(x)
        mean, std = (xp.asarray(a, x.dtype) for a in (self.mean, self.std))
        return self.remember((x - mean) / std, std)

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | None:
        """dJ/dx = dout / std."""
        std = self.recall(dout)
        return dout / std.astype(dout.dtype) if input_grad else None

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape; ValueError for another number of channels."""
        for channels in (*self.mean.shape, *self.std.shape):
            if input_shape[-1:] != (channels,):
                raise ValueError(
                    f"{self} takes shape (..., {channels}), got {input_shape}"
                )
        return input_shape

    def __repr__(self) -> str:
        return f"Normalize({self.mean.tolist()}, {self.std.tolist()})"


def per_channel(name: str, values: Any, low: float = -inf) -> Array:
    """Return a number, or one a channel, as an array that nobody can change.

    Raises TypeError or ValueError unless they are above `low`, and finite in float32.
    """
    if isinstance(values, np.ndarray):
        check_array(name, values)
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.ndim > 1 or array.size == 0:
        raise TypeError(f"{name} must be a number, or one a channel, got {values!r}")
    largest = np.finfo(np.float32).max
    if not ((low <= array) & (abs(array) <= largest)).all():
        limit = "finite" if low == -inf else "above 0 and finite"
        raise ValueError(f"{name} must be {limit} in float32, got {values!r}")
    array = array.astype(np.float64)
    array.flags.writeable = False
    return array
