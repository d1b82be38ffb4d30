"""Usual wrong answers to chapter 7, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.solutions.chapter07 import clip_to_ball


def loop(
    gradient: Any, x: Any, y: Any, eps: float, alpha: float, steps: int, **other: Any
) -> Any:
    """BIM with one deviation."""
    x_adv = x
    for _ in range(steps):
        g = gradient(x if other.get("same_gradient") else x_adv, y)
        sign = np.where(g == 0, other.get("sign_of_zero", 0), np.sign(g))
        step = alpha * (g if other.get("no_sign") else sign)
        x_adv = x_adv - step if other.get("downhill") else x_adv + step
        if not other.get("no_ball"):
            x_adv = np.clip(x_adv, x - eps, x + eps)
        if not other.get("no_bounds"):
            x_adv = np.clip(x_adv, 0, 1)
    return x_adv


def mistaken(**other: Any) -> Any:
    """Return BIM with a mistake."""
    return lambda *arguments: loop(*arguments, **other)


def lengths(r: Any) -> Any:
    """The Euclidean norm of each image, (N, 1, 1, 1)."""
    return np.sqrt((r**2).sum(axis=(1, 2, 3), keepdims=True))


MISTAKES = {
    "clip_to_ball": {
        "you clip to [0, 1] but not to the ball": (
            lambda x_adv, x, eps: np.clip(x_adv, 0, 1)
        ),
        "you clip to [0, 1] as well: this is the ball alone": (
            lambda x_adv, x, eps: np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)
        ),
        "your ball is centred at 0: centre it at x": (
            lambda x_adv, x, eps: np.clip(x_adv, -eps, eps)
        ),
        "you clip from above only": (lambda x_adv, x, eps: np.minimum(x_adv, x + eps)),
        "you clip from below only": (lambda x_adv, x, eps: np.maximum(x_adv, x - eps)),
        "you return the perturbation: add it to x": (
            lambda x_adv, x, eps: np.clip(x_adv - x, -eps, eps)
        ),
    },
    "bim": {
        "you clip to [0, 1] but not to the ball around the original image": (
            mistaken(no_ball=True)
        ),
        "you clip to the ball but not to [0, 1]": mistaken(no_bounds=True),
        "you clip only at the end: earlier steps leave the ball": (
            lambda g, x, y, eps, alpha, steps: np.clip(
                clip_to_ball(
                    loop(g, x, y, eps, alpha, steps, no_ball=1, no_bounds=1), x, eps
                ),
                0,
                1,
            )
        ),
        "you clip to [0, 1] only at the end: earlier steps leave the range": (
            lambda g, x, y, eps, alpha, steps: np.clip(
                loop(g, x, y, eps, alpha, steps, no_bounds=True), 0, 1
            )
        ),
        "you use the gradient at x in all steps: it changes on the way": (
            mistaken(same_gradient=True)
        ),
        "your sign is flipped: J would fall": mistaken(downhill=True),
        "you follow the gradient itself: use only its sign": (mistaken(no_sign=True)),
        "you take one step too few": lambda g, x, y, eps, alpha, steps: loop(
            g, x, y, eps, alpha, steps - 1
        ),
        "you take one step too many": lambda g, x, y, eps, alpha, steps: loop(
            g, x, y, eps, alpha, steps + 1
        ),
        "your pixels go up where the gradient is 0: np.sign is 0 there": (
            mistaken(sign_of_zero=1)
        ),
        "your pixels go down where the gradient is 0: np.sign is 0 there": (
            mistaken(sign_of_zero=-1)
        ),
        "you take a single step: that is FGSM": (
            lambda g, x, y, eps, alpha, steps: loop(g, x, y, eps, eps, 1)
        ),
        "you divide eps by the number of steps: each step is alpha long": (
            lambda g, x, y, eps, alpha, steps: loop(g, x, y, eps, eps / steps, steps)
        ),
        "you add up all steps and return the perturbation: add it to x": (
            lambda *a: loop(*a) - a[1]
        ),
        "your steps are eps long: each step is alpha long": (
            lambda g, x, y, eps, alpha, steps: loop(g, x, y, eps, eps, steps)
        ),
    },
    "l2_project": {
        "you use the norm of the whole batch: each image has its own": (
            lambda x_adv, x, eps: (
                x + (x_adv - x) * min(1, eps / np.sqrt(((x_adv - x) ** 2).sum()))
            )
        ),
        "you move points that are inside the ball: they must stay": (
            lambda x_adv, x, eps: x + eps * (x_adv - x) / lengths(x_adv - x)
        ),
        "you clip each pixel: the Euclidean ball is round, not a box": (
            lambda x_adv, x, eps: np.clip(x_adv, x - eps, x + eps)
        ),
        "you leave out the square root": lambda x_adv, x, eps: (
            x + (x_adv - x) * np.minimum(1, eps / lengths(x_adv - x) ** 2)
        ),
        "you return the perturbation: add it to x": lambda x_adv, x, eps: (
            (x_adv - x) * np.minimum(1, eps / lengths(x_adv - x))
        ),
    },
}
