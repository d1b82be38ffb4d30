"""Dropout: in training, each feature is set to zero at random."""

import numpy as np

from minidl import kernels
from minidl.backend import Array, rounds_to_zero
from minidl.checks import check_batch, check_generator
from minidl.checks.settings import setting
from minidl.layers.base import Layer


class Dropout(Layer):
    """Inverted dropout, out = x m: m is 0 with probability `rate`, else 1/(1 - rate).

    The mean of m is 1, so nothing has to be rescaled after training, when the layer is
    the identity. Passing `rng` switches training mode on. An attack passes none, so it
    can't switch dropout on.
    Shapes: x, m and out (N, ...).
    Source: Srivastava et al., Dropout, 2014.
    """

    rate: float = setting("[0, 1)")

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @rounds_to_zero
    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return x m in training, x itself otherwise."""
        check_batch("x", x)
        # An evaluation keeps None in place of an earlier mask: a stale mask in
        # `backward` would corrupt adversarial gradients unnoticed.
        mask = None if rng is None else self.draw_mask(x, rng)
        return self.remember(x if mask is None else x * mask, mask)

    def draw_mask(self, x: Array, rng: np.random.Generator) -> Array:
        """Return m for x from a counter-based generator, seeded by rng."""
        return kernels.dropout_mask(x, *self.draw(rng))

    def draw(self, rng: np.random.Generator) -> tuple[float, int]:
        """Return what determines m: the rate, and a seed for its generator."""
        check_generator("rng", rng)
        return self.rate, int(rng.integers(2**63))

    @rounds_to_zero
    def backward(self, dout: Array) -> Array:
        """dJ/dx = dout m, with the forward pass's mask."""
        mask = self.recall(dout)
        return dout if mask is None else dout * mask

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"
