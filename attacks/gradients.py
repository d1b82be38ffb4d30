"""Whose gradient an attack follows: a model's, one member's or all members'.

A gradient function takes (x, y) and returns an array of x's shape. It runs networks in
evaluation mode and leaves their parameters, and the parameters' gradients, alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from minidl.backend import Array
from minidl.checks import check_batch, check_labels
from minidl.layers import Sequential
from minidl.losses import SoftmaxCrossEntropy

GradientFn: TypeAlias = Callable[[Array, Array], Array]


def input_gradient(model: Sequential, x: Array, y: Array) -> Array:
    """Return grad_x of the sum over images of J(theta, x_n, y_n).

    Of the sum, not of the mean: row n is then image n's own gradient, whatever else
    is in the batch.
    Shapes: x (N, H, W, C), y (N,), result like x.
    """
    check_batch("x", x)
    check_labels("y", y, len(x), model.classes)
    loss = SoftmaxCrossEntropy()
    loss.forward(model.forward(x), y)
    dz = loss.backward() * len(x)  # J is the mean: times N it is the sum
    dx = model.backward(dz, param_grads=False)
    assert dx is not None
    return dx


def model_gradient(model: Sequential) -> GradientFn:
    """Return the gradient function of one model."""
    return lambda x, y: input_gradient(model, x, y)


def member_gradient(members: Sequence[Sequential], i: int) -> GradientFn:
    """Adv. 1: grad_x J(theta_i, x, y), of the i-th member alone."""
    members = check_members(members)
    if i not in range(len(members)):
        raise ValueError(f"i must be 0 to {len(members) - 1}, got {i!r}")
    return model_gradient(members[i])


def sum_gradient(members: Sequence[Sequential]) -> GradientFn:
    """Adv. 2: sum over i of grad_x J(theta_i, x, y)."""
    members = check_members(members)

    def gradient(x: Array, y: Array) -> Array:
        total: Any = sum(input_gradient(m, x, y) for m in members)
        return total

    return gradient


def check_members(members: Iterable[Sequential]) -> tuple[Sequential, ...]:
    """Return the members as a tuple; ValueError if there is none."""
    members = tuple(members)  # a generator would be empty at the second step
    if not members:
        raise ValueError("members must hold at least one model, got none")
    return members
