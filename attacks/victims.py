"""A classifier as attacks see it: the functions that they take.

An attack takes only the functions that it needs, so that it works on anything that has
them. Here they are made from a forward pass (`forwards`):

    Predict       x -> classes                 (N,)
    PredictProba  x -> probabilities           (N, K)
    Logits        x -> z                       (N, K)
    VJP           (x, dz) -> gradient          of sum(dz z) with respect to x
    LossFn        (x, y) -> (loss, gradient)   each image's own loss (N,), its gradient
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from attacks.forwards import Forward, checked_forward, log_mean_probability, network
from attacks.functions import guarded
from attacks.losses import Loss, cross_entropy
from minidl.backend import Array, get_array_module
from minidl.checks import check_labels
from minidl.layers import Sequential

Predict: TypeAlias = Callable[[Array], Array]
PredictProba: TypeAlias = Callable[[Array], Array]
Logits: TypeAlias = Callable[[Array], Array]
VJP: TypeAlias = Callable[[Array, Array], Array]
LossFn: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]


def loss_of(forward: Forward, loss: Loss = cross_entropy) -> LossFn:
    """Return the loss of a forward pass's logits, with its gradient."""
    forward = checked_forward(forward)
    if loss is not cross_entropy:  # one kernel on a GPU, which needs no copies
        loss = guarded("loss", loss, "loss of logits")

    def loss_fn(x: Array, y: Array) -> tuple[Array, Array]:
        z, back = forward(x)
        check_labels("y", y, *z.shape)
        values, dz = loss(z, y)
        return values, back(dz)

    return loss_fn


def logits_of(forward: Forward) -> Logits:
    """Return x -> z of a forward pass."""
    forward = checked_forward(forward)
    return lambda x: forward(x)[0]


def vjp_of(forward: Forward) -> VJP:
    """Return (x, dz) -> the gradient of sum(dz z), dz like z, (N, K).

    If dz is (R, N, K), the result is (R, *x.shape), from one forward and R backward
    passes. These are rows of the Jacobian, if each dz[r] selects one class.
    """
    forward = checked_forward(forward)

    def vjp(x: Array, dz: Array) -> Array:
        z, back = forward(x)
        if dz.ndim == z.ndim:
            return back(dz)
        return get_array_module(x).stack([back(row).copy() for row in dz])

    return vjp


def model_loss(model: Sequential, loss: Loss = cross_entropy) -> LossFn:
    """Return one network's loss: J, a margin or dlr of its logits."""
    return loss_of(network(model), loss)


def ensemble_loss(
    members: Iterable[Sequential],
    loss: Loss = cross_entropy,
    weights: Sequence[float] | None = None,
) -> LossFn:
    """Return the loss of an ensemble's prediction, its mean probability p.

    It is -log p_y with cross_entropy, and log of max_{k != y} p_k / p_y with margin.
    An Ensemble with weights predicts the weighted mean, so pass its weights here.
    For J the chain rule gives a weighted mean of the members' gradients,

        grad J = sum_i r_i grad J_i,   r_i = w_i p_i(y) / sum_j w_j p_j(y),

    in which members that are already fooled hardly count.
    """
    return loss_of(log_mean_probability(members, weights), loss)


def per_image(values: Array, x: Array) -> Array:
    """Return one number per image, (N,), in a shape that multiplies the images x."""
    return values.reshape(-1, *[1] * (x.ndim - 1))
