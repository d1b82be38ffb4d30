"""Sizes and types of cases, varied so that no answer can have them hard-coded."""

from typing import Any

import numpy as np


def batch(rng: np.random.Generator) -> int:
    """N, the number of images, often 1."""
    return int(rng.choice([1, 2, 3, 4, 5, 7], p=[0.25, 0.15, 0.15, 0.15, 0.15, 0.15]))


def image_shape(rng: np.random.Generator, least: int = 2) -> tuple[int, ...]:
    """(N, H, W, C): H and W differ, and C is 1, 2 or 3."""
    H, W = rng.permutation(np.arange(least, least + 4))[:2]
    return batch(rng), int(H), int(W), int(rng.integers(1, 4))


def rows(images: Any, x: Any) -> Any:
    """Return which images of x the given ones were made from: the nearest in x.

    So a case's gradient can be asked for some images alone, as a network's can.
    """
    if np.shape(images) == x.shape:
        return np.arange(len(x))
    if np.shape(images)[1:] != x.shape[1:]:
        raise ValueError(
            f"gradient takes images (N, H, W, C), got the shape {np.shape(images)}"
        )
    differences = np.asarray(images)[:, None] - x
    return (differences**2).sum(axis=(2, 3, 4)).argmin(axis=1)


def rows_labelled(images: Any, y: Any, x: Any, labels: Any) -> Any:
    """Return the same rows; raise ValueError if y aren't their labels."""
    found = rows(images, x)
    if not np.array_equal(labels[found], y):
        raise ValueError("the gradient is asked for at labels that aren't y")
    return found


def dtype(rng: np.random.Generator) -> Any:
    """float32 or float64."""
    return rng.choice(["float32", "float64"])
