"""A classifier as attacks see it: logits, losses, and the way back to the image.

An attack takes just the functions that it needs, so that anything can be attacked that
has them. Here they are made for one network, and for an ensemble:

    Predict       x -> classes                 (N,)
    PredictProba  x -> probabilities           (N, K)
    Logits        x -> z                       (N, K)
    VJP           (x, dz) -> gradient          of sum(dz z) with respect to x
    LossFn        (x, y) -> (loss, gradient)   each image's own loss (N,), its gradient

The last three are views of one thing, a forward pass together with its way back: a
`Forward` gives logits, and a function that turns any dJ/dz into dJ/dx. Networks run in
evaluation mode; their parameters, and the parameters' gradients, are left alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from attacks.losses import Loss, applied, cross_entropy
from minidl.answers import answer, check_function, check_rows
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch, check_labels, check_weights
from minidl.layers import Sequential
from minidl.layers.activations import log_softmax, softmax
from minidl.training import classes_of

Back: TypeAlias = Callable[[Array], Array]  # dJ/dz (N, K) -> dJ/dx, like x
Forward: TypeAlias = Callable[[Array], tuple[Array, Back]]  # x -> (z, back)
Predict: TypeAlias = Callable[[Array], Array]
PredictProba: TypeAlias = Callable[[Array], Array]
Logits: TypeAlias = Callable[[Array], Array]
VJP: TypeAlias = Callable[[Array, Array], Array]
LossFn: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]


def costs_and_gradient(
    model: Sequential, x: Array, y: Array, loss: Loss = cross_entropy
) -> tuple[Array, Array]:
    """Return each image's cost (N,), and the gradient of their sum like x."""
    check_network("model", model)
    check_batch("x", x)
    check_labels("y", y, len(x), classes_of(model))
    costs, dz = applied(loss, logits_at(model, x), y)
    return costs, back_to_input(model, dz)


def logits_at(model: Any, x: Array) -> Array:
    """Return the network's logits (N, K); one that isn't ours is shown a copy of x."""
    if isinstance(model, Sequential):
        return model.forward(x)
    z: Array = answer("forward", model.forward, x)
    check_rows("forward", z, len(x), "f")
    return z


def back_to_input(model: Sequential, dz: Array) -> Array:
    """Return dJ/dx from dJ/dz, behind a forward pass."""
    dx = model.backward(dz, param_grads=False)
    assert dx is not None
    return dx


def way_back(model: Sequential) -> Back:
    """Return dJ/dz -> dJ/dx of the network's latest pass, for later calls, too."""
    latest = getattr(model, "latest", None)  # other networks remember in their own way

    def back(dz: Array) -> Array:
        if latest is not None:
            model.latest = latest
        return back_to_input(model, dz)

    return back


def network(model: Sequential) -> Forward:
    """Return the forward pass of one network; each call has a `back` of its own."""
    check_network("model", model)

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        return logits_at(model, x), way_back(model)

    return forward


def mean_logits(members: Iterable[Sequential]) -> Forward:
    """Return z = mean of z_i, for an ensemble that averages before the softmax.

    dJ/dz_i = dJ/dz / M: the same for all members.
    """
    members = check_members(members)

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        z: Any = sum(logits_at(member, x) for member in members)
        ways = [way_back(member) for member in members]

        @rounds_to_zero
        def back(dz: Array) -> Array:
            total: Any = sum(way(dz / len(members)) for way in ways)
            return total

        return z / len(members), back

    return forward


def log_mean_probability(
    members: Iterable[Sequential], weights: Sequence[float] | None = None
) -> Forward:
    """Return z = log of the mean of p_i: the ensemble's own logits, softmax(z) = p.

    With weights w_i, as an Ensemble may have, p = sum_i w_i p_i. Member i's share in
    p_k is r_ik = w_i p_ik / p_k, so that dJ/d log p_ik is g_ik = r_ik dz_k, and through
    its log-softmax dJ/dz_i = g_i - p_i sum_k g_ik.
    Everything stays in logarithms: a probability that rounds to 0 still has a slope.
    """
    members = check_members(members)
    M = len(members)
    relative = [1.0] * M  # M w_i
    if weights is not None:
        relative = [M * w_i for w_i in check_weights(weights, M)]
    with np.errstate(divide="ignore"):  # a weight may be 0
        log_relative = np.log(relative)

    @rounds_to_zero
    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        xp = get_array_module(x)
        log_p = xp.stack([log_softmax(logits_at(m, x)) for m in members])  # (M, N, K)
        log_w = xp.asarray(log_relative, x.dtype)[:, None, None]
        weighted = log_p + log_w  # log (M w_i p_i)
        top = weighted.max(axis=0)
        z = top + xp.log(xp.exp(weighted - top).mean(axis=0))
        share = xp.exp(weighted - z) / M
        ways = [way_back(member) for member in members]

        @rounds_to_zero
        def back(dz: Array) -> Array:
            g = share * dz
            dz_i = g - xp.exp(log_p) * g.sum(axis=2, keepdims=True)
            total: Any = sum(way(dz) for way, dz in zip(ways, dz_i, strict=True))
            return total

        return z, back

    return forward


def passed(forward: Forward, x: Array) -> tuple[Array, Back]:
    """Return forward(x), which may be a user's: TypeError unless it is (z, back)."""
    pair = forward(x)
    if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
        raise TypeError(
            "forward must return logits and the way back, (z, back), got "
            f"{type(pair).__name__}"
        )
    return pair


def loss_of(forward: Forward, loss: Loss = cross_entropy) -> LossFn:
    """Return the loss of a forward pass's logits, with its gradient."""
    check_function("forward", forward, "network(model)")
    check_function("loss", loss, "margin")

    def loss_fn(x: Array, y: Array) -> tuple[Array, Array]:
        z, back = passed(forward, x)
        values, dz = applied(loss, z, y)
        return values, back(dz)

    return loss_fn


def logits_of(forward: Forward) -> Logits:
    """Return x -> z of a forward pass."""
    check_function("forward", forward, "network(model)")
    return lambda x: passed(forward, x)[0]


def vjp_of(forward: Forward) -> VJP:
    """Return (x, dz) -> the gradient of sum(dz z), dz (N, K).

    For several at once dz is (R, N, K) and the result (R, *x.shape), from one forward
    and R backward passes: rows of the Jacobian, if each dz[r] is one class.
    """
    check_function("forward", forward, "network(model)")

    def vjp(x: Array, dz: Array) -> Array:
        _, back = passed(forward, x)
        if dz.ndim == 2:
            return back(dz)
        return get_array_module(x).stack([back(row) for row in dz])

    return vjp


def model_loss(model: Sequential, loss: Loss = cross_entropy) -> LossFn:
    """Return one network's loss: J, a margin or dlr of its logits."""
    check_network("model", model)
    check_function("loss", loss, "margin")
    return lambda x, y: costs_and_gradient(model, x, y, loss)


def ensemble_loss(
    members: Iterable[Sequential],
    loss: Loss = cross_entropy,
    weights: Sequence[float] | None = None,
) -> LossFn:
    """Return the loss of what an ensemble predicts, its mean probability p.

    With cross_entropy -log p_y, with margin log of max_{k != y} p_k / p_y. An Ensemble
    with weights predicts the weighted mean, and is attacked with its weights here.
    """
    return loss_of(log_mean_probability(members, weights), loss)


def mean_probability_loss(members: Iterable[Sequential]) -> LossFn:
    """The ensemble's own cost, J = -log p_y with p = mean of p_i, and its gradient.

    As p_i(y) = exp(-J_i), the chain rule gives a mean of the members' gradients,

        grad J = sum_i w_i grad J_i,   w_i = p_i(y) / sum_j p_j(y),

    which leaves those aside that are fooled already. The same as `ensemble_loss`, but
    in the words of the members, and for equal weights only.
    """
    losses = [model_loss(member) for member in check_members(members)]

    @rounds_to_zero
    def loss_fn(x: Array, y: Array) -> tuple[Array, Array]:
        pairs = [loss(x, y) for loss in losses]
        xp = get_array_module(x)
        J = xp.stack([J_i for J_i, _ in pairs], axis=1)  # (N, M)
        w = softmax(-J)
        total: Any = sum(images(w[:, i], g) * g for i, (_, g) in enumerate(pairs))
        least = J.min(axis=1)
        return least - xp.log(xp.exp(least[:, None] - J).mean(axis=1)), total

    return loss_fn


def images(values: Array, x: Array) -> Array:
    """Return one number an image, (N,), in a shape that multiplies the images x."""
    return values.reshape(-1, *[1] * (x.ndim - 1))


def check_members(members: Iterable[Sequential]) -> Sequence[Sequential]:
    """Return the members as a tuple; raise if there is none, or one has no gradient."""
    if not isinstance(members, Iterable):
        raise TypeError(
            "members must be networks, such as the members of an ensemble (if it has "
            f"weights, for ensemble_loss), got {type(members).__name__}"
        )
    members = tuple(members)  # a generator would be empty at the second step
    if not members:
        raise ValueError("members must hold at least one model, got none")
    for i, member in enumerate(members):
        check_network(f"members[{i}]", member)
    return members


def check_network(name: str, model: Any) -> None:
    """Raise TypeError unless a model has a forward and a backward pass."""
    if not (hasattr(model, "forward") and hasattr(model, "backward")):
        raise TypeError(
            f"{name} must be a network with a backward pass, got "
            f"{type(model).__name__}: give attacks a gradient or loss of its own, or "
            "take square, which needs only probabilities"
        )
