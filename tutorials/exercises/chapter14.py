"""Exercises of chapter 14: what helps, adversarial training."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def labels(rng: Rng) -> tuple[Any, ...]:
    """y (N,): classes of different sizes, and one that no image has."""
    N, K = int(rng.integers(8, 30)), int(rng.integers(3, 7))
    y = np.sort(rng.integers(K, size=N) * rng.integers(2, size=N))
    y[:2] = 0, K
    return (np.where(y > 0, y + 1, 0),)


def started(rng: Rng) -> tuple[Any, ...]:
    """x, u, a gradient, eps and alpha; the gradient turns within the ball.

    Outside [0, 1] it has the opposite sign, so that an unclipped start is noticed.
    """
    x = rng.random(draw.image_shape(rng))
    x[:, 0] = rng.choice([0.03, 0.97], size=x[:, 0].shape)
    u, turn = rng.random(x.shape), x + rng.uniform(-0.2, 0.2, x.shape)
    eps = float(rng.choice([0.2, 0.3]))

    def gradient(images: Any) -> Any:
        g = np.cos(20 * (images - turn[draw.rows(images, x)])) * 0.01
        g[:, 0, 0] = 0
        return np.where((images >= 0) & (images <= 1), g, -g)

    return x, u, gradient, eps, eps * float(rng.choice([0.5, 1.25]))


def progress(rng: Rng) -> tuple[Any, ...]:
    """t, eps and steps: at the start, on the way, at the end and after it."""
    steps = int(rng.integers(20, 60))
    t = int(rng.choice([0, steps // 3, steps // 2, steps - 2, steps - 1, 2 * steps]))
    return t, float(rng.uniform(0.05, 0.3)), steps


def curves(rng: Rng) -> tuple[Any, ...]:
    """Two accuracies (E,) in sixteenths, and a gap: exactly reached first, or never.

    A larger difference of the opposite sign comes before, one above the gap after.
    """
    E, gap = int(rng.integers(6, 10)), float(rng.choice([0.25, 0.5]))
    fgsm = rng.integers(12, 16, size=E) / 16
    differences = rng.integers(-2, 4, size=E) / 16
    if rng.random() < 0.7:
        first = int(rng.integers(1, E - 3))
        differences[[0, first, first + 1]] = -gap - 1 / 8, gap, 0
        differences[[first + 2, -1]] = gap + 1 / 16, gap + 1 / 8
    return fgsm, fgsm - differences, gap


EXERCISES = (
    Exercise(
        "14.1",
        "constant_cost(y)",
        "the lowest J of a network that ignores the image",
        labels,
        (
            "Each image costs -log of its own class's share of the labels.",
            "np.unique(y, return_counts=True) counts the labels of each class.",
            "The mean over images is -sum_k p_k log p_k, the entropy of the labels.",
        ),
    ),
    Exercise(
        "14.2",
        "one_step_from(x, u, gradient, eps, alpha)",
        "FGSM with a random start",
        started,
        (
            "x + eps * (2 * u - 1) is the start; clip it to [0, 1].",
            "Take the gradient at the start; the ball lies around x.",
        ),
    ),
    Exercise(
        "14.3",
        "grown_eps(t, eps, steps)",
        "an eps that grows with the steps of the optimizer",
        progress,
        (
            "The fraction of eps is (t + 1) / steps, as long as this is below 1.",
            "min(1, fraction) * eps.",
        ),
    ),
    Exercise(
        "14.4",
        "first_collapse(under_fgsm, under_pgd, gap)",
        "the epoch in which training on FGSM overfits",
        curves,
        (
            "under_fgsm - under_pgd > gap is True in the epochs in question.",
            "argmax finds the first True, and 0 if there is none: check any(), too.",
        ),
    ),
)
