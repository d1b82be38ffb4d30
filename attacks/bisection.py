"""How much weight an attack must get: for each image, the least that is enough."""

from minidl.backend import Array, get_array_module

GROWTH = 10.0


class Bisection:
    """A constant c for each image: times ten until it is enough, then halfway between.

    Shapes: c, low, high (N,); c > low was too little, c = high enough.
    """

    def __init__(self, c: float, x: Array) -> None:
        xp = get_array_module(x)
        self.c = xp.full(len(x), c, x.dtype)
        self.low, self.high = xp.zeros_like(self.c), xp.full_like(self.c, xp.inf)

    def update(self, enough: Array) -> None:
        """Choose the next c, from whether this one was enough; (N,) bool."""
        xp = get_array_module(self.c)
        self.high = xp.where(enough, self.c, self.high)
        self.low = xp.where(enough, self.low, self.c)
        known = xp.isfinite(self.high)
        middle = (self.low + xp.where(known, self.high, 0)) / 2
        self.c = xp.where(known, middle, self.c * GROWTH)
