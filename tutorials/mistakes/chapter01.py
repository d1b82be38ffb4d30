"""Usual wrong answers to chapter 1, each under the sentence that names it."""

from functools import partial
from typing import Any

import numpy as np


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


def squared(x: Any, y: Any, w: Any, b: float) -> Any:
    """(p - y) p (1 - p)."""
    p = sigmoid(x @ w + b)
    return (p - y) * p * (1 - p)


MISTAKES = {
    "neuron": {
        "you stop at z = x w + b: the sigmoid is missing": (lambda x, w, b: x @ w + b),
        "you leave out the bias b": lambda x, w, b: sigmoid(x @ w),
        "the sign in the exponent is flipped: this is 1 - p": (
            lambda x, w, b: sigmoid(-(x @ w + b))
        ),
        "you add b after the sigmoid, not before": lambda x, w, b: sigmoid(x @ w) + b,
        "you subtract b where it must be added": lambda x, w, b: sigmoid(x @ w - b),
        "this is tanh, not the sigmoid": lambda x, w, b: np.tanh(x @ w + b),
        "you add b to each product: add it once, to their sum": (
            lambda x, w, b: sigmoid((x * w + b).sum(axis=1))
        ),
        "you take the mean of the products where z is their sum": (
            lambda x, w, b: sigmoid((x * w).mean(axis=1) + b)
        ),
        "you return the decision: return p itself, between 0 and 1": (
            lambda x, w, b: (x @ w + b > 0).astype(float)
        ),
        "the 1 in the denominator is missing: 1 / (1 + exp(-z))": (
            lambda x, w, b: 1 / np.exp(-(x @ w + b))
        ),
        "this is a softmax over the batch: each image has its own p": (
            lambda x, w, b: np.exp(x @ w + b) / np.exp(x @ w + b).sum()
        ),
        "this is a ReLU, not the sigmoid": lambda x, w, b: np.maximum(x @ w + b, 0),
    },
    "neuron_gradient": {
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
        "you multiply by p (1 - p) as well: this is the gradient of (p - y)^2 / 2, "
        "not of the cross-entropy": lambda x, y, w, b: (
            x.T @ squared(x, y, w, b) / len(x),
            squared(x, y, w, b).mean(),
        ),
    },
    "slope": {
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
        "you add the value behind x_i: subtract it": lambda f, x, i: (
            (f(x + step(x, i, 1e-5)) + f(x - step(x, i, 1e-5))) / 2e-5
        ),
        "you return f: return its slope": lambda f, x, i: f(x),
        "you divide by h: the two places are 2 h apart": (
            lambda f, x, i: (f(x + step(x, i, 1e-5)) - f(x - step(x, i, 1e-5))) / 1e-5
        ),
        "your sign is flipped: ahead minus behind": (
            lambda f, x, i: (f(x - step(x, i, 1e-5)) - f(x + step(x, i, 1e-5))) / 2e-5
        ),
        "you move all coordinates, not only x_i": (
            lambda f, x, i: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
        ),
    },
}
