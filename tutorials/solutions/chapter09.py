"""Solutions of chapter 9: attacking ensembles."""

from collections.abc import Callable

import numpy as np

import attacks
from attacks import GradientFn
from attacks.norms import L2
from minidl.backend import Array
from minidl.layers.activations import softmax


def adv2_direction(gradients: Array) -> Array:
    """The sign of the sum over members. Shapes: (M, N, H, W, C) -> (N, H, W, C)."""
    return np.sign(gradients.sum(axis=0))


def ensemble_weights(J: Array) -> Array:
    """w_i = p_i(y) / sum_j p_j(y), with p_i(y) = exp(-J_i). Shapes: (M, N) both."""
    return softmax(-J.T).T


def normalized_sum(gradients: Array) -> Array:
    """sum_i g_i / |g_i|, each image's own norm; a g_i of 0 adds nothing."""
    total: Array = sum(L2.direction(g) for g in gradients)  # type: ignore[assignment]
    return total


def steady_bim(
    gradient: GradientFn,
    predict: Callable[[Array], Array],
    x: Array,
    y: Array,
    eps: float,
    alpha: float,
    steps: int,
) -> Array:
    """BIM with the true label at all steps, regardless of the prediction."""
    return attacks.bim(gradient, x, y, eps, alpha, steps)
