"""Forward passes that return their backward pass, from the logits to the image.

A `Forward` takes images x and returns logits z and a function `back`, which turns any
dJ/dz into dJ/dx. Networks run in evaluation mode; their parameters and parameter
gradients don't change.

    network               z, of one model
    mean_logits           mean of z_i
    mean_probability      p = mean of p_i, for losses of probabilities
    log_mean_probability  log of the (weighted) mean of p_i, an ensemble's prediction
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import (
    check_batch,
    check_generator,
    check_kind,
    check_weights,
    several,
)
from minidl.checks.answers import answer, check_function, check_rows, kept
from minidl.layer_memory import memory_of, restore
from minidl.layer_passes import one_pass
from minidl.layers import Sequential
from minidl.layers.activations import log_softmax, softmax

Back: TypeAlias = Callable[[Array], Array]  # dJ/dz (N, K) -> dJ/dx, like x
Forward: TypeAlias = Callable[[Array], tuple[Array, Back]]  # x -> (z, back)


def network(model: Sequential, rng: np.random.Generator | None = None) -> Forward:
    """Return the forward pass of one network; each call returns its own `back`.

    With rng dropout stays on, and `back` has the masks of its own call. Of a model of
    another class, what layers within remember is restored; what it keeps itself isn't:
    then `back` belongs to its latest call.
    """
    check_network("model", model)
    if rng is not None:
        check_generator("rng", rng)
        check_kind("model", model, Sequential)

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x)
        z, memory = logits_at(model, x, rng), memory_of([model])

        def back(dz: Array) -> Any:
            restore(memory)  # others may have used its layers since
            return model.backward(dz, param_grads=False)

        return z, back

    return forward


def logits_at(model: Any, x: Array, rng: np.random.Generator | None) -> Array:
    """Return logits (N, K); a model that isn't a Sequential gets a copy of x."""
    if isinstance(model, Sequential):
        return model.forward(x, rng)
    z: Array = answer("forward", one_pass(model.forward), x)
    check_rows("forward", z, len(x), "f")
    return z


def mean_logits(members: Iterable[Sequential]) -> Forward:
    """Return z = mean of z_i, for an ensemble that averages before the softmax.

    dJ/dz_i = dJ/dz / M, the same for all members.
    """
    return mean_of(networks(members))


def mean_of(forwards: Sequence[Forward]) -> Forward:
    """Return `mean_logits` of any forward passes, such as defended members."""
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

    dJ/dz_ik = p_ik sum_j p_ij (dJ/dp_k - dJ/dp_j) / M. The difference is taken inside
    the sum, because outside it 1 - p_y would round to 0 for a confident member.
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
    """Return z = log of the mean of p_i, the ensemble's own logits: softmax(z) = p.

    With the weights w_i of an Ensemble, p = sum_i w_i p_i. Member i's share of p_k is
    r_ik = w_i p_ik / p_k, so that dJ/d log p_ik is g_ik = r_ik dz_k, and by the chain
    rule of log-softmax dJ/dz_i = g_i - p_i sum_k g_ik.
    Logarithms keep the slope of a probability that would round to 0.
    """
    return log_mean(networks(members), weights)


def log_mean(
    forwards: Sequence[Forward], weights: Sequence[float] | None = None
) -> Forward:
    """Return `log_mean_probability` of any forward passes, such as defended members."""
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
    """Return each member's forward pass; raise unless all members are networks."""
    return [network(member) for member in check_members(members)]


def together(
    forwards: Sequence[Forward], x: Array
) -> tuple[tuple[Array, ...], tuple[Back, ...]]:
    """Return all members' logits for x, and their backward passes."""
    z, backs = zip(*(kept(forward(x)) for forward in forwards), strict=True)
    return z, backs


def total(arrays: Iterable[Array]) -> Any:
    """Return the sum of arrays; Python's `sum` is typed as if it might be a number."""
    return sum(arrays)


def check_members(members: Iterable[Sequential]) -> Sequence[Sequential]:
    """Return the members as a tuple; raise if it is empty, or one has no `backward`."""
    what = "networks, such as an ensemble's members (with its weights, if it has some)"
    return several("members", members, check_network, what)


def check_network(name: str, model: Any) -> None:
    """Raise TypeError unless a model has a forward and a backward pass."""
    if not (hasattr(model, "forward") and hasattr(model, "backward")):
        raise TypeError(
            f"{name} must be a network with a backward pass, got "
            f"{type(model).__name__}: give attacks a gradient or loss of its own, or "
            "use square, which needs only probabilities"
        )


def checked_forward(forward: Forward) -> Forward:
    """Return a user's forward pass, which raises unless its result is (z, back)."""
    check_function("forward", forward, "network(model)")

    def checked(x: Array) -> tuple[Array, Back]:
        pair = forward(x)
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(
                "forward must return logits and a backward pass, (z, back), got "
                f"{type(pair).__name__}"
            )
        return pair

    return checked
