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
    """Counts of correct answers and of images; some near 0, some near all."""
    images = int(rng.integers(20, 200))
    return int(rng.choice([1, images // 2, images - 2])), images


def answers(rng: Rng) -> tuple[Any, ...]:
    """wrong (M, N)."""
    return (rng.random((int(rng.integers(3, 6)), int(rng.choice([30, 40])))) < 0.4,)


def last_layer(rng: Rng) -> tuple[Any, ...]:
    """W (D, K) and b (K,): all kinds of classes, dead and only nearly dead."""
    D, kinds = int(rng.integers(4, 9)), 7 + int(rng.integers(3))
    W, b = -rng.random((D, kinds)), -rng.random(kinds)
    W[:, 0], b[1], b[2] = 0, 0, 0.5
    W[0, 3], W[1, 4], b[4] = 0.1, 3 * D, -4 * D
    W[:, 5], b[5] = abs(W[:, 5]), 0
    W[2, 6] = 0
    order = rng.permutation(kinds)
    return W[:, order], b[order]


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
    Exercise(
        "11.4",
        "dead_for_good(W, b)",
        "which classes are dead for good below a ReLU on the logits",
        last_layer,
        (
            "a_k = sum_d h_d W[d, k] + b[k], where each h_d may be any number >= 0.",
            "What is a_k for h = 0? And for an h with a single large entry?",
            "(W <= 0).all(axis=0), and b <= 0.",
        ),
    ),
)
