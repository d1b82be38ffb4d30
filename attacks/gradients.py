"""Whose gradient an attack follows: a model's, one member's or all members'.

    member_gradient             grad J_i                          the paper's Adv. 1
    sum_gradient                sum_i grad J_i                    the paper's Adv. 2
    mean_probability_gradient   sum_i w_i grad J_i                the ensemble's own J
    margin_gradient             grad (max_{k != y} p_k - p_y)     and its own margin
    mean_logit_gradient         grad J of the mean logits         another ensemble's J
    normalized_gradient         sum_i grad J_i / |grad J_i|       each member's vote

A gradient function takes (x, y) and returns an array of x's shape: the second half of a
`LossFn`, where there is such a loss. It runs networks in evaluation mode and leaves
their parameters, and the parameters' gradients, alone.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from attacks.losses import Loss, cross_entropy, strongest_other
from attacks.norms import L2
from attacks.victims import (
    LossFn,
    back_to_input,
    check_members,
    costs_and_gradient,
    logits_at,
    loss_of,
    mean_logits,
    mean_probability_loss,
    model_loss,
)
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch, check_count, check_device, check_labels
from minidl.layers import Sequential
from minidl.layers.activations import softmax

GradientFn: TypeAlias = Callable[[Array, Array], Array]


def gradient_of(loss: LossFn) -> GradientFn:
    """Return the gradient function that belongs to a loss."""
    return lambda x, y: loss(x, y)[1]


def input_gradient(model: Sequential, x: Array, y: Array) -> Array:
    """Return grad_x of the sum over images of J(theta, x_n, y_n).

    Of the sum, not of the mean: row n is then image n's own gradient, whatever else
    is in the batch.
    Shapes: x (N, H, W, C), y (N,), result like x.
    """
    return costs_and_gradient(model, x, y)[1]


def model_gradient(model: Sequential, loss: Loss = cross_entropy) -> GradientFn:
    """Return the gradient function of one model, of J or another loss."""
    return gradient_of(model_loss(model, loss))


def member_gradient(members: Sequence[Sequential], i: int) -> GradientFn:
    """Adv. 1: grad_x J(theta_i, x, y), of the i-th member alone."""
    members = check_members(members)
    check_count("i", i, at_least=0)
    if i >= len(members):
        raise ValueError(f"i must be 0 to {len(members) - 1}, got {i}")
    return model_gradient(members[i])


def sum_gradient(members: Sequence[Sequential]) -> GradientFn:
    """Adv. 2: sum over i of grad_x J(theta_i, x, y)."""
    members = check_members(members)

    def gradient(x: Array, y: Array) -> Array:
        total: Any = sum(input_gradient(m, x, y) for m in members)
        return total

    return gradient


def mean_probability_gradient(members: Sequence[Sequential]) -> GradientFn:
    """The gradient of the ensemble's own cost, J = -log p(y) with p = mean of p_i."""
    return gradient_of(mean_probability_loss(members))


def mean_logit_gradient(members: Sequence[Sequential]) -> GradientFn:
    """The gradient of J of the mean logits: averaged before the softmax."""
    return gradient_of(loss_of(mean_logits(members)))


def margin_gradient(members: Sequence[Sequential]) -> GradientFn:
    """The gradient of the ensemble's margin, max_{k != y} p_k - p_y, p = mean of p_i.

    Through each softmax, with k the strongest other class of the *ensemble*:

        dz_j = p_j ((1_{j=k} - 1_{j=y}) - (p_k - p_y)) / M.

    At j = y that is -p_y (sum_{l != y} p_l + p_k) / M: 1 - p_y would round to 0.
    """
    members = check_members(members)

    @rounds_to_zero
    def gradient(x: Array, y: Array) -> Array:
        check_batch("x", x)
        p = [softmax(logits_at(member, x)) for member in members]
        check_labels("y", y, *p[0].shape)
        check_device("y", y, x)
        together: Any = sum(p)
        k = strongest_other(together, y)
        total: Any = sum(
            back_to_input(member, margin_grad(p_i, y, k))
            for member, p_i in zip(members, p, strict=True)
        )
        return total / len(members)

    return gradient


def margin_grad(p: Array, y: Array, k: Array) -> Array:
    """Return d(p_k - p_y)/dz of one member. Shapes: p and result (N, K), y, k (N,)."""
    rows = get_array_module(p).arange(len(p))
    others = p.copy()
    others[rows, y] = 0
    p_k, p_y, rest = p[rows, k], p[rows, y], others.sum(axis=1)  # rest is 1 - p_y
    dz = -p * (p_k - p_y)[:, None]
    dz[rows, k] += p_k
    dz[rows, y] = -p_y * (rest + p_k)
    return dz


def normalized_gradient(members: Sequence[Sequential]) -> GradientFn:
    """sum_i grad J_i / |grad J_i|, each of Euclidean norm 1 (or 0, if it vanishes).

    In a plain sum the members that are most wrong already have the longest gradients.
    """
    members = check_members(members)

    def gradient(x: Array, y: Array) -> Array:
        total: Any = sum(L2.direction(input_gradient(m, x, y)) for m in members)
        return total

    return gradient
