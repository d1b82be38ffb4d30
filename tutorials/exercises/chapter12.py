"""Exercises of chapter 12: does the defence hold?"""

from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def logits(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) and y (N,): some right, some wrong, in some cases logits below 0."""
    N, K = int(rng.choice([1, 4, 6, 8])), int(rng.integers(3, 7))
    z = rng.standard_normal((N, K)) * 3 - float(rng.choice([0.0, 20.0]))
    return z, rng.integers(K, size=N)


def by_attack(rng: Rng) -> tuple[Any, ...]:
    """fooled (attacks, N): no attack fools all images, and some only one of them."""
    N = int(rng.integers(8, 12))
    A = int(rng.integers(3, 6))
    fooled = rng.random((A, N)) < 0.4
    fooled[:, 0] = False
    fooled[:, 1] = True
    fooled[:, 2] = np.arange(A) == 0
    return (fooled,)


def by_eps(rng: Rng) -> tuple[Any, ...]:
    """fooled (E, N), eps (E,): one image never, one by chance at a small eps only."""
    E, N = int(rng.integers(3, 6)), int(rng.integers(5, 12))
    fooled = rng.random((E, N)) < np.linspace(0.1, 0.9, E)[:, None]
    fooled[:, 0] = False
    fooled[:, 1] = np.arange(E) % 2 == 1
    fooled[:, 2] = np.arange(E) == 0
    return fooled, np.sort(rng.random(E)) * 0.3 + 0.01


EXERCISES = (
    Exercise(
        "12.1",
        "margin_loss(z, y)",
        "the margin loss of logits, and its gradient",
        logits,
        (
            "Copy z and set the label's logit to -inf: then argmax finds k.",
            "z[np.arange(N), k] picks one logit of each image.",
            "The gradient is 1 at k, -1 at y, and 0 elsewhere.",
        ),
    ),
    Exercise(
        "12.2",
        "worst_case(fooled)",
        "the accuracy in the worst case: per image, the strongest attack",
        by_attack,
        (
            "An image is fooled if any attack fools it.",
            "fooled.any(axis=0) marks these; accuracy is the fraction of the others.",
        ),
    ),
    Exercise(
        "12.3",
        "smallest_eps(fooled, eps)",
        "the smallest eps that fools each image",
        by_eps,
        (
            "argmax along axis 0 finds the first True.",
            "Where nothing is True, argmax returns 0: check any(axis=0), too.",
        ),
    ),
)
