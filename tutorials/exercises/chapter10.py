"""Exercises of chapter 10: three speeds."""

from functools import partial
from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise
from tutorials.exercises.products import at_most

Rng = np.random.Generator


def tile(rng: Rng) -> tuple[Any, ...]:
    """Four pixels and three taps."""
    return rng.standard_normal(4), rng.standard_normal(3)


def sizes(rng: Rng) -> tuple[Any, ...]:
    """m outputs in a row, r taps."""
    return int(rng.integers(2, 7)), int(rng.integers(2, 6))


def image(rng: Rng) -> tuple[Any, ...]:
    """Height and width of an image, and of a window."""
    return int(rng.integers(8, 20)), int(rng.integers(21, 33)), int(rng.integers(2, 6))


EXERCISES = (
    Exercise(
        "10.1",
        "winograd_1d(d, g)",
        "two outputs of three taps with four products",
        tile,
        (
            "G g = g_0, (g_0 + g_1 + g_2) / 2, (g_0 - g_1 + g_2) / 2, g_2.",
            "B^T d = d_0 - d_2, d_1 + d_2, d_2 - d_1, d_1 - d_3; multiply one by one.",
            "With the products m: out = m_0 + m_1 + m_2 and m_1 - m_2 - m_3.",
        ),
        accepted=partial(at_most, 4, sizes={"d": 4, "g": 3}),
    ),
    Exercise(
        "10.2",
        "products_saved(m, r)",
        "direct products divided by those of F(m x m, r x r)",
        sizes,
        (
            "Directly, each of m^2 outputs takes r^2 products.",
            "Winograd takes one product for each pixel of a tile, (m + r - 1)^2.",
        ),
    ),
    Exercise(
        "10.3",
        "im2col_growth(H, W, K)",
        "the size of im2col's matrix divided by the image's",
        image,
        (
            "How many windows are there, and how many pixels does each have?",
            "(H - K + 1) (W - K + 1) rows of K^2 numbers, from H W pixels.",
        ),
    ),
)
