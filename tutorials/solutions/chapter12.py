"""Solutions of chapter 12: does the defence hold?"""

import numpy as np

from attacks.losses import margin
from minidl.backend import Array


def margin_loss(z: Array, y: Array) -> tuple[Array, Array]:
    """max_{k != y} z_k - z_y (N,), and its gradient (N, K)."""
    return margin(z, y)


def worst_case(fooled: Array) -> float:
    """The fraction of images that no attack fools. Shapes: fooled (attacks, N)."""
    return float(np.mean(~fooled.any(axis=0)))


def smallest_eps(fooled: Array, eps: Array) -> Array:
    """The first eps (E,) that fools an image, 1 if none. Shapes: (E, N) -> (N,)."""
    first = eps[fooled.argmax(axis=0)]
    return np.where(fooled.any(axis=0), first, 1.0)
