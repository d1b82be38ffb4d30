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

from attacks.losses import Loss, cross_entropy
from attacks.norms import flat
from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_batch, check_labels, check_weights
from minidl.layers import Sequential
from minidl.layers.activations import softmax

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
    check_labels("y", y, len(x), model.classes)
    costs, dz = loss(model.forward(x), y)
    return costs, back_to_input(model, dz)


def probabilities(predict_proba: PredictProba, x: Array) -> Array:
    """Return predict_proba(x), (N, K); TypeError or ValueError if it is anything else.

    The largest of NaNs is the first: such images would be read as class 0.
    """
    p = predict_proba(x)
    check_array("what predict_proba returns", p)
    if p.ndim != 2 or len(p) != len(x):
        raise ValueError(
            f"predict_proba must return an array (N, K), N = {len(x)}, got {p.shape}"
        )
    lost = ~get_array_module(p).isfinite(p).all(axis=1)
    if count := int(lost.sum()):
        raise ValueError(
            f"predict_proba must return finite numbers, got others for {count} of "
            f"{len(x)} images"
        )
    return p


def value_and_gradient(loss: LossFn, x: Array, y: Array) -> tuple[Array, Array]:
    """Return loss(x, y): each image's value (N,), and its gradient like x.

    Raises TypeError or ValueError if it is anything else, and for NaN: no attack could
    follow it, and the image would stay as it is and pass for robust.
    """
    pair = loss(x, y)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(
            "loss must return two arrays, values and gradient, got "
            f"{type(pair).__name__}"
        )
    values, gradient = pair
    check_gradient("loss", gradient, x)
    if values.shape != (len(x),):
        raise ValueError(
            f"loss must return a value for each of {len(x)} images, got shape "
            f"{values.shape}"
        )
    xp = get_array_module(x)
    lost = xp.isnan(values) | xp.isnan(flat(gradient)).any(axis=1)
    if count := int(lost.sum()):
        raise ValueError(
            f"loss must return numbers, got NaN for {count} of {len(x)} images"
        )
    return values, gradient


def check_gradient(name: str, gradient: Array, x: Array) -> None:
    """Raise TypeError or ValueError unless what a function returned is shaped like x.

    A batch's mean gradient would fit, too, and move all images the same way.
    """
    check_array(f"what {name} returns", gradient)
    if gradient.shape != x.shape:
        raise ValueError(
            f"{name} must return a gradient of shape {x.shape}, like x, got "
            f"{gradient.shape}"
        )


def check_function(name: str, function: Any, example: str) -> None:
    """Raise TypeError unless an attack is given a function, and not a model itself."""
    if not callable(function):
        raise TypeError(
            f"{name} must be a function, such as {example}, got "
            f"{type(function).__name__}"
        )


def back_to_input(model: Sequential, dz: Array) -> Array:
    """Return dJ/dx from dJ/dz, behind a forward pass."""
    dx = model.backward(dz, param_grads=False)
    assert dx is not None
    return dx


def network(model: Sequential) -> Forward:
    """Return the forward pass of one network; `back` belongs to its latest call."""
    check_network("model", model)

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        return model.forward(x), lambda dz: back_to_input(model, dz)

    return forward


def mean_logits(members: Iterable[Sequential]) -> Forward:
    """Return z = mean of z_i, for an ensemble that averages before the softmax.

    dJ/dz_i = dJ/dz / M: the same for all members.
    """
    members = check_members(members)

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        z: Any = sum(member.forward(x) for member in members)
        return z / len(members), back

    def back(dz: Array) -> Array:
        total: Any = sum(back_to_input(m, dz / len(members)) for m in members)
        return total

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

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        xp = get_array_module(x)
        log_p = xp.stack([log_softmax(m.forward(x)) for m in members])  # (M, N, K)
        log_w = xp.asarray(log_relative, x.dtype)[:, None, None]
        weighted = log_p + log_w  # log (M w_i p_i)
        top = weighted.max(axis=0)
        z = top + xp.log(xp.exp(weighted - top).mean(axis=0))
        share = xp.exp(weighted - z) / M

        def back(dz: Array) -> Array:
            g = share * dz
            dz_i = g - xp.exp(log_p) * g.sum(axis=2, keepdims=True)
            total: Any = sum(map(back_to_input, members, dz_i))
            return total

        return z, back

    return forward


def log_softmax(z: Array) -> Array:
    """Return z_k - log sum_j exp z_j for each row; shapes (N, K)."""
    xp = get_array_module(z)
    z = z - z.max(axis=1, keepdims=True)  # the same, and exp can't overflow
    return z - xp.log(xp.exp(z).sum(axis=1, keepdims=True))


def loss_of(forward: Forward, loss: Loss = cross_entropy) -> LossFn:
    """Return the loss of a forward pass's logits, with its gradient."""

    def loss_fn(x: Array, y: Array) -> tuple[Array, Array]:
        z, back = forward(x)
        check_labels("y", y, len(x), z.shape[1])
        values, dz = loss(z, y)
        return values, back(dz)

    return loss_fn


def logits_of(forward: Forward) -> Logits:
    """Return x -> z of a forward pass."""
    return lambda x: forward(x)[0]


def vjp_of(forward: Forward) -> VJP:
    """Return (x, dz) -> the gradient of sum(dz z), dz (N, K).

    For several at once dz is (R, N, K) and the result (R, *x.shape), from one forward
    and R backward passes: rows of the Jacobian, if each dz[r] is one class.
    """

    def vjp(x: Array, dz: Array) -> Array:
        _, back = forward(x)
        if dz.ndim == 2:
            return back(dz)
        return get_array_module(x).stack([back(row) for row in dz])

    return vjp


def model_loss(model: Sequential, loss: Loss = cross_entropy) -> LossFn:
    """Return one network's loss: J, a margin or dlr of its logits."""
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
