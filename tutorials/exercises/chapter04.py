"""Exercises of chapter 4: pooling, dropout, softmax and cross-entropy."""

from functools import partial
from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter04 import (
    cross_entropy,
    cross_entropy_gradient,
    dropout,
    max_pool,
    max_pool_backward,
    softmax,
)

Rng = np.random.Generator


def images(rng: Rng) -> tuple[Any, ...]:
    """x (N, H, W, C), H and W even and different."""
    return (rng.standard_normal((2, 4, 6, 3)),)


def pooled(rng: Rng) -> tuple[Any, ...]:
    """x (N, H, W, C) and dout (N, H/2, W/2, C)."""
    return *images(rng), rng.standard_normal((2, 2, 3, 3))


def masked(rng: Rng) -> tuple[Any, ...]:
    """x, kept (bool) and rate, in float32 or float64."""
    x = rng.standard_normal((4, 5)).astype(rng.choice(["float32", "float64"]))
    rate = float(rng.choice([0.2, 0.3, 0.4]))
    return x, rng.random((4, 5)) >= rate, rate


def logits(rng: Rng) -> tuple[Any, ...]:
    """z (N, K): ordinary ones, and in every other case huge ones."""
    size = rng.choice([1.0, 1000.0])
    return (rng.standard_normal((4, 6)) * size,)


def labelled(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) and y (N,)."""
    (z,) = logits(rng)
    return z, rng.integers(6, size=4)


def some_logits(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) of ordinary size, and y (N,)."""
    N = int(rng.integers(3, 7))
    return rng.standard_normal((N, 5)) * 2, rng.integers(5, size=N)


def blocks(x: Any) -> Any:
    """2x2 windows: (N, H/2, W/2, 2, 2, C)."""
    N, H, W, C = x.shape
    return x.reshape(N, H // 2, 2, W // 2, 2, C).transpose(0, 1, 3, 2, 4, 5)


def spread(dout: Any) -> Any:
    """Each number of dout four times."""
    return dout.repeat(2, axis=1).repeat(2, axis=2)


def onehot(z: Any, y: Any) -> Any:
    """1 at the label."""
    return np.eye(z.shape[1])[y]


def clipped_cross_entropy(z: Any, y: Any, least: float) -> Any:
    """The cross-entropy of probabilities that are kept above a smallest one."""
    return -np.log(np.clip(softmax(z)[np.arange(len(y)), y], least, 1)).mean()


EXERCISES = (
    Exercise(
        "4.1",
        "the maximum of each 2x2 window",
        max_pool,
        images,
        {
            "you take the mean of a window: that is average pooling": (
                lambda x: blocks(x).mean(axis=(3, 4))
            ),
            "you take every other pixel, not the maximum": lambda x: x[:, ::2, ::2],
            "you take the maximum over channels too": (
                lambda x: blocks(x).max(axis=(3, 4, 5), keepdims=True)[..., 0, 0, :]
            ),
            "your windows overlap: they move by 2": lambda x: np.maximum.reduce(
                [x[:, i : i + 3, j : j + 5] for i in range(2) for j in range(2)]
            ),
            "you take the minimum": lambda x: blocks(x).min(axis=(3, 4)),
        },
        (
            "The upper left pixels of all windows are x[:, ::2, ::2].",
            "There are four such slices: np.maximum takes the larger of two arrays.",
        ),
    ),
    Exercise(
        "4.2",
        "dJ/dx of max pooling",
        max_pool_backward,
        pooled,
        {
            "you give all four pixels the gradient: out depends only on the maximum": (
                lambda x, dout: spread(dout)
            ),
            "you share the gradient among four pixels: that is average pooling": (
                lambda x, dout: spread(dout) / 4
            ),
            "the gradient goes to the upper left pixel, not to the maximum": (
                lambda x, dout: spread(dout) * corner(x)
            ),
            "you leave out dout: 1 at each maximum": (
                lambda x, dout: (x == spread(max_pool(x))).astype(x.dtype)
            ),
        },
        (
            "out depends only on the maximum of a window: the other derivatives are 0.",
            "x is the maximum where it equals max_pool(x) repeated along both axes.",
            "np.repeat(np.repeat(dout, 2, axis=1), 2, axis=2), where x is the maximum.",
        ),
    ),
    Exercise(
        "4.3",
        "inverted dropout",
        dropout,
        masked,
        {
            "you don't rescale: divide the features that stay by 1 - rate": (
                lambda x, kept, rate: x * kept
            ),
            "you divide by the rate, not by 1 - rate": (
                lambda x, kept, rate: (x * kept / rate).astype(x.dtype)
            ),
            "you multiply by 1 - rate where you must divide": (
                lambda x, kept, rate: (x * kept * (1 - rate)).astype(x.dtype)
            ),
            "you drop the features that should stay": (
                lambda x, kept, rate: (x * ~kept / (1 - rate)).astype(x.dtype)
            ),
        },
        (
            "Dropped features are 0; the others grow so that the mean stays the same.",
            "A feature stays with probability 1 - rate.",
            "x * kept / (1 - rate) stays float32; kept / (1 - rate) alone is float64.",
        ),
    ),
    Exercise(
        "4.4",
        "the softmax, for huge logits, too",
        softmax,
        logits,
        {
            "you sum over the batch: each row has a sum of its own": lambda z: (
                np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0)
            ),
            "you divide by the sum of everything": (
                lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            ),
            "you return log p": (
                lambda z: z - z.max(1, keepdims=True) - np.log(sums(z))
            ),
            "this divides by the largest, not by the sum": (
                lambda z: np.exp(z - z.max(axis=1, keepdims=True))
            ),
        },
        (
            "keepdims=True keeps a row's sum beside the row.",
            "exp(1000) overflows. Subtracting a row's maximum changes no ratio.",
        ),
    ),
    Exercise(
        "4.5",
        "the cross-entropy of logits, without a logarithm of 0",
        cross_entropy,
        labelled,
        {
            "you sum over the batch: J is a mean": (
                lambda z, y: cross_entropy(z, y) * len(z)
            ),
            "your sign is flipped: J is at least 0": lambda z, y: -cross_entropy(z, y),
            "you divide by the number of classes too": (
                lambda z, y: cross_entropy(z, y) / z.shape[1]
            ),
            "you leave out - z_y": lambda z, y: np.mean(
                z.max(axis=1) + np.log(sums(z)[:, 0])
            ),
            **{
                f"you clip p at {least:g}: where the network is confident and wrong, "
                "J is cut off": partial(clipped_cross_entropy, least=least)
                for least in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)
            },
        },
        (
            "-log p_y = log(sum_j exp z_j) - z_y: no p is needed.",
            "Subtract a row's maximum from z: J doesn't change, exp can't overflow.",
            "z[np.arange(len(y)), y] are the labels' logits.",
        ),
    ),
    Exercise(
        "4.6",
        "its gradient",
        cross_entropy_gradient,
        some_logits,
        {
            "you leave out 1/N: J is a mean over the batch": (
                lambda z, y: softmax(z) - onehot(z, y)
            ),
            "your sign is flipped: p - onehot": (
                lambda z, y: (onehot(z, y) - softmax(z)) / len(z)
            ),
            "you return p: subtract 1 at the label": (lambda z, y: softmax(z) / len(z)),
            "you multiply by p (1 - p) as well": lambda z, y: (
                (softmax(z) - onehot(z, y)) * softmax(z) * (1 - softmax(z)) / len(z)
            ),
            "you subtract the label's number, not its row of zeros and a 1": (
                lambda z, y: (softmax(z) - y[:, None]) / len(z)
            ),
            "you divide by N K: the mean is over images only": (
                lambda z, y: (softmax(z) - onehot(z, y)) / z.size
            ),
        },
        (
            "Differentiate log(sum_j exp z_j) - z_y by z_k.",
            "The first part gives p_k, the second -1 for k = y.",
        ),
    ),
)


def corner(x: Any) -> Any:
    """1 at the upper left of each window."""
    found = np.zeros(x.shape)
    found[:, ::2, ::2] = 1
    return found


def sums(z: Any) -> Any:
    """sum_j exp(z_j - max z) of each row, (N, 1)."""
    return np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
