"""Solutions of chapter 15: defences and how they broke."""

from collections.abc import Callable

import numpy as np

from minidl.backend import Array
from minidl.layers import softmax
from tutorials.defences.detector import undetected_margin


def soft_labels(z: Array, temperature: float) -> Array:
    """softmax(z / T). Shapes: (N, K)."""
    return softmax(z / temperature)


def straight_through(
    x: Array,
    y: Array,
    defence: Callable[[Array], Array],
    gradient: Callable[[Array, Array], Array],
) -> Array:
    """The network's gradient at t(x), used as the gradient at x; like x."""
    return gradient(defence(x), y)


def with_rejection(z: Array, s: Array) -> Array:
    """z and max_k z_k + s. Shapes: z (N, K), s (N,) -> (N, K + 1)."""
    return np.column_stack([z, z.max(axis=1) + s])


def combined_loss(z: Array, y: Array) -> tuple[Array, Array]:
    """max_{k != y, K} z_k - max(z_y, z_K), with its gradient. Shape: z (N, K + 1)."""
    return undetected_margin(z, y)
