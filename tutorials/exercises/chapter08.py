"""Exercises of chapter 8: ensembles."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def members(rng: Rng) -> tuple[Any, ...]:
    """p (M, N, K) of members that often disagree, some of them very confident."""
    M, N, K = int(rng.integers(4, 8)), int(rng.choice([1, 35, 45])), draw.batch(rng) + 2
    z = rng.standard_normal((M, N, K)) * rng.choice([0.5, 6.0], size=(M, 1, 1))
    p = np.exp(z)
    return (p / p.sum(axis=2, keepdims=True),)


def probabilities(rng: Rng) -> tuple[Any, ...]:
    """p (N, K) and y (N,)."""
    (p,) = members(rng)
    return p[0], rng.integers(p.shape[2], size=p.shape[1])


def sizes(rng: Rng) -> tuple[Any, ...]:
    """A number of images."""
    return (int(rng.integers(1, 12)),)


EXERCISES = (
    Exercise(
        "8.1",
        "ensemble_predict(p)",
        "the ensemble's answer: argmax of the mean probability",
        members,
        (
            "First the mean over members: (M, N, K) becomes (N, K).",
            "Then the class of the largest probability in each row.",
        ),
    ),
    Exercise(
        "8.2",
        "majority_vote(p)",
        "the class that most members choose; in a tie, the smallest",
        members,
        (
            "The votes are p.argmax(axis=2), (M, N).",
            "np.eye(K)[votes] turns a vote into a row with a 1: add them up.",
        ),
    ),
    Exercise(
        "8.3",
        "margin(p, y)",
        "the margin: p of the label, minus the largest other",
        probabilities,
        (
            "p[np.arange(len(y)), y] are the labels' probabilities.",
            "Put -inf at the label in a copy of p: what is its maximum then?",
        ),
    ),
    Exercise(
        "8.4",
        "bootstrap_fraction(m)",
        "the mean fraction of m images in a bootstrap replicate",
        sizes,
        (
            "What is the probability that one draw misses a given image?",
            "All m draws miss it with probability (1 - 1/m)^m.",
        ),
    ),
)
