"""Exercises of chapter 13: why did my attack fail?"""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter13 import (
    correlation,
    log_odds,
    part_without_gradient,
    repaired_step,
)

Rng = np.random.Generator


def probabilities(rng: Rng) -> tuple[Any, ...]:
    """p (N, K) and y (N,): in the first row p_y is 1 to rounding."""
    N, K = draw.batch(rng), int(rng.integers(3, 6))
    z = rng.standard_normal((N, K)) * 3
    y = rng.integers(K, size=N)
    z[0, y[0]] += 60
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True), y


def gradients(rng: Rng) -> tuple[Any, ...]:
    """g (N, H, W, C): some images have none, some have one with many zeros."""
    N = int(rng.integers(8, 14))
    g = rng.standard_normal((N, *draw.image_shape(rng)[1:]))
    g[0, 0], g[0, :, 0], g[7, ..., 1:] = 0, 0, 0
    g[[1, 3]] = 0
    g[[2, 5, 6]] = 0
    g[2, 0], g[5, 0], g[6, 0] = 5e-9, 5e-30, 5e-30  # many zeros, the others are tiny
    g[4] = 0
    g[4].flat[:3] = 1, 2, -3  # sums to 0 without being 0
    return (g,)


def pairs(rng: Rng) -> tuple[Any, ...]:
    """changes and promised (R, N): related, with an offset and scales of their own."""
    R, N = int(rng.integers(6, 10)), draw.batch(rng) + 1
    promised = rng.standard_normal((R, N)) * 10.0 ** rng.integers(-3, 3, size=N)
    noise = rng.standard_normal((R, N)) * abs(promised).mean(axis=0)
    slope = rng.choice([-1.0, 1.0, 2.0], size=N)
    return slope * promised + noise + 0.7 * abs(promised).max(axis=0), promised


def walking(rng: Rng) -> tuple[Any, ...]:
    """x_adv on its way, x, the gradient there, eps and alpha."""
    x = rng.random(draw.image_shape(rng))
    eps = float(rng.choice([0.1, 0.2]))
    x_adv = np.clip(x + rng.uniform(-eps, eps, x.shape), 0, 1)
    gradient = rng.standard_normal(x.shape) * 0.01
    gradient[:, 0, 0] = 0
    return x_adv, x, gradient, eps, eps / float(rng.choice([2, 3]))


def label(p: Any, y: Any) -> Any:
    """p_y of each image."""
    return p[np.arange(len(p)), y]


def cosine(a: Any, b: Any) -> Any:
    """<a, b> / |a| |b| over the first axis."""
    return (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))


EXERCISES = (
    Exercise(
        "13.1",
        "the log-odds against the label, for confident networks, too",
        log_odds,
        probabilities,
        {
            "this is J = -log p_y: near 0 it is flat": (
                lambda p, y: -np.log(label(p, y))
            ),
            "your sign is flipped: these are the odds for the label": (
                lambda p, y: -log_odds(p, y)
            ),
            "you leave out the logarithm: these are odds": (
                lambda p, y: np.exp(log_odds(p, y))
            ),
            "you use the strongest other class: 1 - p_y is the sum of all others": (
                lambda p, y: np.log(
                    np.where(np.eye(p.shape[1])[y] == 1, 0, p).max(axis=1) / label(p, y)
                )
            ),
            "this is log(1 - p_y): p_y belongs below it": (
                lambda p, y: log_odds(p, y) + np.log(label(p, y))
            ),
        },
        (
            "Where p_y is 1 to rounding, 1 - p_y is 0, and its logarithm -inf.",
            "Set the label's entry of a copy to 0: the sum of the row is 1 - p_y.",
        ),
    ),
    Exercise(
        "13.2",
        "the fraction of images whose gradient is zero",
        part_without_gradient,
        gradients,
        {
            "you count pixels: an image is stuck if all of its pixels are 0": (
                lambda g: (g == 0).mean()
            ),
            "you count the images with a gradient": (
                lambda g: g.reshape(len(g), -1).any(axis=1).mean()
            ),
            "you count images: divide by their number": (
                lambda g: (~g.reshape(len(g), -1).any(axis=1)).sum()
            ),
            "you look for one zero pixel: all must be 0": (
                lambda g: (~g.reshape(len(g), -1).all(axis=1)).mean()
            ),
            "a tiny gradient isn't 0: an attack can still use its sign": (
                lambda g: (abs(g) < 1e-8).all(axis=(1, 2, 3)).mean()
            ),
            "you add up pixels: their sum can be 0 without a zero gradient": (
                lambda g: (g.sum(axis=(1, 2, 3)) == 0).mean()
            ),
        },
        (
            "An image as a row: g.reshape(len(g), -1).",
            "any(axis=1) is True where some entry isn't 0.",
        ),
    ),
    Exercise(
        "13.3",
        "the correlation of predicted and measured changes, per image",
        correlation,
        pairs,
        {
            "you don't subtract the means: this is the cosine": cosine,
            "this is the covariance: divide by both standard deviations": (
                lambda changes, promised: (
                    (changes - changes.mean(axis=0))
                    * (promised - promised.mean(axis=0))
                ).mean(axis=0)
            ),
            "you correlate over images: each image has its own, over directions": (
                lambda changes, promised: correlation(changes.T, promised.T)
            ),
            "you correlate all numbers at once": lambda changes, promised: np.full(
                changes.shape[1], np.corrcoef(changes.ravel(), promised.ravel())[0, 1]
            ),
            "you take the absolute value: it hides a wrong sign": (
                lambda changes, promised: abs(correlation(changes, promised))
            ),
        },
        (
            "Subtract from both their means over axis 0.",
            "Then it is their cosine: <a, b> / (|a| |b|), all sums over axis 0.",
        ),
    ),
    Exercise(
        "13.4",
        "a step that stays in the ball and in the range",
        repaired_step,
        walking,
        {
            "you clip to [0, 1] but not to the ball": (
                lambda x_adv, x, g, eps, alpha: np.clip(
                    x_adv + alpha * np.sign(g), 0, 1
                )
            ),
            "you clip to the ball but not to [0, 1]": (
                lambda x_adv, x, g, eps, alpha: np.clip(
                    x_adv + alpha * np.sign(g), x - eps, x + eps
                )
            ),
            "you follow the gradient itself: use only its sign": (
                lambda x_adv, x, g, eps, alpha: np.clip(
                    np.clip(x_adv + alpha * g, x - eps, x + eps), 0, 1
                )
            ),
            "you start from x again: a step begins where the last one ended": (
                lambda x_adv, x, g, eps, alpha: np.clip(
                    np.clip(x + alpha * np.sign(g), x - eps, x + eps), 0, 1
                )
            ),
            "your sign is flipped: J would fall": (
                lambda x_adv, x, g, eps, alpha: repaired_step(x_adv, x, -g, eps, alpha)
            ),
            "your step is eps long: it is alpha long": (
                lambda x_adv, x, g, eps, alpha: repaired_step(x_adv, x, g, eps, eps)
            ),
        },
        (
            "x_adv + alpha * np.sign(gradient), then two clips.",
            "The ball lies round x: between x - eps and x + eps.",
        ),
    ),
)
