"""Exercises of chapter 8: ensembles."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter08 import (
    bootstrap_fraction,
    ensemble_predict,
    majority_vote,
    margin,
)

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
        "the ensemble's answer: argmax of the mean probability",
        ensemble_predict,
        members,
        {
            "you count votes: the paper averages probabilities": majority_vote,
            "you average over images, not over members": (
                lambda p: p.mean(axis=1).argmax(axis=1)
            ),
            "you use only the first member": lambda p: p[0].argmax(axis=1),
            "you take the most confident member": lambda p: p.max(axis=0).argmax(
                axis=1
            ),
            "you multiply probabilities: a single member could rule out a class": (
                lambda p: p.prod(axis=0).argmax(axis=1)
            ),
        },
        (
            "First the mean over members: (M, N, K) becomes (N, K).",
            "Then the class of the largest probability in each row.",
        ),
    ),
    Exercise(
        "8.2",
        "the class that most members choose; in a tie, the smallest",
        majority_vote,
        members,
        {
            "you average probabilities: each member has one vote": ensemble_predict,
            "of two classes with equal votes you take the larger": (
                lambda p: p.shape[2] - 1 - votes(p)[:, ::-1].argmax(axis=1)
            ),
            "you return the number of votes, not the class": (
                lambda p: votes(p).max(axis=1)
            ),
            "you take the class with the fewest votes": lambda p: votes(p).argmin(
                axis=1
            ),
            "you take the median of the classes: they have no order": (
                lambda p: np.median(p.argmax(axis=2), axis=0).astype(int)
            ),
        },
        (
            "p.argmax(axis=2) are the votes, (M, N).",
            "np.eye(K)[votes] turns a vote into a row with a 1: add them up.",
        ),
    ),
    Exercise(
        "8.3",
        "the margin: p of the label, minus the largest other",
        margin,
        probabilities,
        {
            "your sign is flipped: the margin of a correct image is above 0": (
                lambda p, y: -margin(p, y)
            ),
            "you subtract the largest of all: for a correct image it is p_y": (
                lambda p, y: p[np.arange(len(y)), y] - p.max(axis=1)
            ),
            "you subtract the second largest, also from misclassified images": (
                lambda p, y: p[np.arange(len(y)), y] - np.sort(p, axis=1)[:, -2]
            ),
            "you forget the label: the largest minus the second largest": (
                lambda p, y: np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2]
            ),
            "you subtract the sum of the others": (
                lambda p, y: 2 * p[np.arange(len(y)), y] - 1
            ),
        },
        (
            "p[np.arange(len(y)), y] are the labels' probabilities.",
            "Put -inf at the label in a copy of p: what is its maximum then?",
        ),
    ),
    Exercise(
        "8.4",
        "the mean fraction of m images in a bootstrap replicate",
        bootstrap_fraction,
        sizes,
        {
            "this is the part that is missing": lambda m: (1 - 1 / m) ** m,
            "this is the limit for many images, 1 - 1/e": lambda m: 1 - np.exp(-1),
            "one draw misses an image with probability 1 - 1/m: there are m draws": (
                lambda m: 1 / m
            ),
            "you draw m - 1 times": lambda m: 1 - (1 - 1 / m) ** (m - 1),
        },
        (
            "With which probability does one draw miss a given image?",
            "All m draws miss it with probability (1 - 1/m)^m.",
        ),
    ),
)


def votes(p: Any) -> Any:
    """How many members choose each class: (N, K)."""
    return np.eye(p.shape[2])[p.argmax(axis=2)].sum(axis=0)
