"""Exercises of chapter 3: convolution as a matrix product."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def lengths(rng: Rng) -> tuple[Any, ...]:
    """length, kernel, stride, pad; the windows don't always end at the edge."""
    length, kernel = int(rng.integers(8, 30)), int(rng.integers(1, 6))
    return length, kernel, int(rng.integers(1, 5)), int(rng.integers(0, 4))


def signal(rng: Rng) -> tuple[Any, ...]:
    """A signal x (W,) and a window's width."""
    x = rng.standard_normal(int(rng.integers(5, 14)))
    return x, int(rng.integers(1, 5))


def columns(rng: Rng) -> tuple[Any, ...]:
    """col (W - kernel + 1, kernel) and W."""
    x, kernel = signal(rng)
    return rng.standard_normal((len(x) - kernel + 1, kernel)), len(x)


def images(rng: Rng) -> tuple[Any, ...]:
    """x (N, H, W, C) and filters W (KH, KW, C, F)."""
    shape = draw.image_shape(rng, least=4)
    KH, KW, F = (int(size) for size in rng.integers(1, 5, size=3))
    W = rng.standard_normal((KH, KW, shape[3], F))
    return rng.standard_normal(shape), W


EXERCISES = (
    Exercise(
        "3.1",
        "output_length(length, kernel, stride, pad)",
        "how many windows fit into a row",
        lengths,
        (
            "Without stride and padding, a window of 3 fits into 5 pixels 3 times.",
            "The first window begins at 0, the last one ends at length + 2 pad.",
            "(length + 2 pad - kernel) // stride + 1.",
        ),
    ),
    Exercise(
        "3.2",
        "im2col_1d(x, kernel)",
        "all windows of a signal as rows",
        signal,
        (
            "Row i is x[i : i + kernel].",
            "There are W - kernel + 1 of them: np.stack makes a matrix of a list.",
        ),
    ),
    Exercise(
        "3.3",
        "col2im_1d(col, width)",
        "windows added back: the transpose of im2col",
        columns,
        (
            "im2col copied pixel j into every window that contains it. How many?",
            "A gradient arrives from each of its copies, and they add up.",
            "x = np.zeros(width); for each row i: x[i : i + kernel] += col[i].",
        ),
    ),
    Exercise(
        "3.4",
        "convolve(x, W)",
        "a convolution of images as one matrix product",
        images,
        (
            "out[n, h, w, f] sums x[n, h + i, w + j, c] W[i, j, c, f] over i, j, c.",
            "All windows as rows, im2col(x): then it is a product with W as a matrix.",
            "kernels.im2col makes them; reshape the product to (N, OH, OW, F).",
        ),
    ),
)
