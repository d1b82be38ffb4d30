"""Forward passes with their way back: what a gradient goes through to the image.

A `Forward` takes images x and returns logits z, with a function `back` that turns any
dJ/dz into dJ/dx. Networks run in evaluation mode; their parameters, and the parameters'
gradients, are left alone.

    network               z, of one model
    mean_logits           mean of z_i
    mean_probability      p = mean of p_i, for losses of probabilities
    log_mean_probability  log of the (weighted) mean of p_i: what an ensemble predicts
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minidl.answers import answer, check_function, check_rows
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch, check_weights, several
from minidl.layers import Sequential
from minidl.layers.activations import log_softmax, softmax

Back: TypeAlias = Callable[[Array], Array]  # dJ/dz (N, K) -> dJ/dx, like x
Forward: TypeAlias = Callable[[Array], tuple[Array, Back]]  # x -> (z, back)


def network(model: Sequential) -> Forward:
    """Return the forward pass of one network; each call has a `back` of its own."""
    check_network("model", model)

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        z = logits_at(model, x)
        latest = getattr(model, "latest", None)  # a stranger's has a memory of its own

        def back(dz: Array) -> Any:
            if latest is not None:
                model.latest = latest
            return model.backward(dz, param_grads=False)

        return z, back

    return forward


def logits_at(model: Any, x: Array) -> Array:
    """Return the network's logits (N, K); one that isn't ours is shown a copy of x."""
    if isinstance(model, Sequential):
        return model.forward(x)
    z: Array = answer("forward", model.forward, x)
    check_rows("forward", z, len(x), "f")
    return z


def mean_logits(members: Iterable[Sequential]) -> Forward:
    """Return z = mean of z_i, for an ensemble that averages before the softmax.

    dJ/dz_i = dJ/dz / M: the same for all members.
    """
    forwards = networks(members)
    M = len(forwards)

    def forward(x: Array) -> tuple[Array, Back]:
        z, backs = together(forwards, x)

        @rounds_to_zero
        def back(dz: Array) -> Array:
            return total(back_i(dz / M) for back_i in backs)

        return total(z) / M, back

    return forward


def mean_probability(members: Iterable[Sequential]) -> Forward:
    """Return p = mean of p_i in place of logits, for losses of probabilities.

    dJ/dz_ik = p_ik sum_j p_ij (dJ/dp_k - dJ/dp_j) / M. The difference stands within the
    sum: for a member that is sure, the sum's 1 - p_y would round to 0.
    """
    forwards = networks(members)
    M = len(forwards)

    @rounds_to_zero
    def forward(x: Array) -> tuple[Array, Back]:
        z, backs = together(forwards, x)
        p = [softmax(z_i) for z_i in z]  # M times (N, K)

        @rounds_to_zero
        def back(dp: Array) -> Array:
            differences = dp[:, :, None] - dp[:, None]  # (N, K, K)
            dz = [p_i * (p_i[:, None] * differences).sum(axis=2) / M for p_i in p]
            return total(back_i(dz_i) for back_i, dz_i in zip(backs, dz, strict=True))

        return total(p) / M, back

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
    return log_mean(networks(members), weights)


def log_mean(
    forwards: Sequence[Forward], weights: Sequence[float] | None = None
) -> Forward:
    """Return the same of any forward passes, as those of defended members."""
    M = len(forwards)
    with np.errstate(divide="ignore"):  # a weight may be 0
        relative = np.log([M * w_i for w_i in check_weights(weights, M)])

    @rounds_to_zero
    def forward(x: Array) -> tuple[Array, Back]:
        xp = get_array_module(x)
        z, backs = together(forwards, x)
        log_p = xp.stack([log_softmax(z_i) for z_i in z])  # (M, N, K)
        log_w = xp.asarray(relative, x.dtype)[:, None, None]
        weighted = log_p + log_w  # log (M w_i p_i)
        top = weighted.max(axis=0)
        log_mean = top + xp.log(xp.exp(weighted - top).mean(axis=0))
        share = xp.exp(weighted - log_mean) / M

        @rounds_to_zero
        def back(dz: Array) -> Array:
            g = share * dz
            dz = g - xp.exp(log_p) * g.sum(axis=2, keepdims=True)
            return total(back_i(dz_i) for back_i, dz_i in zip(backs, dz, strict=True))

        return log_mean, back

    return forward


def networks(members: Iterable[Sequential]) -> list[Forward]:
    """Return each member's forward pass; raise for what are no members."""
    return [network(member) for member in check_members(members)]


def together(
    forwards: Sequence[Forward], x: Array
) -> tuple[tuple[Array, ...], tuple[Back, ...]]:
    """Return all members' logits of x, and their ways back."""
    z, backs = zip(*(forward(x) for forward in forwards), strict=True)
    return z, backs


def total(arrays: Iterable[Array]) -> Any:
    """Return the sum of arrays, which Python's `sum` types as maybe a number."""
    return sum(arrays)


def check_members(members: Iterable[Sequential]) -> Sequence[Sequential]:
    """Return the members as a tuple; raise if there is none, or one has no gradient."""
    what = "networks, such as an ensemble's members (with its weights, if it has some)"
    return several("members", members, check_network, what)


def check_network(name: str, model: Any) -> None:
    """Raise TypeError unless a model has a forward and a backward pass."""
    if not (hasattr(model, "forward") and hasattr(model, "backward")):
        raise TypeError(
            f"{name} must be a network with a backward pass, got "
            f"{type(model).__name__}: give attacks a gradient or loss of its own, or "
            "take square, which needs only probabilities"
        )


def checked_forward(forward: Forward) -> Forward:
    """Return a forward pass, which may be a user's, whose result is (z, back)."""
    check_function("forward", forward, "network(model)")

    def checked(x: Array) -> tuple[Array, Back]:
        pair = forward(x)
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(
                "forward must return logits and the way back, (z, back), got "
                f"{type(pair).__name__}"
            )
        return pair

    return checked
