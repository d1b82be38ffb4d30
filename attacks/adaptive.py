"""Adaptive attacks on defences that hide their gradient, or that are random.

A defence that rounds has a gradient of 0, and a random defence has a different gradient
at every call. An attack that follows them gets nowhere, and the defence only looks
robust. These wrappers return what every attack takes:

    bpda   a Forward    forward through the defence, backward through a replacement
    eot    a LossFn     the mean over draws of a random defence

A random defence that hides its gradient needs both; evaluations pass the generator:

    def attack(x, y, eps, rng):
        def make_loss(rng):
            return loss_of(bpda(network(model), lambda x: defence(x, rng)))
        return apgd(eot(make_loss, 20, rng), x, y, eps)
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from attacks.forwards import Back, Forward, checked_forward
from attacks.functions import guarded
from attacks.victims import VJP, LossFn
from minidl.backend import Array
from minidl.checks import check_array, check_batch
from minidl.checks.answers import answer, check_floats_like, check_function
from minidl.checks.rules import alone, checked

Defence: TypeAlias = Callable[[Array], Array]  # x -> what the classifier sees


def bpda(forward: Forward, defence: Defence, backward: VJP | None = None) -> Forward:
    """z = f(t(x)), but in place of t'(x) the derivative of a smooth approximation.

    `backward(x, g)` turns g = dJ/dt into dJ/dx; it is the vjp of a smooth function that
    is close to the defence t. Without it t is treated as the identity, dJ/dx = g, which
    is right if the defence changes images little; t(x) must then have x's shape.
    Shapes: x (N, H, W, C); t(x) anything that `forward` takes.
    Source: Athalye, Carlini & Wagner, Obfuscated Gradients Give a False Sense of
    Security: Circumventing Defenses to Adversarial Examples, 2018, section 4.1:
    backward pass differentiable approximation.
    """
    forward = checked_forward(forward)
    check_function("defence", defence, "lambda x: x.round()")
    if backward is not None:
        check_function("backward", backward, "vjp_of(network(decoder))")

    def defended(x: Array) -> tuple[Array, Back]:
        seen = answer("defence", defence, x)
        check_seen(seen, x, like_x=backward is None)
        z, back = forward(seen.astype(x.dtype, copy=False))
        if backward is None:
            return z, back

        def back_through(dz: Array) -> Array:
            dx: Array = answer("backward", backward, x, back(dz))
            check_floats_like("backward", dx, x, x.shape, finite=False)
            return dx

        return z, back_through

    return defended


def check_seen(seen: Array, x: Array, like_x: bool) -> None:
    """Raise TypeError or ValueError unless a defence returned images of numbers."""
    check_array("what defence returns", seen)
    shape = x.shape if like_x else (len(x), *seen.shape[1:])
    check_floats_like("defence", seen, x, shape)


@checked(
    make_loss=alone(check_function, "lambda rng: loss_of(...)"),
    draws="count",
    rng="generator",
)
def eot(
    make_loss: Callable[[np.random.Generator], LossFn],
    draws: int,
    rng: np.random.Generator,
) -> LossFn:
    """L(x) = 1/n sum_i L_i(x) over n draws of a random defence, and its gradient.

    `make_loss(rng)` returns the loss L_i of a defence that draws from rng. Each call
    draws anew, so that an attack climbs the expectation instead of one draw. The same
    state of rng gives the same bits. A call costs `draws` gradients per image; a
    `Counter` sees them if `make_loss` returns a counted loss.
    Shapes: x (N, H, W, C), y (N,), values (N,), gradient like x.
    Source: Athalye, Engstrom, Ilyas & Kwok, Synthesizing Robust Adversarial Examples,
    2018, section 2.1: expectation over transformation.
    """

    def mean_loss(x: Array, y: Array) -> tuple[Array, Array]:
        check_batch("x", x)
        values: Any = 0
        gradient: Any = 0
        for _ in range(draws):
            one = guarded("make_loss", make_loss(rng), "loss")(x, y)
            values, gradient = values + one[0], gradient + one[1]
        return values / draws, gradient / draws

    return mean_loss
