"""Exercises of chapter 13: why did my attack fail?"""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

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
    """g (N, H, W, C): 0 for some images, with many zeros for others."""
    N = int(rng.integers(8, 14))
    g = rng.standard_normal((N, *draw.image_shape(rng)[1:]))
    g[0, 0], g[0, :, 0], g[7, ..., 1:] = 0, 0, 0
    g[0, ..., : g.shape[3] - 1] = 0  # except in the last channel
    g[[1, 3]] = 0
    g[[2, 5, 6]] = 0
    g[2, 0], g[5, 0], g[6, 0] = 5e-9, -5e-30, 5e-30  # many zeros, the others are tiny
    g[4] = 0
    g[4].flat[:3] = 1, 2, -3  # sums to 0 without being 0
    return (g,)


def pairs(rng: Rng) -> tuple[Any, ...]:
    """changes and promised (R, N): related, but with an offset and other scales."""
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


def in_the_ball(rng: Rng) -> tuple[Any, ...]:
    """x_adv, x and eps: pixels at the border and inside; x of any shade."""
    eps = float(rng.choice([0.01, 0.03, 0.05, 0.1]))  # 2.55 to 25.5 shades
    x = rng.integers(256, size=draw.image_shape(rng)) / 255
    x[0, 0] = rng.random(x[0, 0].shape)
    r = eps * rng.choice([-1, 1], size=x.shape)
    r[:, 1] *= rng.random(r[:, 1].shape)
    return np.clip(x + r, 0, 1), x, eps


EXERCISES = (
    Exercise(
        "13.1",
        "log_odds(p, y)",
        "the log-odds against the label, for confident networks, too",
        probabilities,
        (
            "Where p_y is 1 to rounding, 1 - p_y is 0, and its logarithm -inf.",
            "Set the label's entry of a copy to 0: the sum of the row is 1 - p_y.",
        ),
    ),
    Exercise(
        "13.2",
        "part_without_gradient(g)",
        "the fraction of images whose gradient is zero",
        gradients,
        (
            "An image as a row: g.reshape(len(g), -1).",
            "any(axis=1) is True where some entry isn't 0.",
        ),
    ),
    Exercise(
        "13.3",
        "correlation(changes, promised)",
        "the correlation of predicted and measured changes, per image",
        pairs,
        (
            "Subtract from both their means over axis 0.",
            "It is then their cosine: <a, b> / (|a| |b|), all sums over axis 0.",
        ),
    ),
    Exercise(
        "13.4",
        "repaired_step(x_adv, x, gradient, eps, alpha)",
        "a step that stays in the ball and in the range",
        walking,
        (
            "x_adv + alpha * np.sign(gradient), then two clips.",
            "The ball lies around x: between x - eps and x + eps.",
        ),
    ),
    Exercise(
        "13.5",
        "rounded_inside(x_adv, x, eps)",
        "images in 8 bits that stay in the ball",
        in_the_ball,
        (
            "k is np.rint(255 * x_adv), but it may lie outside the ball.",
            "The smallest k inside is np.ceil(255 * (x - eps)).",
            "The largest is np.floor(255 * (x + eps)). Clip k, then divide by 255.",
        ),
    ),
)
