"""What an attack climbs: losses of logits, each image's own, with their gradients.

A loss takes logits z (N, K) and labels y (N,) and returns its value for each image
(N,) and its gradient dz (N, K). An image is read wrongly where `margin` is above 0.

    cross_entropy   -log p_y                        what training descends
    margin          max_{k != y} z_k - z_y          Carlini & Wagner's
    dlr             margin / (z_(1) - z_(3))        the same, without the logits' scale

Cross-entropy grows with the scale of the logits and is nearly flat for an image that a
network is sure of; the other two have a slope everywhere.
"""

from collections.abc import Callable
from typing import TypeAlias

from minidl.backend import Array, get_array_module
from minidl.losses import loss_for

Loss: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]

THIRD = 2  # place of z_(3), from the largest on


def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """J_n = log(sum_k exp z_k) - z_y; dz = p - onehot(y)."""
    loss = loss_for(z)
    loss.forward(z, y)
    return loss.costs, loss.backward() * len(z)  # of the sum over images, not the mean


def margin(z: Array, y: Array) -> tuple[Array, Array]:
    """max_{k != y} z_k - z_y; dz is 1 at that k, -1 at y.

    Source: Carlini & Wagner, Towards Evaluating the Robustness of Neural Networks,
    2017, f_6 with the sign turned.
    """
    xp = get_array_module(z)
    rows, other = xp.arange(len(z)), strongest_other(z, y)
    dz = xp.zeros_like(z)
    dz[rows, other] = 1
    dz[rows, y] = -1
    return z[rows, other] - z[rows, y], dz


def dlr(z: Array, y: Array) -> tuple[Array, Array]:
    """Difference of logits ratio, margin / (z_(1) - z_(3)), z_(1) >= z_(2) >= z_(3).

    Adding a constant to z, or multiplying it by one, changes nothing. By the quotient
    rule, with s the denominator: dz = (dmargin - dlr ds) / s.
    Raises ValueError for fewer than three classes.
    Source: Croce & Hein, Reliable Evaluation of Adversarial Robustness, 2020, eq. 6.
    """
    if z.shape[1] <= THIRD:
        raise ValueError(f"dlr takes at least 3 classes, got {z.shape[1]}")
    xp = get_array_module(z)
    rows, order = xp.arange(len(z)), (-z).argsort(axis=1)
    first, third = order[:, 0], order[:, THIRD]
    scale = xp.maximum(z[rows, first] - z[rows, third], xp.finfo(z.dtype).tiny)
    value, dz = margin(z, y)
    value = value / scale
    dz[rows, first] -= value
    dz[rows, third] += value
    return value, dz / scale[:, None]


def strongest_other(z: Array, y: Array) -> Array:
    """Return the class of the largest logit but the label's. Shapes: (N, K) -> (N,)."""
    xp = get_array_module(z)
    others = z.copy()
    others[xp.arange(len(z)), y] = -xp.inf
    return others.argmax(axis=1)


def targeted(loss: Loss) -> Loss:
    """Turn a loss round: what climbs it moves towards the class that y names."""

    def towards(z: Array, y: Array) -> tuple[Array, Array]:
        value, dz = loss(z, y)
        return -value, -dz

    return towards
