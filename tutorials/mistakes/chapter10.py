"""Usual wrong answers to chapter 10, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.solutions.chapter10 import winograd_1d


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


MISTAKES = {
    "winograd_1d": {
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
    "products_saved": {
        "this is for one dimension: images have two": lambda m, r: m * r / (m + r - 1),
        "this is the inverse: Winograd's products to the direct ones": (
            lambda m, r: ((m + r - 1) / (m * r)) ** 2
        ),
        "a tile has m + r - 1 pixels in a row, not m + r": (
            lambda m, r: (m * r / (m + r)) ** 2
        ),
        "a tile makes m^2 outputs: each of them takes r^2 products": (
            lambda m, r: (r / (m + r - 1)) ** 2
        ),
        "these are Winograd's products: divide the direct ones by them": (
            lambda m, r: (m + r - 1) ** 2
        ),
        "these are the direct products: divide by Winograd's": (
            lambda m, r: (m * r) ** 2
        ),
        "you subtract: divide the direct products by Winograd's": (
            lambda m, r: (m * r) ** 2 - (m + r - 1) ** 2
        ),
        "this is the fraction saved: divide the direct products by Winograd's": (
            lambda m, r: 1 - ((m + r - 1) / (m * r)) ** 2
        ),
        "a tile has m + r - 1 pixels in a row, not m + r + 1": (
            lambda m, r: (m * r / (m + r + 1)) ** 2
        ),
        "each of the m^2 outputs takes r^2 products": (
            lambda m, r: (m / (m + r - 1)) ** 2
        ),
        "brackets are missing around m + r - 1": lambda m, r: m**2 * r**2 / m + r - 1,
        "a tile has (m + r - 1)^2 pixels: the square is missing": (
            lambda m, r: (m * r) ** 2 / (m + r - 1)
        ),
    },
    "im2col_growth": {
        "windows must fit inside: there are (H - K + 1) (W - K + 1) of them": (
            lambda H, W, K: float(K**2)
        ),
        "this counts the matrix's numbers: divide by the image's pixels": (
            lambda H, W, K: float((H - K + 1) * (W - K + 1) * K**2)
        ),
        "a window has K^2 pixels, not K": (
            lambda H, W, K: (H - K + 1) * (W - K + 1) * K / (H * W)
        ),
        "the last window counts, too: H - K + 1 in a column": (
            lambda H, W, K: (H - K) * (W - K) * K**2 / (H * W)
        ),
        "these are the windows: multiply by K^2 pixels, divide by H W": (
            lambda H, W, K: (H - K + 1) * (W - K + 1)
        ),
        "you leave out that each window has K^2 pixels": (
            lambda H, W, K: (H - K + 1) * (W - K + 1) / (H * W)
        ),
        "the image isn't square: W - K + 1 windows lie in a row": (
            lambda H, W, K: (H - K + 1) ** 2 * K**2 / (H * W)
        ),
        "the image isn't square: it has H W pixels": (
            lambda H, W, K: (H - K + 1) ** 2 * K**2 / H**2
        ),
        "windows must fit inside: H - K + 1 in a column, not H + K - 1": (
            lambda H, W, K: (H + K - 1) * (W + K - 1) * K**2 / (H * W)
        ),
        "windows overlap: one starts at each pixel, not at each K-th": (
            lambda H, W, K: (H // K) * (W // K) * K**2 / (H * W)
        ),
        "you divide by the number of windows: divide by the image's pixels": (
            lambda H, W, K: H * W * K**2 / ((H - K + 1) * (W - K + 1))
        ),
    },
}
