"""Exercises of chapter 7: the basic iterative method."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

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

    The gradient is 0 in some pixels. In some it keeps its sign, and enough steps reach
    the edge of the ball. In the others it changes sign on the way. Outside the ball and
    outside [0, 1] the whole gradient is reversed, so that an attack that leaves them
    ends elsewhere. Labels other than y are refused.
    """
    x = rng.random(draw.image_shape(rng, least=3))
    labels = rng.integers(1, 10, size=len(x))
    x[:, 0] = rng.choice([0.03, 0.97], size=x[:, 0].shape)
    turn = x + rng.uniform(-0.15, 0.15, x.shape)
    kind = rng.choice(["rising", "falling", "flat", "turning"], size=x.shape)
    eps, alpha, steps = WAYS[int(rng.integers(3))]

    def gradient(x_adv: Any, y: Any) -> Any:
        n = draw.rows_labelled(x_adv, y, x, labels)
        inside = abs(x_adv - x[n]).max() < eps + 0.01
        allowed = x_adv.min() >= 0 and x_adv.max() <= 1
        turning = np.cos(40 * (x_adv - turn[n]))
        slopes = [kind[n] == "rising", kind[n] == "falling", kind[n] == "flat"]
        g = np.select(slopes, [2.5, -2.5, 0.0], turning)
        return g if inside and allowed else -g

    return gradient, x, labels.copy(), eps, alpha, steps


EXERCISES = (
    Exercise(
        "7.1",
        "clip_to_ball(x_adv, x, eps)",
        "clip_{x,eps}: back into the ball",
        moved,
        (
            "Each pixel may lie between x - eps and x + eps.",
            "np.clip takes arrays as its bounds.",
        ),
    ),
    Exercise(
        "7.2",
        "bim(gradient, x, y, eps, alpha, steps)",
        "the basic iterative method",
        attack,
        (
            "Start with x_adv = x and repeat the step: for _ in range(steps).",
            "A step: x_adv + alpha * np.sign(gradient(x_adv, y)).",
            "After each step clip to x - eps ... x + eps, and then to 0 ... 1.",
        ),
    ),
    Exercise(
        "7.3",
        "l2_project(x_adv, x, eps)",
        "back into a Euclidean ball",
        images_moved,
        (
            "r = x_adv - x keeps its direction; it is shortened if it is too long.",
            "An image's length is the root of its sum of squares (with keepdims=True).",
            "x + r * np.minimum(1, eps / length).",
        ),
    ),
)
