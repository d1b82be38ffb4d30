"""Losses of the logits that attacks climb, with their gradients.

A loss takes logits z (N, K) and labels y (N,) and returns its value for each image
(N,) and its gradient dz (N, K). An image is misclassified where `margin` is above 0.

    cross_entropy   -log p_y                        what training descends
    margin          max_{k != y} z_k - z_y          Carlini & Wagner's
    dlr             margin / (z_(1) - z_(3))        independent of the logits' scale
    targeted_dlr    -margin / (z_(1) - (z_(3) + z_(4)) / 2)   towards the class y

Cross-entropy is nearly flat for an image that a network classifies with confidence; the
others keep their slope. (But dlr is 1 wherever y has the third largest logit.)
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from minidl.backend import Array, get_array_module
from minidl.checks import check_logits
from minidl.checks.answers import check_function
from minidl.losses import cross_entropy as cross_entropy

NO_SPREAD = 1e-12  # in place of 0 where the largest logits are equal, as in AutoAttack
Loss: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]


def margin(z: Array, y: Array) -> tuple[Array, Array]:
    """max_{k != y} z_k - z_y; dz is 1 at this k, -1 at y.

    Source: Carlini & Wagner, Towards Evaluating the Robustness of Neural Networks,
    2017, f_6 with the sign flipped.
    """
    check_classes("margin", z, y, 2)
    xp = get_array_module(z)
    rows, other = xp.arange(len(z)), strongest_other(z, y)
    dz = xp.zeros_like(z)
    dz[rows, other] = 1
    dz[rows, y] = -1
    return z[rows, other] - z[rows, y], dz


def dlr(z: Array, y: Array) -> tuple[Array, Array]:
    """Difference of logits ratio, margin / (z_(1) - z_(3)), z_(1) >= z_(2) >= z_(3).

    Adding a constant to z, or multiplying z by a positive constant, changes nothing.
    Raises ValueError for fewer than three classes.
    Source: Croce & Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble
    of Diverse Parameter-free Attacks, 2020, eq. 6.
    """
    check_classes("dlr", z, y, 3)
    return over_spread(*margin(z, y), z, [3])


def targeted_dlr(z: Array, y: Array) -> tuple[Array, Array]:
    """Climb towards the class y: -margin / (z_(1) - (z_(3) + z_(4)) / 2).

    Above 0 where an image is classified as y. It replaces -dlr, which is flat where y
    has the third largest logit.
    Raises ValueError for fewer than four classes.
    Source: Croce & Hein, 2020, eq. 7, where the margin is to the image's own label;
    here it is to the strongest other class.
    """
    check_classes("targeted_dlr", z, y, 4)
    value, dz = over_spread(*margin(z, y), z, [3, 4])
    return -value, -dz


def over_spread(
    value: Array, dz: Array, z: Array, places: list[int]
) -> tuple[Array, Array]:
    """Return value / s, s = z_(1) - the mean of z at these places, and its gradient.

    z_(1) >= z_(2) >= ... By the quotient rule d(v / s) = (dv - v / s ds) / s.
    """
    xp = get_array_module(z)
    rows, order = xp.arange(len(z)), (-z).argsort(axis=1)
    first, *lower = (order[:, place - 1] for place in (1, *places))
    mean: Any = sum(z[rows, k] for k in lower) / len(lower)
    scale = xp.maximum(z[rows, first] - mean, NO_SPREAD)
    value = value / scale
    dz[rows, first] -= value
    for k in lower:
        dz[rows, k] += value / len(lower)
    return value, dz / scale[:, None]


def check_classes(loss: str, z: Array, y: Array, at_least: int) -> None:
    """Raise TypeError or ValueError unless z and y fit, with enough classes."""
    check_logits(z, y)
    if z.shape[1] < at_least:
        raise ValueError(f"{loss} takes at least {at_least} classes, got {z.shape[1]}")


def strongest_other(z: Array, y: Array) -> Array:
    """Return the class of the largest logit except y's. Shapes: (N, K) -> (N,)."""
    xp = get_array_module(z)
    others = z.copy()
    others[xp.arange(len(z)), y] = -xp.inf
    return others.argmax(axis=1)


def targeted(loss: Loss) -> Loss:
    """Return the negative of a loss, which an attack climbs towards the class y.

    dlr becomes `targeted_dlr`, which has another denominator.
    Raises TypeError unless the loss is a function.
    """
    check_function("loss", loss, "margin")
    if loss is dlr:
        return targeted_dlr

    def towards(z: Array, y: Array) -> tuple[Array, Array]:
        value, dz = loss(z, y)
        return -value, -dz

    return towards
