"""The best point found so far, for each image of a batch."""

import math
import warnings

from minidl.backend import Array, get_array_module


class Best:
    """Points x and their values: where an attack has been, only the best is kept.

    Before any point was seen it is the image itself, at minus infinity.
    Shapes: x (N, H, W, C), values (N,).
    """

    def __init__(self, x: Array) -> None:
        xp = get_array_module(x)
        self.x = x.copy()
        self.values = xp.full(len(x), -math.inf, x.dtype)

    def update(self, rows: Array, x: Array, values: Array) -> Array:
        """Keep those points of images `rows` that are better; tell which, (rows,)."""
        better = values > self.values[rows]
        self.x[rows[better]] = x[better]
        self.values[rows[better]] = values[better]
        return better

    def unfinished(self, stop_above: float) -> Array:
        """Return the rows of the images whose value doesn't exceed a threshold."""
        return get_array_module(self.x).flatnonzero(self.values <= stop_above)


def warn_of_missed(attack: str, missed: Array, images: int, returned: str) -> None:
    """Warn of images that an attack without eps gave up; missed is bool.

    An evaluation would count them as robust.
    """
    if count := int(missed.sum()):
        warnings.warn(
            f"{attack} found nothing for {count} of {images} images, which are "
            f"returned {returned}: that is not robustness, take more steps",
            stacklevel=4,  # where a user calls the attack
        )
