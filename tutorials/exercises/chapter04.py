"""Exercises of chapter 4: pooling, dropout, softmax and cross-entropy."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def images(rng: Rng) -> tuple[Any, ...]:
    """x (N, H, W, C), H and W even and different."""
    N, H, W, C = draw.image_shape(rng)
    x = rng.standard_normal((N, 2 * H, 2 * W, C))
    return (x.astype(draw.dtype(rng)),)


def pooled(rng: Rng) -> tuple[Any, ...]:
    """x (N, H, W, C) and dout (N, H/2, W/2, C)."""
    (x,) = images(rng)
    return x, rng.standard_normal(x[:, ::2, ::2].shape).astype(x.dtype)


def masked(rng: Rng) -> tuple[Any, ...]:
    """x, kept (bool) and rate, in float32 or float64."""
    x = rng.standard_normal((draw.batch(rng), int(rng.integers(3, 8))))
    x = x.astype(draw.dtype(rng))
    rate = float(rng.choice([0.2, 0.3, 0.4]))
    return x, rng.random(x.shape) >= rate, rate


def logits(rng: Rng) -> tuple[Any, ...]:
    """z (N, K): ordinary logits, and in about half of the cases huge ones."""
    size = rng.choice([1.0, 1000.0])
    N, K = draw.batch(rng), int(rng.integers(4, 8))
    return (rng.standard_normal((N, K)) * size,)


def labelled(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) and y (N,)."""
    (z,) = logits(rng)
    return z, rng.integers(z.shape[1], size=len(z))


def some_logits(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) of ordinary size, and y (N,)."""
    N, K = draw.batch(rng), int(rng.integers(4, 8))
    return rng.standard_normal((N, K)) * 2, rng.integers(K, size=N)


EXERCISES = (
    Exercise(
        "4.1",
        "max_pool(x)",
        "the maximum of each 2x2 window",
        images,
        (
            "The upper left pixels of all windows are x[:, ::2, ::2].",
            "There are four such slices: np.maximum takes the larger of two arrays.",
        ),
    ),
    Exercise(
        "4.2",
        "max_pool_backward(x, dout)",
        "dJ/dx of max pooling",
        pooled,
        (
            "out depends only on the maximum of a window: the other derivatives are 0.",
            "x is the maximum where it equals max_pool(x) repeated along both axes.",
            "np.repeat(np.repeat(dout, 2, axis=1), 2, axis=2), where x is the maximum.",
        ),
    ),
    Exercise(
        "4.3",
        "dropout(x, kept, rate)",
        "inverted dropout",
        masked,
        (
            "Dropped features are 0; the others grow so that the mean stays the same.",
            "A feature stays with probability 1 - rate.",
            "x * kept / (1 - rate) stays float32; kept / (1 - rate) alone is float64.",
        ),
        keeps_type=True,
    ),
    Exercise(
        "4.4",
        "softmax(z)",
        "the softmax, for huge logits, too",
        logits,
        (
            "keepdims=True keeps a row's sum beside the row.",
            "exp(1000) overflows. Subtracting a row's maximum changes no ratio.",
        ),
    ),
    Exercise(
        "4.5",
        "cross_entropy(z, y)",
        "the cross-entropy of logits, without a logarithm of 0",
        labelled,
        (
            "-log p_y = log(sum_j exp z_j) - z_y: no p is needed.",
            "Subtract a row's maximum from z: J doesn't change, exp can't overflow.",
            "z[np.arange(len(y)), y] are the labels' logits.",
        ),
    ),
    Exercise(
        "4.6",
        "cross_entropy_gradient(z, y)",
        "its gradient",
        some_logits,
        (
            "Differentiate log(sum_j exp z_j) - z_y by z_k.",
            "The first part gives p_k, the second -1 for k = y.",
        ),
    ),
)
