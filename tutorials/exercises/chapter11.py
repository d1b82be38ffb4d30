"""Exercises of chapter 11: the paper."""

from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def accuracies(rng: Rng) -> tuple[Any, ...]:
    """members (M, M), low on the diagonal, and ensemble (M,)."""
    M = int(rng.integers(3, 6))
    members = rng.uniform(0.3, 0.7, (M, M)) * (1 - 0.8 * np.eye(M))
    return members, rng.uniform(0.4, 0.8, M)


def counts(rng: Rng) -> tuple[Any, ...]:
    """Right answers, and images; near 0 and near all too."""
    images = int(rng.integers(20, 200))
    return int(rng.choice([1, images // 2, images - 2])), images


def answers(rng: Rng) -> tuple[Any, ...]:
    """wrong (M, N)."""
    return (rng.random((int(rng.integers(3, 6)), int(rng.choice([30, 40])))) < 0.4,)


EXERCISES = (
    Exercise(
        "11.1",
        "table2_row(members, ensemble)",
        "Table 2 under Adv. 1: single and ensemble",
        accuracies,
        (
            "members[i, i] is member i under its own gradient.",
            "np.diag(members) is the diagonal; both numbers are means.",
        ),
    ),
    Exercise(
        "11.2",
        "wilson_interval(correct, images)",
        "Wilson's 95 % interval",
        counts,
        (
            "Solve for p: |correct/n - p| <= z sqrt(p (1 - p) / n), z = 1.959964.",
            "Its square is a quadratic equation for p, whose two roots are the ends.",
            "(p + z^2/2n +- z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n).",
        ),
    ),
    Exercise(
        "11.3",
        "disagreement(wrong)",
        "how often two members disagree: one right, one wrong",
        answers,
        (
            "For members i and j: (wrong[i] != wrong[j]).mean().",
            "The mean over all pairs i < j.",
        ),
    ),
)
