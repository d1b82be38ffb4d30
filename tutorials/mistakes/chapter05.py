"""Usual wrong answers to chapter 5, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.solutions.chapter05 import adam_step

LR, RATE1, RATE2, EPS = 1e-3, 0.9, 0.999, 1e-8  # Adam's


def adam_with(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    t: int,
    *,
    correct: bool = True,
    inside: bool = False,
) -> Any:
    """Adam, without the bias correction or with eps inside the root."""
    m, v = RATE1 * m + (1 - RATE1) * g, RATE2 * v + (1 - RATE2) * g**2
    mean = m / (1 - RATE1**t) if correct else m
    square = v / (1 - RATE2**t) if correct else v
    root = np.sqrt(square + EPS) if inside else np.sqrt(square) + EPS
    return p - LR * mean / root, m, v


def adam_like(p: Any, g: Any, m: Any, v: Any, t: int, **other: float) -> Any:
    """Adam with other numbers."""
    m, v = RATE1 * m + (1 - RATE1) * g, RATE2 * v + (1 - RATE2) * g**2
    mean = m / other.get("mean", 1 - RATE1**t)
    square = v / other.get("square", 1 - RATE2**t)
    step = other.get("lr", LR) * mean / (np.sqrt(square) + other.get("eps", EPS))
    return p - step, m, v


def adam_swapped(p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """Adam with its two rates swapped."""
    m, v = RATE2 * m + (1 - RATE2) * g, RATE1 * v + (1 - RATE1) * g**2
    root = np.sqrt(v / (1 - RATE1**t)) + EPS
    return p - LR * m / (1 - RATE2**t) / root, m, v


def adam_step_alone(p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """Adam's step in place of the new p."""
    new, m, v = adam_step(p, g, m, v, t)
    return p - new, m, v


def adam_uphill(p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """Adam with the sign of its step flipped."""
    new, m, v = adam_step(p, g, m, v, t)
    return 2 * p - new, m, v


def adam_not_squared(p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """Adam with the mean of |g| where that of g^2 belongs."""
    m, v = RATE1 * m + (1 - RATE1) * g, RATE2 * v + (1 - RATE2) * abs(g)
    root = np.sqrt(v / (1 - RATE2**t)) + EPS
    return p - LR * m / (1 - RATE1**t) / root, m, v


def adam_without_root(p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """Adam that divides by v, not by its root."""
    _, m, v = adam_step(p, g, m, v, t)
    return p - LR * m / (1 - RATE1**t) / (v / (1 - RATE2**t) + EPS), m, v


def adam_hats(p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """Adam that returns the corrected means."""
    new, m, v = adam_step(p, g, m, v, t)
    return new, m / (1 - RATE1**t), v / (1 - RATE2**t)


MISTAKES = {
    "momentum_step": {
        "your sign is flipped: descent goes against the gradient": (
            lambda p, g, v, lr, momentum: (
                p + lr * (momentum * v + g),
                momentum * v + g,
            )
        ),
        "you step with g: p moves along v": (
            lambda p, g, v, lr, momentum: (p - lr * g, momentum * v + g)
        ),
        "you step with the old v": (
            lambda p, g, v, lr, momentum: (p - lr * v, momentum * v + g)
        ),
        "this is a running mean, with 1 - momentum before g": (
            lambda p, g, v, lr, momentum: (
                p - lr * (momentum * v + (1 - momentum) * g),
                momentum * v + (1 - momentum) * g,
            )
        ),
        "lr belongs to the step of p: v = momentum v + g": (
            lambda p, g, v, lr, momentum: (
                p - (momentum * v + lr * g),
                momentum * v + lr * g,
            )
        ),
        "you return the old v: the next step needs the new one": (
            lambda p, g, v, lr, momentum: (p - lr * (momentum * v + g), v)
        ),
        "you leave out momentum: it multiplies the old v": (
            lambda p, g, v, lr, momentum: (p - lr * (v + g), v + g)
        ),
        "you leave out the old v: this is gradient descent without momentum": (
            lambda p, g, v, lr, momentum: (p - lr * g, g)
        ),
        "you leave out lr": lambda p, g, v, lr, momentum: (
            p - (momentum * v + g),
            momentum * v + g,
        ),
        "g is subtracted from v: add it": lambda p, g, v, lr, momentum: (
            p - lr * (momentum * v - g),
            momentum * v - g,
        ),
        "this is Nesterov's momentum, which looks one step ahead": (
            lambda p, g, v, lr, momentum: (
                p - lr * (momentum * (momentum * v + g) + g),
                momentum * v + g,
            )
        ),
        "the two results are in the wrong order: return p, v": (
            lambda p, g, v, lr, momentum: (
                momentum * v + g,
                p - lr * (momentum * v + g),
            )
        ),
        "momentum multiplies the old v, not g": (
            lambda p, g, v, lr, momentum: (
                p - lr * (v + momentum * g),
                v + momentum * g,
            )
        ),
    },
    "adam_step": {
        "you return the step, not p after it": adam_step_alone,
        "you leave out the bias correction: divide by 1 - 0.9^t and 1 - 0.999^t": (
            lambda p, g, m, v, t: adam_with(p, g, m, v, t, correct=False)
        ),
        "eps is inside the root: add it after taking the root": (
            lambda p, g, m, v, t: adam_with(p, g, m, v, t, inside=True)
        ),
        "the two rates are swapped: 0.9 for m, 0.999 for v": adam_swapped,
        "you count steps from 0: t is 1 at the first step": (
            lambda p, g, m, v, t: adam_with(p, g, m, v, t + 1)
        ),
        "you leave out eps: it matters where g is tiny": (
            lambda p, g, m, v, t: adam_like(p, g, m, v, t, eps=0)
        ),
        "the learning rate is 1e-3": (
            lambda p, g, m, v, t: adam_like(p, g, m, v, t, lr=0.01)
        ),
        "the bias of m isn't corrected: divide by 1 - 0.9^t": (
            lambda p, g, m, v, t: adam_like(p, g, m, v, t, mean=1)
        ),
        "the bias of v isn't corrected: divide by 1 - 0.999^t": (
            lambda p, g, m, v, t: adam_like(p, g, m, v, t, square=1)
        ),
        "you correct the bias by 1 - rate: divide by 1 - rate^t": (
            lambda p, g, m, v, t: adam_like(
                p, g, m, v, t, mean=1 - RATE1, square=1 - RATE2
            )
        ),
        "the results are in the wrong order: return p, m, v": (
            lambda p, g, m, v, t: tuple(adam_step(p, g, m, v, t)[i] for i in (0, 2, 1))
        ),
        "v is the mean of g^2, not of |g|": adam_not_squared,
        "you leave out the square root of v": adam_without_root,
        "you return m and v divided by 1 - rate^t: return them as they are": (
            adam_hats
        ),
        "your sign is flipped: descent goes against the gradient": adam_uphill,
    },
    "accuracy": {
        "this is the fraction of images misclassified": (
            lambda z, y: float(np.mean(z.argmax(axis=1) != y))
        ),
        "you return a count: divide by the number of images": (
            lambda z, y: float(np.sum(z.argmax(axis=1) == y))
        ),
        "argmax along axis 0 finds an image for each class: use axis=1": (
            lambda z, y: float(np.mean(np.isin(y, z.argmax(axis=0))))
        ),
        "you compare sorted classes: compare image by image": (
            lambda z, y: float(np.mean(np.sort(z.argmax(axis=1)) == np.sort(y)))
        ),
        "you give a percentage: a fraction is at most 1": (
            lambda z, y: 100 * float(np.mean(z.argmax(axis=1) == y))
        ),
        "you take the smallest logit": (
            lambda z, y: float(np.mean(z.argmin(axis=1) == y))
        ),
        "you check whether the label's logit is positive: it must be the largest": (
            lambda z, y: float(np.mean(z[np.arange(len(y)), y] > 0))
        ),
        "you divide by the number of logits, not of rows": (
            lambda z, y: float(np.sum(z.argmax(axis=1) == y) / z.size)
        ),
    },
}
