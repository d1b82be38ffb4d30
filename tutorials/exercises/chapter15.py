"""Exercises of chapter 15: defences and how they broke."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def teacher(rng: Rng) -> tuple[Any, ...]:
    """z (N, K), some rows in the thousands, and a temperature."""
    N, K = draw.batch(rng), int(rng.integers(3, 7))
    temperature = float(rng.choice([2.0, 5.0, 20.0]))
    z = rng.standard_normal((N, K)) * 2 * temperature
    z[:, 0] += rng.choice([0, 2000 * temperature], p=[0.8, 0.2], size=N)
    return z + rng.choice([0.0, 2e4, -2e4], size=(N, 1)), temperature


def defended(rng: Rng) -> tuple[Any, ...]:
    """x, y, a rounding, and a gradient that changes from level to level."""
    x = rng.random(draw.image_shape(rng))
    labels = rng.integers(1, 10, size=len(x))
    slopes, levels = rng.standard_normal(x.shape), float(rng.choice([3, 4]))

    def gradient(images: Any, y: Any) -> Any:
        n = draw.rows_labelled(images, y, x, labels)
        return slopes[n] * np.cos(7 * images)

    return x, labels.copy(), lambda x: np.round(levels * x) / levels, gradient


def scored(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) and s (N,): all logits are below 0 in some cases."""
    N, K = int(rng.integers(3, 8)), int(rng.integers(3, 7))
    z = rng.standard_normal((N, K)) * 3 - float(rng.choice([0.0, 20.0]))
    return z, rng.standard_normal(N) * 2


def rejecting(rng: Rng) -> tuple[Any, ...]:
    """z (N, K + 1) and y (N,): the last logit is largest, second or low."""
    N, K = int(rng.choice([6, 8, 9])), int(rng.integers(3, 7))
    z = rng.standard_normal((N, K)) * 3 - float(rng.choice([0.0, 20.0]))
    s = np.where(np.arange(N) % 2, 1.0, -1.0) * rng.uniform(0.2, 4, N)
    z, y = np.column_stack([z, z.max(axis=1) + s]), rng.integers(K, size=N)
    z[0, y[0]] = z[0].max() + 1
    return z, y


EXERCISES = (
    Exercise(
        "15.1",
        "soft_labels(z, temperature)",
        "probabilities at a temperature",
        teacher,
        (
            "softmax(z / T): divide the logits, then exponentiate.",
            "Subtract each row's largest number before exp, so that nothing overflows.",
        ),
    ),
    Exercise(
        "15.2",
        "straight_through(x, y, defence, gradient)",
        "BPDA: forward through the defence, backward past it",
        defended,
        (
            "The network sees defence(x): take its gradient there.",
            "The identity's derivative is 1: nothing is left to multiply.",
        ),
    ),
    Exercise(
        "15.3",
        "with_rejection(z, s)",
        "classifier and detector as one classifier",
        scored,
        (
            "The last logit is max_k z_k + s.",
            "np.column_stack joins z with a column.",
        ),
    ),
    Exercise(
        "15.4",
        "combined_loss(z, y)",
        "the loss of an attack on classifier and detector, and its gradient",
        rejecting,
        (
            "Set the label and the last column to -inf in a copy of z: then argmax "
            "finds the wrong class.",
            "Subtract the larger of z_y and z_K: one entry per image.",
            "The gradient is 1 at the wrong class, -1 at this entry, and 0 elsewhere.",
        ),
    ),
)
