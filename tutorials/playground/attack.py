"""The page's attacks in minidl, with the page's settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from attacks import (
    GradientFn,
    bim,
    mean_probability_gradient,
    member_gradient,
    sum_gradient,
)
from ensembles import Ensemble
from minidl.backend import Array
from minidl.layers import Sequential
from tutorials.playground.networks import mask, rounded

ALL = "1" * 10


@dataclass(frozen=True)
class Setting:
    """The networks and the attack; all values are strings, as in the page's links."""

    net: str = "plain"
    on: str = ALL  # a 1 for each network that votes
    rule: str = "bim"  # or "fgsm", one step
    whose: str = "sum"  # or "own", the ensemble's loss, or a network's number
    steps: str = "8"
    defence: str = "none"  # or "bits", "mask"
    flaw: str = ""  # "mask": the mask is known, and the gradient bypasses it


def seen(
    s: Setting, networks: Sequence[Sequential], x: Array, y: Array, eps: float
) -> Array:
    """Return the ensemble's classes (N,) of the attacked x."""
    return voters(s, networks).predict(attacked(s, networks, x, y, eps))


def voters(s: Setting, networks: Sequence[Sequential]) -> Ensemble:
    """Return the ensemble of the networks that are on."""
    team = chosen(s, networks)
    return Ensemble([mask(m) for m in team] if s.defence == "mask" else team)


def chosen(s: Setting, networks: Sequence[Sequential]) -> list[Sequential]:
    """Return the networks that are on."""
    return [m for m, on in zip(networks, s.on, strict=True) if on == "1"]


def attacked(
    s: Setting, networks: Sequence[Sequential], x: Array, y: Array, eps: float
) -> Array:
    """Return x_adv. Shapes: x (N, 28, 28, 1), y (N,)."""
    steps = 1 if s.rule == "fgsm" else int(s.steps)
    x_adv = bim(gradient(s, networks), x, y, eps, eps / steps, steps)
    return rounded(x_adv, x, eps) if s.defence == "bits" else x_adv


def gradient(s: Setting, networks: Sequence[Sequential]) -> GradientFn:
    """Return the gradient that an attack follows."""
    if s.defence == "mask" and s.flaw != "mask":
        networks = [mask(m) for m in networks]
    if s.whose.isdigit():
        return member_gradient(networks, int(s.whose))
    rule = sum_gradient if s.whose == "sum" else mean_probability_gradient
    return rule(chosen(s, networks))
