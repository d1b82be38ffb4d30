"""Usual wrong answers to chapter 14, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.solutions.chapter14 import constant_cost


def shares(y: Any) -> Any:
    """The part of the labels that each class has."""
    return np.unique(y, return_counts=True)[1] / len(y)


def in_ball(x_adv: Any, x: Any, eps: float) -> Any:
    """x_adv clipped to the ball around x and to [0, 1]."""
    return np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)


def start(x: Any, u: Any, eps: float) -> Any:
    """The random start."""
    return np.clip(x + eps * (2 * u - 1), 0, 1)


def unclipped(x: Any, u: Any, gradient: Any, eps: float, alpha: float) -> Any:
    """The step from a start that may lie outside [0, 1]."""
    first = x + eps * (2 * u - 1)
    return in_ball(first + alpha * np.sign(gradient(first)), x, eps)


def from_above(x: Any, u: Any, gradient: Any, eps: float, alpha: float) -> Any:
    """The step from a start between x and x + eps."""
    first = np.clip(x + eps * u, 0, 1)
    return in_ball(first + alpha * np.sign(gradient(first)), x, eps)


def first_true(larger: Any) -> int:
    """The place of the first True, from 1; one more than all if there is none."""
    return int(np.append(larger, True).argmax()) + 1


MISTAKES = {
    "constant_cost": {
        "this is log K: it holds for classes of equal size": (
            lambda y: np.log(len(shares(y)))
        ),
        "your logarithm has base 2: J has the natural one": (
            lambda y: constant_cost(y) / np.log(2)
        ),
        "you add up the images' costs: J is their mean": (
            lambda y: constant_cost(y) * len(y)
        ),
        "you take the mean over classes: sum, weighted by their shares": (
            lambda y: constant_cost(y) / len(shares(y))
        ),
        "you use only the largest class": lambda y: -np.log(shares(y).max()),
        "you weight all classes alike: weight them by their shares": (
            lambda y: -np.log(shares(y)).mean()
        ),
    },
    "one_step_from": {
        "you take the gradient at x: take it at the random start": (
            lambda x, u, gradient, eps, alpha: in_ball(
                start(x, u, eps) + alpha * np.sign(gradient(x)), x, eps
            )
        ),
        "you step from x: the step begins at the random start": (
            lambda x, u, gradient, eps, alpha: in_ball(
                x + alpha * np.sign(gradient(start(x, u, eps))), x, eps
            )
        ),
        "this is FGSM from x: the random start is missing": (
            lambda x, u, gradient, eps, alpha: in_ball(
                x + alpha * np.sign(gradient(x)), x, eps
            )
        ),
        "your step is eps long: make it alpha long": (
            lambda x, u, gradient, eps, alpha: in_ball(
                start(x, u, eps) + eps * np.sign(gradient(start(x, u, eps))), x, eps
            )
        ),
        "you clip to a ball around the random start: centre it at x": (
            lambda x, u, gradient, eps, alpha: in_ball(
                start(x, u, eps) + alpha * np.sign(gradient(start(x, u, eps))),
                start(x, u, eps),
                eps,
            )
        ),
        "you don't clip to the ball": lambda x, u, gradient, eps, alpha: np.clip(
            start(x, u, eps) + alpha * np.sign(gradient(start(x, u, eps))), 0, 1
        ),
        "your start isn't clipped to [0, 1]": unclipped,
        "u goes from 0 to 1: all your starts lie above x": from_above,
        "you follow the gradient itself: use only its sign": (
            lambda x, u, gradient, eps, alpha: in_ball(
                start(x, u, eps) + alpha * gradient(start(x, u, eps)), x, eps
            )
        ),
    },
    "grown_eps": {
        "t counts from 0: the first batch gets 1 / steps, not 0": (
            lambda t, eps, steps: eps * min(1, t / steps)
        ),
        "it never stops growing: it must stop at eps": (
            lambda t, eps, steps: eps * (t + 1) / steps
        ),
        "this is the fraction of eps: multiply it by eps": (
            lambda t, eps, steps: min(1, (t + 1) / steps)
        ),
        "you divide whole numbers by //: eps jumps at the end": (
            lambda t, eps, steps: eps * min(1, (t + 1) // steps)
        ),
        "all batches get the full eps": lambda t, eps, steps: eps,
    },
    "first_collapse": {
        "you count epochs from 0": lambda under_fgsm, under_pgd, gap: (
            first_true(under_fgsm - under_pgd > gap) - 1
        ),
        "argmax of all False is 0: return E + 1 if no gap is larger": (
            lambda under_fgsm, under_pgd, gap: (
                int((under_fgsm - under_pgd > gap).argmax()) + 1
            )
        ),
        "you look for the largest gap: return the first that is above `gap`": (
            lambda under_fgsm, under_pgd, gap: (
                int((under_fgsm - under_pgd).argmax()) + 1
                if (under_fgsm - under_pgd > gap).any()
                else len(under_fgsm) + 1
            )
        ),
        "you also accept a gap that equals `gap`: it must be larger": (
            lambda under_fgsm, under_pgd, gap: first_true(under_fgsm - under_pgd >= gap)
        ),
        "you count the epochs with a large gap": lambda under_fgsm, under_pgd, gap: int(
            (under_fgsm - under_pgd > gap).sum()
        ),
        "a gap has a sign: PGD above FGSM isn't a collapse": (
            lambda under_fgsm, under_pgd, gap: first_true(
                abs(under_fgsm - under_pgd) > gap
            )
        ),
    },
}
