"""Adversaries: one member's gradient (Adv. 1), or all members' together (Adv. 2).

An adversary turns members and an attack into adversarial images. The paper describes
Adv. 2 as "the sum of the gradients from each classifier", which is the first of
`ADVERSARIES`. The others differ in what is differentiated, or in what is added.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from attacks import (
    GradientFn,
    mean_probability_gradient,
    member_gradient,
    normalized_gradient,
    sum_gradient,
)
from attacks.forwards import total
from minidl.backend import Array
from minidl.layers import Sequential
from minidl.layers.activations import softmax
from tutorials.paper.experiment.labels import TRUE, label_gradient

Members: TypeAlias = Sequence[Sequential]
Attack: TypeAlias = Callable[[GradientFn, Array, Array], Array]
Adversary: TypeAlias = Callable[[Members, Attack, Array, Array], Array]

CLIP = 1e-7  # Keras' epsilon, the usual one in 2017


def follow(rule: Callable[[Members], GradientFn]) -> Adversary:
    """Return the adversary whose attack follows a single gradient of all members."""
    return lambda members, attack, x, y: attack(rule(members), x, y)


def clipped_gradient(members: Members) -> GradientFn:
    """sum_i grad of -log(clip(p_i(y), CLIP, 1 - CLIP)): cross-entropy after a softmax.

    The clipped logarithm is flat outside: a member that is sure, whether right or
    wrong, has no gradient. In float32, p rounds to 1 at about the same place.
    """
    return lambda x, y: total(clipped_input_gradient(m, x, y) for m in members)


def clipped_input_gradient(model: Sequential, x: Array, y: Array) -> Array:
    """Return grad_x of -log(clip(p(y), CLIP, 1 - CLIP)), one image a row.

    dJ/dz = p - onehot(y) between the bounds, and 0 outside.
    """
    p = softmax(model.forward(x))
    rows = np.arange(len(y))
    p_y = p[rows, y]
    dz = p.copy()
    dz[rows, y] -= 1
    dz[(p_y < CLIP) | (p_y > 1 - CLIP)] = 0
    return model.backward(dz, param_grads=False)


def mean_of_perturbations(
    members: Members, attack: Attack, x: Array, y: Array
) -> Array:
    """Return x + mean_i r_i, where r_i is the perturbation against member i alone.

    It lies in the ball and in the range of pixels, as both are convex.
    """
    each = (member_gradient(members, i) for i in range(len(members)))
    steps = total(attack(gradient, x, y) - x for gradient in each)
    return x + steps / x.dtype.type(len(members))


SUM, CLIPPED = "sum of gradients", "sum from clipped probabilities"
ADVERSARIES: dict[str, Adversary] = {
    SUM: follow(sum_gradient),
    CLIPPED: follow(clipped_gradient),
    "mean of perturbations": mean_of_perturbations,
    "ensemble's own loss": follow(mean_probability_gradient),
    "normalised gradients": follow(normalized_gradient),
}
IN_WORDS = {
    SUM: "sum_i grad J_i with J from the logits, as the paper writes it",
    CLIPPED: (
        f"the same with J from probabilities clipped to [{CLIP:g}, 1 - {CLIP:g}], as "
        "in the libraries of 2017, so that a confident member has no gradient"
    ),
    "mean of perturbations": (
        "each member is attacked alone, and the mean of the perturbations is added"
    ),
    "ensemble's own loss": "the gradient of -log of the members' mean probability",
    "normalised gradients": "sum_i grad J_i / |grad J_i|, so that all count alike",
}


def one_member(i: int) -> str:
    """Return the name of Adv. 1 with member i's gradient."""
    return f"member {i}"


def with_label(name: str, rule: str) -> str:
    """Return the name of Adv. 1 or Adv. 2 with labels by a rule."""
    return name if rule == TRUE else f"{name}, {rule}"


def adversary(name: str) -> Adversary:
    """Return an adversary by its name."""
    if name in ADVERSARIES:
        return ADVERSARIES[name]
    who, _, rule = name.partition(", ")
    i = None if who == SUM else int(who.removeprefix("member "))

    def attack_with(members: Members, attack: Attack, x: Array, y: Array) -> Array:
        sources = members if i is None else members[i : i + 1]
        return attack(label_gradient(rule or TRUE, members, sources, x, y), x, y)

    return attack_with
