"""Which label does an attack move away from? The paper doesn't say.

The true label is usual today. Many functions of the paper's time took the network's
prediction instead. If such a one-step function is called once for each step, the label
is *taken anew* each time, and an image that is fooled is pushed back.

A rule names an owner and a time: whose prediction is the label, and when it is taken.
"""

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any, TypeAlias

from attacks import GradientFn, sum_gradient
from attacks.forwards import total
from ensembles import Ensemble
from minidl.backend import Array, get_array_module
from minidl.layers import Sequential

Label: TypeAlias = Callable[[Array], Array]  # of the images at a step: (N, ...) -> (N,)
Time: TypeAlias = Callable[[Label, Array, Array], Label]  # of predict, and x, y before


def first_prediction(predict: Label, x: Array, y: Array) -> Label:
    """Return at all steps the label that is predicted before the first step."""
    first = predict(x)
    return lambda x_i: first


def current_prediction(predict: Label, x: Array, y: Array) -> Label:
    """Return what is predicted at each step."""
    return predict


def after_the_first_step(predict: Label, x: Array, y: Array) -> Label:
    """Return the true label at the first call, and what is predicted at the others."""
    steps = chain([lambda x_i: y], repeat(predict))
    return lambda x_i: next(steps)(x_i)


def where_right_at_first(predict: Label, x: Array, y: Array) -> Label:
    """Return the prediction at each step if it is right before the first step.

    Images that are misclassified before the first step keep their true label.
    """
    right, xp = predict(x) == y, get_array_module(x)
    return lambda x_i: xp.where(right, predict(x_i), y)


TRUE = "true label"
MEMBER, ENSEMBLE = "member", "ensemble"
TIMES: dict[str, Time] = {
    "first prediction": first_prediction,
    "current prediction": current_prediction,
    "prediction after the first step": after_the_first_step,
    "current prediction where right at first": where_right_at_first,
}
RULES = [TRUE, *(f"{owner}'s {time}" for owner in (MEMBER, ENSEMBLE) for time in TIMES)]


def in_one_step(rule: str) -> str:
    """Return the simplest rule that gives the same labels in an attack of one step."""
    owner, _, time = rule.partition("'s ")
    if time in ("first prediction", "current prediction"):
        return f"{owner}'s current prediction"
    return TRUE


def relabelled(gradient: GradientFn, label: Label) -> GradientFn:
    """Return the gradient function whose labels are functions of the images."""
    return lambda x, y: gradient(x, label(x))


def label_gradient(
    rule: str,
    members: Sequence[Sequential],
    sources: Sequence[Sequential],
    x: Array,
    y: Array,
) -> GradientFn:
    """Return sum_i grad J(theta_i, x, label_i) over the sources, for one attack.

    If the rule's owner is the member, each source has labels of its own. If it is the
    ensemble of all members, all sources have its labels. The attack begins with x, y.
    """
    if rule == TRUE:
        return sum_gradient(sources)
    owner, time = rule.split("'s ")
    groups: list[tuple[Any, Sequence[Sequential]]] = (
        [(member, [member]) for member in sources]
        if owner == MEMBER
        else [(Ensemble(members), sources)]
    )
    parts = [
        relabelled(sum_gradient(group), TIMES[time](classifier.predict, x, y))
        for classifier, group in groups
    ]
    return lambda x, y: total(part(x, y) for part in parts)
