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


def dtype(rng: np.random.Generator) -> Any:
    """float32 or float64."""
    return rng.choice(["float32", "float64"])
