"""Functions without parameters: ReLU between layers, softmax after the last one."""

import numpy as np

from minidl import kernels
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch
from minidl.kernels.reference import log_softmax as log_softmax
from minidl.layers.base import Layer, Shape


class ReLU(Layer):
    """Rectified linear unit, out = max(x, 0).

    Shapes: x and out (N, ...).
    """

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return max(x, 0)."""
        check_batch("x", x)
        out = get_array_module(x).maximum(x, 0)
        return self.remember(out, out)

    def backward(self, dout: Array) -> Array:
        """dJ/dx = dout where x > 0, else 0 (also at x = 0)."""
        out = self.recall(dout)
        return kernels.relu_grad(dout, out)


class Softmax(Layer):
    """Probabilities from logits, p_k = exp(z_k) / sum_j exp(z_j).

    The last row of Tables 1 and 3. A classifier leaves it out and ends in logits, of
    which losses and `predict_proba` take the softmax. Shapes: z and p (N, K).
    """

    gives_probabilities = True

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return softmax of each row."""
        check_batch("x", x, ndim=2)
        p = softmax(x)
        return self.remember(p, p)

    @rounds_to_zero
    def backward(self, dout: Array) -> Array:
        """dJ/dz_k = p_k (dout_k - sum_j p_j dout_j)."""
        p = self.recall(dout)
        return p * (dout - (p * dout).sum(axis=1, keepdims=True))

    def output_shape(self, input_shape: Shape) -> Shape:
        """(K,) -> (K,)."""
        if len(input_shape) != 1:
            raise ValueError(f"{self} takes shape (K,), got {input_shape}")
        return input_shape


@rounds_to_zero
def softmax(z: Array) -> Array:
    """Return exp(z_k) / sum_j exp(z_j) for each row; the maximum is subtracted first.

    Shapes: z and result (N, K).
    """
    xp = get_array_module(z)
    e = xp.exp(z - z.max(axis=1, keepdims=True))  # at most 1, so no overflow
    return e / e.sum(axis=1, keepdims=True)
