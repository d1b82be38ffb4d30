"""The gradients that an attack can follow: a model's, one member's or all members'.

    member_gradient             grad J_i                          the paper's Adv. 1
    sum_gradient                sum_i grad J_i                    the paper's Adv. 2
    mean_probability_gradient   sum_i w_i grad J_i                the ensemble's own J
    margin_gradient             grad (max_{k != y} p_k - p_y)     the ensemble's margin
    mean_logit_gradient         grad J of the mean logits         J of averaged logits
    normalized_gradient         sum_i grad J_i / |grad J_i|       one vote per member

A gradient function takes (x, y) and returns an array of x's shape, like the second
result of a `LossFn`. Networks run in evaluation mode; their parameters and parameter
gradients don't change.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from attacks.forwards import check_members, mean_logits, mean_probability, total
from attacks.losses import Loss, cross_entropy, margin
from attacks.norms import L2
from attacks.victims import LossFn, ensemble_loss, loss_of, model_loss
from minidl.backend import Array
from minidl.checks import check_count
from minidl.layers import Sequential

GradientFn: TypeAlias = Callable[[Array, Array], Array]


def gradient_of(loss: LossFn) -> GradientFn:
    """Return the gradient function that belongs to a loss."""
    return lambda x, y: loss(x, y)[1]


def input_gradient(model: Sequential, x: Array, y: Array) -> Array:
    """Return grad_x of the sum over images of J(theta, x_n, y_n).

    With the sum instead of the mean, row n is image n's own gradient, whatever else is
    in the batch.
    Shapes: x (N, H, W, C), y (N,), result like x.
    """
    return model_gradient(model)(x, y)


def model_gradient(model: Sequential, loss: Loss = cross_entropy) -> GradientFn:
    """Return the gradient function of one model, of J or another loss."""
    return gradient_of(model_loss(model, loss))


def member_gradient(members: Sequence[Sequential], i: int) -> GradientFn:
    """Adv. 1: grad_x J(theta_i, x, y) of the i-th member alone."""
    members = check_members(members)
    check_count("i", i, at_least=0)
    if i >= len(members):
        raise ValueError(f"i must be 0 to {len(members) - 1}, got {i}")
    return model_gradient(members[i])


def sum_gradient(members: Iterable[Sequential]) -> GradientFn:
    """Adv. 2: sum over i of grad_x J(theta_i, x, y)."""
    gradients = [model_gradient(member) for member in check_members(members)]
    return lambda x, y: total(gradient(x, y) for gradient in gradients)


def mean_probability_gradient(members: Iterable[Sequential]) -> GradientFn:
    """The gradient of the ensemble's own cost, J = -log p(y) with p = mean of p_i."""
    return gradient_of(ensemble_loss(members))


def margin_gradient(members: Iterable[Sequential]) -> GradientFn:
    """The gradient of the ensemble's margin, max_{k != y} p_k - p_y, p = mean of p_i.

    k is the strongest other class of the *ensemble*.
    """
    return gradient_of(loss_of(mean_probability(members), margin))


def mean_logit_gradient(members: Iterable[Sequential]) -> GradientFn:
    """The gradient of J of the mean logits, which are averaged before the softmax."""
    return gradient_of(loss_of(mean_logits(members)))


def normalized_gradient(members: Iterable[Sequential]) -> GradientFn:
    """sum_i grad J_i / |grad J_i|, each of Euclidean norm 1 (or 0, if it vanishes).

    In a plain sum, members that are already most wrong have the longest gradients.
    """
    gradients = [model_gradient(member) for member in check_members(members)]
    return lambda x, y: total(L2.direction(gradient(x, y)) for gradient in gradients)
