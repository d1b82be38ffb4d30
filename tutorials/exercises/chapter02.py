"""Exercises of chapter 2: layers and the chain rule."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def sizes(rng: Rng, count: int) -> list[int]:
    """Different sizes, so that a forgotten transpose can't fit."""
    return [int(n) for n in rng.permutation(np.arange(3, 9))[:count]]


def layer(rng: Rng) -> tuple[Any, ...]:
    """x (N, D), W (D, M), b (M,)."""
    N, (D, M) = draw.batch(rng), sizes(rng, 2)
    normal = rng.standard_normal
    return normal((N, D)), normal((D, M)), normal(M)


def layer_backward(rng: Rng) -> tuple[Any, ...]:
    """x (N, D), W (D, M), dout (N, M)."""
    x, W, _ = layer(rng)
    return x, W, rng.standard_normal((len(x), W.shape[1]))


def rectified(rng: Rng) -> tuple[Any, ...]:
    """x with zeros in it, and dout, in float32 or float64."""
    shape = draw.batch(rng), *sizes(rng, 1)
    dtype = draw.dtype(rng)
    x = rng.integers(-2, 3, size=shape).astype(dtype)
    return x, rng.standard_normal(shape).astype(dtype)


def two_layers(rng: Rng) -> tuple[Any, ...]:
    """x (N, D), W1 (D, H), W2 (H, M), dout (N, M); x W1 is 0 in places."""
    N, (D, H, M) = draw.batch(rng), sizes(rng, 3)
    normal = rng.standard_normal
    x, W1 = (rng.integers(-2, 3, size).astype(float) for size in ((N, D), (D, H)))
    return x, W1, normal((H, M)), normal((N, M))


EXERCISES = (
    Exercise(
        "2.1",
        "linear_forward(x, W, b)",
        "a linear layer forward",
        layer,
        (
            "One row of x makes one row of out; @ does all rows at once.",
            "NumPy adds b (M,) to each row of x W (N, M) automatically.",
        ),
    ),
    Exercise(
        "2.2",
        "linear_backward(x, W, dout)",
        "dJ/dx, dJ/dW and dJ/db of a linear layer",
        layer_backward,
        (
            "out[n, m] = sum over d of x[n, d] W[d, m] + b[m]: which need x[n, d]?",
            "dJ/dx[n, d] = sum over m of dout[n, m] W[d, m]: a product with W^T.",
            "dJ/dW = x.T @ dout; b acts on each row, so dJ/db is the sum over rows.",
        ),
    ),
    Exercise(
        "2.3",
        "relu_backward(x, dout)",
        "dJ/dx of a ReLU",
        rectified,
        (
            "max(x, 0) is x itself, or 0: what are the derivatives of both?",
            "dout passes where x > 0, and is stopped elsewhere.",
        ),
    ),
    Exercise(
        "2.4",
        "two_layers_input_gradient(x, W1, W2, dout)",
        "dJ/dx through two layers and a ReLU",
        two_layers,
        (
            "Go forward first: h = x W1 is needed again on the way back.",
            "Backwards: through W2, then through the ReLU, then through W1.",
            "dh = dout @ W2.T, zeroed where h <= 0; then dx = dh @ W1.T.",
        ),
    ),
)
