"""Exercises of chapter 5: training."""

from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def momentum_state(rng: Rng) -> tuple[Any, ...]:
    """p, g and v of one shape, lr and momentum."""
    R, C = rng.integers(1, 6, size=2)
    p, g, v = rng.standard_normal((3, R, C))
    return p, g, v, float(rng.choice([0.1, 0.5])), float(rng.choice([0.3, 0.9]))


def adam_state(rng: Rng) -> tuple[Any, ...]:
    """p, g, m and v of one shape, and t; gradients of very different sizes.

    p is about as large as a step, so that errors of the step show.
    """
    R, C = rng.integers(2, 6, size=2)
    g, m = rng.standard_normal((2, R, C)) * 10.0 ** rng.integers(-9, 1, size=(R, C))
    v, t = m**2 * rng.random((R, C)), int(rng.integers(1, 9))
    return 1e-3 * rng.standard_normal((R, C)), g, m, v, t


def answers(rng: Rng) -> tuple[Any, ...]:
    """z (N, K), about half of them classified correctly, and y (N,)."""
    N, K = int(rng.choice([1, 10, 17, 30])), int(rng.integers(3, 6))
    y = rng.integers(K, size=N)
    return rng.standard_normal((N, K)) + rng.choice([-3, 3]) + np.eye(K)[y], y


EXERCISES = (
    Exercise(
        "5.1",
        "momentum_step(p, g, v, lr, momentum)",
        "a step of gradient descent with momentum",
        momentum_state,
        (
            "v remembers the directions of earlier steps; momentum lets it fade.",
            "First v = momentum v + g, then p = p - lr v; return both.",
        ),
    ),
    Exercise(
        "5.2",
        "adam_step(p, g, m, v, t)",
        "a step of Adam",
        adam_state,
        (
            "m = 0.9 m + 0.1 g follows g, and v = 0.999 v + 0.001 g^2 follows g^2.",
            "Both begin at 0, so early ones are too small: divide by 1 - rate^t.",
            "p - 1e-3 * m_hat / (sqrt(v_hat) + 1e-8); return p, m, v (not the hats).",
        ),
    ),
    Exercise(
        "5.3",
        "accuracy(z, y)",
        "the fraction of images classified correctly",
        answers,
        (
            "z.argmax(axis=1) is the class that the network chooses.",
            "The mean of True and False is the fraction of True.",
        ),
    ),
)
