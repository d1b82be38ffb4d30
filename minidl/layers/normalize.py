"""Standardisation of the inputs, as a network's first layer."""

from collections.abc import Sequence

import numpy as np

from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch
from minidl.checks.networks import check_channels
from minidl.checks.settings import fixed
from minidl.layers.base import Layer, Shape


class Normalize(Layer):
    """Standardisation, out = (x - mean) / std, per channel or with one value for all.

    Attacks take images in [0, 1], and their eps has the same units. To attack a network
    that was trained on standardised images, put this layer in front of its own. Mean
    and standard deviation are in units of [0, 1] and aren't learned.
    Shapes: x and out (N, ..., C), mean and std () or (C,). Raises TypeError or
    ValueError unless both are finite and std > 0.
    """

    mean: Array = fixed()
    std: Array = fixed()

    def __init__(
        self, mean: float | Sequence[float], std: float | Sequence[float]
    ) -> None:
        self.mean, self.std = check_channels(mean, std)

    @rounds_to_zero
    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return (x - mean) / std."""
        check_batch("x", x)
        self.output_shape(x.shape[1:])
        xp = get_array_module(x)
        mean, std = (xp.asarray(a, x.dtype) for a in (self.mean, self.std))
        return self.remember((x - mean) / std, std)

    @rounds_to_zero
    def backward(self, dout: Array) -> Array:
        """dJ/dx = dout / std."""
        std = self.recall(dout)
        return dout / std.astype(dout.dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape; ValueError for another number of channels."""
        for channels in (*self.mean.shape, *self.std.shape):
            if input_shape[-1:] != (channels,):
                raise ValueError(
                    f"{self} takes shape (..., {channels}), got {input_shape}"
                )
        return input_shape

    def __setstate__(self, state: dict[str, Array]) -> None:
        vars(self).update(state)
        self.mean.flags.writeable = self.std.flags.writeable = False  # as in the first

    def __repr__(self) -> str:
        return f"Normalize({self.mean.tolist()}, {self.std.tolist()})"
