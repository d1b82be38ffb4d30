"""Solutions of chapter 5: training."""

import numpy as np

from minidl import SGD, Adam
from minidl.backend import Array
from minidl.layers import Parameter


def momentum_step(
    p: Array, g: Array, v: Array, lr: float, momentum: float
) -> tuple[Array, Array]:
    """v = momentum v + g, p = p - lr v."""
    p, v = p.copy(), v.copy()
    SGD([Parameter(p)], lr, momentum).update(p, g, v)
    return p, v


def adam_step(
    p: Array, g: Array, m: Array, v: Array, t: int
) -> tuple[Array, Array, Array]:
    """Adam with lr 1e-3, rates 0.9 and 0.999, eps 1e-8; t is 1 at the first step."""
    p, m, v = p.copy(), m.copy(), v.copy()
    optimizer = Adam([Parameter(p)], lr=1e-3)
    optimizer.t = t
    optimizer.update(p, g, m, v)
    return p, m, v


def accuracy(z: Array, y: Array) -> float:
    """The fraction of rows whose largest logit is the label's."""
    return float(np.mean(z.argmax(axis=1) == y))
