"""Solutions of chapter 1: one neuron."""

from collections.abc import Callable

import numpy as np

from minidl import Linear, cross_entropy
from minidl.backend import Array
from minidl.gradcheck import directional_derivative
from minidl.layers.activations import softmax


def neuron(x: Array, w: Array, b: float) -> Array:
    """p = 1 / (1 + exp(-(x w + b))): a softmax over the logits 0 and x w + b."""
    z = x @ w + b
    return softmax(np.stack([np.zeros_like(z), z], axis=1))[:, 1]


def neuron_gradient(x: Array, y: Array, w: Array, b: float) -> tuple[Array, Array]:
    """dJ/dw = x^T (p - y) / N, dJ/db = mean of p - y: a layer of two outputs."""
    layer = Linear(len(w), 2, rng=np.random.default_rng(0)).astype(np.float64)
    layer.W.data[:] = np.stack([np.zeros_like(w), w], axis=1)
    layer.b.data[:] = 0, b
    _, dz = cross_entropy(layer.forward(x), y)
    layer.backward(dz / len(x))
    return layer.W.grad[:, 1], layer.b.grad[1]


def slope(f: Callable[[Array], float], x: Array, i: int) -> float:
    """df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2 h, with h = 1e-5."""
    return directional_derivative(f, x, np.eye(len(x))[i])
