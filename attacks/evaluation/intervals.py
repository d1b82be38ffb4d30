"""The uncertainty of a fraction of images: a 95 % interval around it."""

import math
from typing import NamedTuple

Z = 1.959963984540054  # a normal variable is within +-Z with probability 0.95


class Estimate(NamedTuple):
    """A number and the 95 % interval around it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def wilson(fraction: float, images: int) -> Estimate:
    """Return Wilson's score interval of a fraction of n images.

    It is all p with |fraction - p| <= Z sqrt(p (1 - p) / n), and lies within [0, 1].
    Source: Wilson, Probable Inference, 1927.
    """
    n = images
    centre = (fraction + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n)
    half *= math.sqrt(fraction * (1 - fraction) / n + Z**2 / (4 * n**2))
    low, high = min(fraction, centre - half), max(fraction, centre + half)
    return Estimate(fraction, max(0.0, low), min(1.0, high))
