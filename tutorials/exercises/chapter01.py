"""Exercises of chapter 1: one neuron."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def points(rng: Rng) -> tuple[Any, ...]:
    """A batch x (N, D), a neuron's w (D,) and b."""
    D = int(rng.integers(2, 6))
    x = rng.standard_normal((draw.batch(rng), D))
    return x, rng.standard_normal(D), float(rng.uniform(-2, 2))


def labelled(rng: Rng) -> tuple[Any, ...]:
    """The same with labels y (N,), 0 or 1."""
    x, w, b = points(rng)
    return x, rng.integers(2, size=len(x)), w, b


def smooth(rng: Rng) -> tuple[Any, ...]:
    """A function of a vector, a place x, and a direction i.

    It is so curved at x that a one-sided difference is wrong with any step.
    """
    D = int(rng.integers(2, 7))
    a, place = rng.standard_normal((2, D))

    def f(x: Any) -> float:
        valley = 1e8 * ((x - place) ** 2).sum()
        return float(np.sin(a @ x) + (x**3).sum() + valley)

    return f, place.copy(), int(rng.integers(D))


EXERCISES = (
    Exercise(
        "1.1",
        "neuron(x, w, b)",
        "p of a neuron, for a batch",
        points,
        (
            "x @ w multiplies each row of x with w and sums: N numbers at once.",
            "First z = x w + b, then the sigmoid of z.",
            "The sigmoid of z is 1 / (1 + np.exp(-z)).",
        ),
    ),
    Exercise(
        "1.2",
        "neuron_gradient(x, y, w, b)",
        "dJ/dw and dJ/db of a neuron",
        labelled,
        (
            "By the chain rule dJ/dw = sum over n of dJ/dz_n dz_n/dw.",
            "dJ/dz_n = (p_n - y_n) / N, and dz_n/dw is the row x_n.",
            "Summed over n that is x.T @ (p - y) / N; for b, dz_n/db is 1.",
        ),
    ),
    Exercise(
        "1.3",
        "slope(f, x, i)",
        "a derivative by central differences",
        smooth,
        (
            "Look at f a little ahead of x_i and a little behind it.",
            "(f(x + h e_i) - f(x - h e_i)) / (2 h), with a small h such as 1e-5.",
            "e_i is zero except for a 1 at i: step = np.zeros(len(x)); step[i] = h.",
        ),
    ),
)
