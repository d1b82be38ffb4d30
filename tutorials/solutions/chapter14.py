"""Solutions of chapter 14: what helps, adversarial training."""

from collections.abc import Callable

import numpy as np

from attacks import Threat
from minidl import cross_entropy
from minidl.backend import Array


def constant_cost(y: Array) -> float:
    """Mean J of logits log n_k, whose softmax is each class's share n_k / N."""
    _, classes, counts = np.unique(y, return_inverse=True, return_counts=True)
    z = np.tile(np.log(counts), (len(y), 1))
    return float(cross_entropy(z, classes)[0].mean())


def one_step_from(
    x: Array, u: Array, gradient: Callable[[Array], Array], eps: float, alpha: float
) -> Array:
    """P(x_0 + alpha sign(grad J(x_0))), x_0 a point of the ball; like x."""
    ball = Threat("Linf", eps)
    start = ball.project(x + eps * (2 * u - 1), x)
    return ball.project(start + alpha * np.sign(gradient(start)), x)


def grown_eps(t: int, eps: float, steps: int) -> float:
    """eps min(1, (t + 1) / steps)."""
    return eps * min(1.0, (t + 1) / steps)


def first_collapse(under_fgsm: Array, under_pgd: Array, gap: float) -> int:
    """The first epoch whose gap is larger, from 1; E + 1 if there is none."""
    larger = np.append(under_fgsm - under_pgd > gap, True)
    return int(larger.argmax()) + 1
