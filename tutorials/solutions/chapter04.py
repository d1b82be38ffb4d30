"""Solutions of chapter 4: pooling, dropout, softmax and cross-entropy."""

import numpy as np

from minidl import MaxPool2D, losses
from minidl.backend import Array
from minidl.layers.activations import softmax as minidl_softmax


def max_pool(x: Array) -> Array:
    """The maximum of each 2x2 window. Shapes: (N, H, W, C) -> (N, H/2, W/2, C)."""
    return MaxPool2D(2).forward(x)


def max_pool_backward(x: Array, dout: Array) -> Array:
    """dJ/dx: dout at the place of each maximum, 0 elsewhere."""
    layer = MaxPool2D(2)
    layer.forward(x)
    dx = layer.backward(dout)
    assert dx is not None
    return dx


def dropout(x: Array, kept: Array, rate: float) -> Array:
    """Inverted dropout: x / (1 - rate) where kept, else 0."""
    return np.where(kept, x / (1 - rate), 0).astype(x.dtype)


def softmax(z: Array) -> Array:
    """p_k = exp(z_k) / sum_j exp(z_j) of each row."""
    return minidl_softmax(z)


def cross_entropy(z: Array, y: Array) -> Array:
    """J = mean over n of log(sum_j exp z_nj) - z_ny."""
    return losses.cross_entropy(z, y)[0].mean()


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    """dJ/dz = (p - onehot(y)) / N."""
    return losses.cross_entropy(z, y)[1] / len(z)
