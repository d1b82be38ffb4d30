"""What attacks track for each image while they search: its best point and weight c."""

import math
import warnings

from minidl.backend import Array, get_array_module

GROWTH = 10.0
LARGEST = 1e10  # c above it doesn't grow: the square of c times a slope would overflow


class Best:
    """The best points x so far, and their values; at first x itself, at -infinity.

    Shapes: x (N, H, W, C), values (N,).
    """

    def __init__(self, x: Array) -> None:
        self.x = x.copy()
        self.values = get_array_module(x).full(len(x), -math.inf, x.dtype)

    def update(self, rows: Array, x: Array, values: Array) -> Array:
        """Keep those points of images `rows` that are better; tell which, (rows,)."""
        better = values > self.values[rows]
        self.x[rows[better]] = x[better]
        self.values[rows[better]] = values[better]
        return better

    def unfinished(self, stop_above: float) -> Array:
        """Return the rows of the images whose value doesn't exceed a threshold."""
        return get_array_module(self.x).flatnonzero(self.values <= stop_above)


class Bisection:
    """A constant c for each image: multiplied by ten until sufficient, then bisected.

    Shapes: c, low, high (N,). low was too small, or is 0 at first; high was sufficient.
    """

    def __init__(self, c: float, x: Array) -> None:
        xp = get_array_module(x)
        self.c = xp.full(len(x), c, x.dtype)
        self.low, self.high = xp.zeros_like(self.c), xp.full_like(self.c, xp.inf)

    def update(self, enough: Array) -> None:
        """Choose the next c, given whether this c was sufficient; (N,) bool."""
        xp = get_array_module(self.c)
        self.high = xp.where(enough, self.c, self.high)
        self.low = xp.where(enough, self.low, self.c)
        known = xp.isfinite(self.high)
        middle = (self.low + xp.where(known, self.high, 0)) / 2
        larger = xp.where(self.c < LARGEST, self.c * GROWTH, self.c)
        self.c = xp.where(known, middle, larger)


def warn_of_missed(
    attack: str, missed: Array, images: int, returned: str = "unchanged"
) -> None:
    """Warn of images on which an attack without eps failed; missed is (N,) bool.

    An evaluation would count these images as robust.
    """
    if count := int(missed.sum()):
        warnings.warn(
            f"{attack} found nothing for {count} of {images} images, which are "
            f"returned {returned}: that is not robustness, search longer",
            stacklevel=4,  # where a user calls the attack
        )
