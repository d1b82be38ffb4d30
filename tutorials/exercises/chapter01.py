"""Exercises of chapter 1: one neuron."""

from functools import partial
from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter01 import neuron, neuron_gradient, slope

Rng = np.random.Generator


def points(rng: Rng) -> tuple[Any, ...]:
    """A batch x (N, D), a neuron's w (D,) and b."""
    D = int(rng.integers(2, 6))
    x = rng.standard_normal((draw.batch(rng), D))
    return x, rng.standard_normal(D), float(rng.standard_normal())


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


def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def step(x: Any, i: int, h: float) -> Any:
    """h e_i."""
    return h * np.eye(len(x))[i]


def one_sided(f: Any, x: Any, i: int, h: float) -> float:
    """(f(x + h e_i) - f(x)) / h."""
    return float((f(x + step(x, i, h)) - f(x)) / h)


def half_one_sided(f: Any, x: Any, i: int, h: float) -> float:
    """(f(x + h e_i) - f(x)) / 2 h."""
    return one_sided(f, x, i, h) / 2


def central(f: Any, x: Any, i: int, h: float = 1e-5) -> float:
    """(f(x + h e_i) - f(x - h e_i)) / 2 h."""
    return float((f(x + step(x, i, h)) - f(x - step(x, i, h))) / (2 * h))


# That a learner may take, ahead or behind.
STEPS = [sign * 10.0**-k for k in range(3, 9) for sign in (1, -1)]

EXERCISES = (
    Exercise(
        "1.1",
        "p of a neuron, for a batch",
        neuron,
        points,
        {
            "you stop at z = x w + b: the sigmoid is missing": (
                lambda x, w, b: x @ w + b
            ),
            "you leave out the bias b": lambda x, w, b: sigmoid(x @ w),
            "the sign in the exponent is flipped: this is 1 - p": (
                lambda x, w, b: sigmoid(-(x @ w + b))
            ),
            "you add b after the sigmoid, not before": lambda x, w, b: (
                sigmoid(x @ w) + b
            ),
            "you subtract b where it must be added": lambda x, w, b: sigmoid(x @ w - b),
            "this is tanh, not the sigmoid": lambda x, w, b: np.tanh(x @ w + b),
            "you add b to each product: it belongs to their sum, once": (
                lambda x, w, b: sigmoid((x * w + b).sum(axis=1))
            ),
            "you take the mean of the products where z is their sum": (
                lambda x, w, b: sigmoid((x * w).mean(axis=1) + b)
            ),
            "you return the decision: p itself is asked for, between 0 and 1": (
                lambda x, w, b: (x @ w + b > 0).astype(float)
            ),
            "the 1 is missing below the line: 1 / (1 + exp(-z))": (
                lambda x, w, b: 1 / np.exp(-(x @ w + b))
            ),
            "this is a softmax over the batch: each image has a p of its own": (
                lambda x, w, b: np.exp(x @ w + b) / np.exp(x @ w + b).sum()
            ),
            "this is a ReLU, not the sigmoid": lambda x, w, b: np.maximum(x @ w + b, 0),
        },
        (
            "x @ w multiplies each row of x with w and sums: N numbers at once.",
            "First z = x w + b, then the sigmoid of z.",
            "The sigmoid of z is 1 / (1 + np.exp(-z)).",
        ),
    ),
    Exercise(
        "1.2",
        "dJ/dw and dJ/db of a neuron",
        neuron_gradient,
        labelled,
        {
            "your sign is flipped: p - y, not y - p": lambda x, y, w, b: (
                x.T @ (y - sigmoid(x @ w + b)) / len(x),
                (y - sigmoid(x @ w + b)).mean(),
            ),
            "you sum over the batch: J is a mean": lambda x, y, w, b: (
                x.T @ (sigmoid(x @ w + b) - y),
                (sigmoid(x @ w + b) - y).sum(),
            ),
            "dJ/dw is a mean, but dJ/db is a sum over the batch": lambda x, y, w, b: (
                x.T @ (sigmoid(x @ w + b) - y) / len(x),
                (sigmoid(x @ w + b) - y).sum(),
            ),
            "you add the label: p - y": lambda x, y, w, b: (
                x.T @ (sigmoid(x @ w + b) + y) / len(x),
                (sigmoid(x @ w + b) + y).mean(),
            ),
            "you leave out the label: p - y": lambda x, y, w, b: (
                x.T @ sigmoid(x @ w + b) / len(x),
                sigmoid(x @ w + b).mean(),
            ),
            "you leave out b: p depends on it": lambda x, y, w, b: (
                x.T @ (sigmoid(x @ w) - y) / len(x),
                (sigmoid(x @ w) - y).mean(),
            ),
            "a mean of products isn't the product of the means": lambda x, y, w, b: (
                x.mean(axis=0) * (sigmoid(x @ w + b) - y).mean(),
                (sigmoid(x @ w + b) - y).mean(),
            ),
            "you leave out x: dz/dw is the row x_n": lambda x, y, w, b: (
                np.full(len(w), (sigmoid(x @ w + b) - y).mean()),
                (sigmoid(x @ w + b) - y).mean(),
            ),
            "you round p to a decision: the gradient takes p itself": (
                lambda x, y, w, b: (
                    x.T @ ((x @ w + b > 0) - y) / len(x),
                    ((x @ w + b > 0) - y).mean(),
                )
            ),
            "you use z where p belongs": lambda x, y, w, b: (
                x.T @ (x @ w + b - y) / len(x),
                (x @ w + b - y).mean(),
            ),
            "you multiply by p (1 - p) as well: that is the gradient of (p - y)^2 / 2, "
            "not of the cross-entropy": lambda x, y, w, b: (
                x.T @ squared(x, y, w, b) / len(x),
                squared(x, y, w, b).mean(),
            ),
        },
        (
            "By the chain rule dJ/dw = sum over n of dJ/dz_n dz_n/dw.",
            "dJ/dz_n = (p_n - y_n) / N, and dz_n/dw is the row x_n.",
            "Summed over n that is x.T @ (p - y) / N; for b, dz_n/db is 1.",
        ),
    ),
    Exercise(
        "1.3",
        "a derivative by central differences",
        slope,
        smooth,
        {
            **{
                f"this is a one-sided difference, h = {h:g}: its error shrinks with h, "
                "not with h^2": partial(one_sided, h=h)
                for h in STEPS
            },
            **{
                f"your places are x and x + h e_i, h = {h:g}: they are h apart, not "
                "2 h": partial(half_one_sided, h=h)
                for h in STEPS
            },
            **{
                f"your h = {h:g} is too large: take a small one, such as 1e-5": partial(
                    central, h=h
                )
                for h in (1, 0.5, 0.1, 0.05, 0.01)
            },
            "you move x_(i - 1): move x_i": lambda f, x, i: central(f, x, i - 1),
            "you move x_(i + 1): move x_i": (
                lambda f, x, i: central(f, x, (i + 1) % len(x))
            ),
            "you always move x_0: move x_i": lambda f, x, i: central(f, x, 0),
            "you return the difference: divide it by 2 h": (
                lambda f, x, i: central(f, x, i) * 2e-5
            ),
            "you add f behind: subtract it": lambda f, x, i: (
                (f(x + step(x, i, 1e-5)) + f(x - step(x, i, 1e-5))) / 2e-5
            ),
            "you return f: its slope is asked for": lambda f, x, i: f(x),
            "you divide by h: the two places are 2 h apart": (
                lambda f, x, i: (
                    (f(x + step(x, i, 1e-5)) - f(x - step(x, i, 1e-5))) / 1e-5
                )
            ),
            "your sign is flipped: ahead minus behind": (
                lambda f, x, i: (
                    (f(x - step(x, i, 1e-5)) - f(x + step(x, i, 1e-5))) / 2e-5
                )
            ),
            "you move all coordinates, not only x_i": (
                lambda f, x, i: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
            ),
        },
        (
            "Look at f a little ahead of x_i and a little behind it.",
            "(f(x + h e_i) - f(x - h e_i)) / (2 h), with a small h such as 1e-5.",
            "e_i is zero except for a 1 at i: step = np.zeros(len(x)); step[i] = h.",
        ),
    ),
)


def squared(x: Any, y: Any, w: Any, b: float) -> Any:
    """(p - y) p (1 - p)."""
    p = sigmoid(x @ w + b)
    return (p - y) * p * (1 - p)
