"""Exercises of chapter 7: the basic iterative method."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter07 import bim, clip_to_ball, l2_project

Rng = np.random.Generator
WAYS = ((0.2, 0.06, 7), (0.3, 0.04, 5), (0.1, 0.04, 4))  # eps, alpha, steps


def moved(rng: Rng) -> tuple[Any, ...]:
    """x_adv, x and eps: some pixels too far up, some too far down, some inside."""
    x = rng.random(draw.image_shape(rng))
    return x + rng.uniform(-0.5, 0.5, x.shape), x, float(rng.choice([0.1, 0.2]))


def images_moved(rng: Rng) -> tuple[Any, ...]:
    """The same, of images inside the Euclidean ball and outside."""
    x = rng.random(draw.image_shape(rng))
    r = rng.standard_normal(x.shape)
    r /= np.sqrt((r**2).sum(axis=(1, 2, 3), keepdims=True))
    far = rng.choice([0.5, 2.0, 3.0], size=(len(x), 1, 1, 1))
    eps = float(rng.choice([0.4, 0.8]))
    return x + far * eps * r, x, eps


def attack(rng: Rng) -> tuple[Any, ...]:
    """A gradient, images, labels, eps, alpha and steps.

    In some pixels the gradient is 0, in some it keeps its sign: there the ball ends the
    way, if there are enough steps. In the others it turns on the way. Outside the ball
    and outside [0, 1] all of it is turned round: who is there in between gets
    elsewhere. Other labels than y are refused.
    """
    x = rng.random(draw.image_shape(rng, least=3))
    labels = rng.integers(1, 10, size=len(x))
    x[:, 0] = rng.choice([0.03, 0.97], size=x[:, 0].shape)
    turn = x + rng.uniform(-0.15, 0.15, x.shape)
    kind = rng.choice(["rising", "falling", "flat", "turning"], size=x.shape)
    eps, alpha, steps = WAYS[int(rng.integers(3))]

    def gradient(x_adv: Any, y: Any) -> Any:
        if np.shape(y) != labels.shape or (labels != y).any():
            raise ValueError("the gradient is asked for at labels that aren't y")
        inside = abs(x_adv - x).max() < eps + 0.01
        allowed = x_adv.min() >= 0 and x_adv.max() <= 1
        turning = np.cos(40 * (x_adv - turn))
        slopes = [kind == "rising", kind == "falling", kind == "flat"]
        g = np.select(slopes, [2.5, -2.5, 0.0], turning)
        return g if inside and allowed else -g

    return gradient, x, labels.copy(), eps, alpha, steps


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


EXERCISES = (
    Exercise(
        "7.1",
        "clip_{x,eps}: back into the ball",
        clip_to_ball,
        moved,
        {
            "you clip to [0, 1] but not to the ball": (
                lambda x_adv, x, eps: np.clip(x_adv, 0, 1)
            ),
            "you clip to [0, 1] as well: this is the ball alone": (
                lambda x_adv, x, eps: np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)
            ),
            "your ball lies round 0: it lies round x": (
                lambda x_adv, x, eps: np.clip(x_adv, -eps, eps)
            ),
            "you clip from above only": (
                lambda x_adv, x, eps: np.minimum(x_adv, x + eps)
            ),
            "you clip from below only": (
                lambda x_adv, x, eps: np.maximum(x_adv, x - eps)
            ),
            "you return the perturbation: add it to x": (
                lambda x_adv, x, eps: np.clip(x_adv - x, -eps, eps)
            ),
        },
        (
            "Each pixel may lie between x - eps and x + eps.",
            "np.clip takes arrays as its bounds.",
        ),
    ),
    Exercise(
        "7.2",
        "the basic iterative method",
        bim,
        attack,
        {
            "you clip to [0, 1] but not to the ball around the original image": (
                mistaken(no_ball=True)
            ),
            "you clip to the ball but not to [0, 1]": mistaken(no_bounds=True),
            "you clip at the end only: the steps before leave the ball": (
                lambda g, x, y, eps, alpha, steps: np.clip(
                    clip_to_ball(
                        loop(g, x, y, eps, alpha, steps, no_ball=1, no_bounds=1), x, eps
                    ),
                    0,
                    1,
                )
            ),
            "you clip to [0, 1] at the end only: the steps before leave it": (
                lambda g, x, y, eps, alpha, steps: np.clip(
                    loop(g, x, y, eps, alpha, steps, no_bounds=True), 0, 1
                )
            ),
            "you use the gradient at x in all steps: it changes on the way": (
                mistaken(same_gradient=True)
            ),
            "your sign is flipped: J would fall": mistaken(downhill=True),
            "you follow the gradient itself: use only its sign": (
                mistaken(no_sign=True)
            ),
            "you take one step too few": lambda g, x, y, eps, alpha, steps: loop(
                g, x, y, eps, alpha, steps - 1
            ),
            "you take one step too many": lambda g, x, y, eps, alpha, steps: loop(
                g, x, y, eps, alpha, steps + 1
            ),
            "where the gradient is 0 you move: np.sign is 0 there": (
                mistaken(sign_of_zero=1)
            ),
            "where the gradient is 0 you move down: np.sign is 0 there": (
                mistaken(sign_of_zero=-1)
            ),
            "you take a single step: that is FGSM": (
                lambda g, x, y, eps, alpha, steps: loop(g, x, y, eps, eps, 1)
            ),
            "you divide eps by the steps: they are alpha long": (
                lambda g, x, y, eps, alpha, steps: loop(
                    g, x, y, eps, eps / steps, steps
                )
            ),
            "you add up all steps and return the perturbation: add it to x": (
                lambda *a: loop(*a) - a[1]
            ),
            "your steps are eps long: they are alpha long": (
                lambda g, x, y, eps, alpha, steps: loop(g, x, y, eps, eps, steps)
            ),
        },
        (
            "Start with x_adv = x and repeat the step: for _ in range(steps).",
            "A step: x_adv + alpha * np.sign(gradient(x_adv, y)).",
            "After each step clip to x - eps ... x + eps, and then to 0 ... 1.",
        ),
    ),
    Exercise(
        "7.3",
        "back into a Euclidean ball",
        l2_project,
        images_moved,
        {
            "you use the norm of the whole batch: each image has its own": (
                lambda x_adv, x, eps: (
                    x + (x_adv - x) * min(1, eps / np.sqrt(((x_adv - x) ** 2).sum()))
                )
            ),
            "points that are inside stay where they are: you move them out": (
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
        (
            "r = x_adv - x keeps its direction; only its length changes, if too long.",
            "An image's length is the root of its sum of squares (with keepdims=True).",
            "x + r * np.minimum(1, eps / length).",
        ),
    ),
)


def lengths(r: Any) -> Any:
    """The Euclidean norm of each image, (N, 1, 1, 1)."""
    return np.sqrt((r**2).sum(axis=(1, 2, 3), keepdims=True))
