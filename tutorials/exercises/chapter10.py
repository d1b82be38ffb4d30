"""Exercises of chapter 10: three speeds."""

from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter10 import im2col_growth, products_saved, winograd_1d

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


def four_products(d: Any, g: Any) -> tuple[Any, ...]:
    """The products of F(2, 3)."""
    half = g.sum() / 2
    return (
        (d[0] - d[2]) * g[0],
        (d[1] + d[2]) * half,
        (d[2] - d[1]) * (half - g[1]),
        (d[1] - d[3]) * g[2],
    )


def gathered(signs: Any) -> Any:
    """Return F(2, 3) that gathers its products with these signs, (2, 4)."""
    return lambda d, g: np.array(signs) @ np.array(four_products(d, g))


class Counted:
    """A number made of pixels, of taps, or of both; products of two such are counted.

    What is made of constants and of one kind alone is a transform, and free.
    """

    __array_priority__ = 1000.0

    def __init__(self, count: list[int], of: frozenset[str]) -> None:
        self.count, self.of = count, of

    def joined(self, other: Any) -> "Counted":
        """Return what a sum is made of."""
        return Counted(self.count, self.of | getattr(other, "of", frozenset()))

    def times(self, other: Any) -> "Counted":
        """Count a product of pixels and taps, unless one factor is a constant."""
        made_of: frozenset[str] = getattr(other, "of", frozenset())
        self.count[0] += bool(made_of) and len(self.of | made_of) > 1
        return self.joined(other)

    __add__ = __radd__ = __sub__ = __rsub__ = joined
    __mul__ = __rmul__ = __truediv__ = times

    def __neg__(self) -> "Counted":
        return self


def at_most_four_products(function: Any) -> str | None:
    """Return how many products of pixels and taps are taken, if more than four.

    An answer that can't compute with these numbers isn't counted.
    """
    count = [0]
    d, g = (
        np.array([Counted(count, frozenset(of)) for _ in range(size)])
        for of, size in (("d", 4), ("g", 3))
    )
    try:
        function(d, g)
    except Exception:
        return None
    if count[0] > 4:
        return f"it takes {count[0]} products of pixels and taps: four are enough"
    return None


EXERCISES = (
    Exercise(
        "10.1",
        "two outputs of three taps with four products",
        winograd_1d,
        tile,
        {
            "only the last product is missing in the second output": (
                gathered([[1, 1, 1, 0], [0, 1, -1, 0]])
            ),
            "the third product is missing in the second output": (
                gathered([[1, 1, 1, 0], [0, 1, 0, -1]])
            ),
            "you flip the filter: out_0 = d_0 g_0 + d_1 g_1 + d_2 g_2": (
                lambda d, g: np.convolve(d, g, "valid")
            ),
            "the last product is subtracted in the second output": (
                gathered([[1, 1, 1, 0], [0, 1, -1, 1]])
            ),
            "the third product is subtracted in the second output": (
                gathered([[1, 1, 1, 0], [0, 1, 1, -1]])
            ),
            "the third product is added in the first output": (
                gathered([[1, 1, -1, 0], [0, 1, -1, -1]])
            ),
            "you leave out the first product in the first output": (
                gathered([[0, 1, 1, 0], [0, 1, -1, -1]])
            ),
            "the outputs are in the wrong order": lambda d, g: winograd_1d(d, g)[::-1],
        },
        (
            "G g = g_0, (g_0 + g_1 + g_2) / 2, (g_0 - g_1 + g_2) / 2, g_2.",
            "B^T d = d_0 - d_2, d_1 + d_2, d_2 - d_1, d_1 - d_3; multiply one by one.",
            "With the products m: out = m_0 + m_1 + m_2 and m_1 - m_2 - m_3.",
        ),
        accepted=at_most_four_products,
    ),
    Exercise(
        "10.2",
        "direct products over those of F(m x m, r x r)",
        products_saved,
        sizes,
        {
            "this is for one dimension: images have two": lambda m, r: (
                m * r / (m + r - 1)
            ),
            "this is the inverse: Winograd's products to the direct ones": (
                lambda m, r: ((m + r - 1) / (m * r)) ** 2
            ),
            "a tile has m + r - 1 pixels in a row, not m + r": (
                lambda m, r: (m * r / (m + r)) ** 2
            ),
            "a tile makes m^2 outputs: each of them takes r^2 products": (
                lambda m, r: (r / (m + r - 1)) ** 2
            ),
        },
        (
            "Directly, each of m^2 outputs takes r^2 products.",
            "Winograd takes one product for each pixel of a tile, (m + r - 1)^2.",
        ),
    ),
    Exercise(
        "10.3",
        "the size of im2col's matrix over that of the image",
        im2col_growth,
        image,
        {
            "windows must fit inside: there are (H - K + 1) (W - K + 1) of them": (
                lambda H, W, K: float(K**2)
            ),
            "this counts the matrix's numbers: divide by those of the image": (
                lambda H, W, K: float((H - K + 1) * (W - K + 1) * K**2)
            ),
            "a window has K^2 pixels, not K": (
                lambda H, W, K: (H - K + 1) * (W - K + 1) * K / (H * W)
            ),
            "the last window counts too: H - K + 1 in a column": (
                lambda H, W, K: (H - K) * (W - K) * K**2 / (H * W)
            ),
        },
        (
            "How many windows are there, and how many pixels has each?",
            "(H - K + 1) (W - K + 1) rows of K^2 numbers, from H W pixels.",
        ),
    ),
)
