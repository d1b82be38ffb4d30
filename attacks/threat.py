"""The threat model: a ball around the image, the range of pixels, and the goal.

A claim such as "80 % of the images withstand the attack" means nothing without the
norm, the radius, the range of pixels, and whether any wrong class will do.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from attacks.norms import BALLS, L2, NORMS, Linf, Norm, check_pair, distance, flat
from minidl import kernels
from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_bounds, check_choice, check_label_array
from minidl.checks.settings import setting

Bounds: TypeAlias = tuple[float, float] | None  # None: pixels may take any value
ROUNDING = 1e-5  # relative; sums of many float32 squares are off by as much


@dataclass(frozen=True)
class Threat:
    """What an adversary may do to an image: the perturbations |r| <= eps.

    eps is in pixel units, and for L0 a number of pixels, each channel counted. A
    targeted adversary wants one certain class, an untargeted adversary any class but
    the image's own.
    Raises TypeError or ValueError for another norm, bad bounds, an eps that is
    negative, and in Linf an eps beyond the width of the bounds.
    Shapes: images x, x_adv and gradients g (N, H, W, C).
    """

    norm: Norm = setting(NORMS)
    eps: float = setting("[0, inf)")  # Python's float: NumPy's would widen float32
    bounds: Bounds = setting("bounds", (0, 1))
    targeted: bool = setting(bool, False)

    def __post_init__(self) -> None:
        if self.norm == "Linf":
            self.check_room(D=1)

    def __str__(self) -> str:
        kind = "targeted" if self.targeted else "untargeted"
        within = "" if self.bounds is None else " in [{:g}, {:g}]".format(*self.bounds)
        return f"{kind}, {self.norm} <= {self.eps:g}{within}"

    @property
    def ball(self) -> type[Linf] | type[L2]:
        """The norm's geometry; ValueError for L0, which has only a distance."""
        check_choice("norm", self.norm, BALLS)
        return BALLS[self.norm]

    def direction(self, g: Array) -> Array:
        """Return the steepest direction of norm 1 along a gradient."""
        return self.ball.direction(g)

    def project(self, x_adv: Array, x: Array) -> Array:
        """Return x_adv moved into the ball, and then into the range of pixels.

        The second step moves each pixel towards x's, so that it doesn't leave the ball.
        """
        x_adv, x = check_pair(x_adv, x)
        return clip_to_bounds(self.ball.project(x_adv, x, self.eps), self.bounds)

    def step(self, x_adv: Array, g: Array, x: Array, alpha: float | Array) -> Array:
        """project(x_adv + alpha direction(g)): uphill, and never out of the ball.

        alpha is one number, or one for each image, (N, 1, 1, 1).
        """
        if self.norm == "Linf" and isinstance(alpha, float):  # in one pass on a GPU
            return kernels.sign_step(x_adv, g, x, alpha, self.eps, self.bounds)
        real = get_array_module(x).result_type(x_adv, x)  # bytes would cut the step
        move = (alpha * self.direction(g)).astype(real)
        return self.project(x_adv + move, x)

    def random_point(self, x: Array, rng: np.random.Generator) -> Array:
        """Return a point drawn uniformly from the ball, in the range of pixels."""
        return self.project(self.ball.random_point(x, self.eps, rng), x)

    def distances(self, x_adv: Array, x: Array) -> Array:
        """Return each image's distance from where it started; shape (N,)."""
        return distance(x_adv, x, self.norm)

    def reach(self, x: Array) -> Array:
        """Return how far from x an image may be: eps plus a rounding tolerance; (N,).

        Float32 rounds x + r in proportion to x, by more than 1e-6 near 255.
        """
        xp = get_array_module(x)
        scale = xp.maximum(abs(flat(x)).max(axis=1), 1)
        if self.norm == "L0":
            scale = xp.ones_like(scale)  # pixels are counted, whatever their size
        return self.eps + ROUNDING * (self.eps + scale / 10)

    def contains(self, x_adv: Array, x: Array) -> Array:
        """Tell which images are allowed, up to rounding; shape (N,) bool."""
        xp, (x_adv, x) = get_array_module(x), check_pair(x_adv, x)
        near = self.distances(x_adv, x) <= self.reach(x)
        inside = xp.isfinite(x_adv)
        if self.bounds is not None:
            low, high = self.bounds
            inside &= (x_adv >= low) & (x_adv <= high)
        return near & flat(inside).all(axis=1)

    def check(self, x_adv: Array, x: Array, name: str = "x_adv") -> None:
        """Raise ValueError unless all images are allowed: an attack must not cheat."""
        outside = ~self.contains(x_adv, x)  # a NaN is nowhere inside
        if count := int(outside.sum()):
            raise ValueError(
                f"{name}: {count} of {len(x)} images left the threat model ({self}): "
                f"distances up to {float(self.distances(x_adv, x).max()):.6g}, pixels "
                f"from {float(x_adv.min()):.6g} to {float(x_adv.max()):.6g}"
            )

    def check_room(self, D: int) -> None:
        """Raise ValueError if the ball is larger than the range of images of D pixels.

        Such a ball allows any image; usually eps = 8/255 was meant.
        """
        if self.bounds is None or self.norm == "L0":
            return
        low, high = self.bounds
        most = (high - low) * (math.sqrt(D) if self.norm == "L2" else 1)
        if self.eps > most * (1 + ROUNDING):
            raise ValueError(
                f"eps must be at most {most:g}, the largest distance in [{low:g}, "
                f"{high:g}], got {self.eps:g}: it is in pixel units, 8/255 for 8 "
                "shades of 255"
            )

    def fooled(self, predicted: Array, y: Array) -> Array:
        """Tell where the adversary has won; y holds the targets, or else the labels.

        Raises TypeError or ValueError unless both hold integers (N,): a column would be
        compared with each of the others.
        """
        check_label_array("y", y, np.size(y))
        check_label_array("predicted", predicted, len(y))
        return predicted == y if self.targeted else predicted != y


def clip_to_ball(x_adv: Array, x: Array, eps: float) -> Array:
    """clip_{x,eps}: move each pixel of x_adv to within eps of x's.

    Shapes: all (N, H, W, C), eps in pixel units.
    Raises TypeError or ValueError for other shapes, and for eps < 0.
    Source: the paper, section 2.
    """
    return Threat("Linf", eps, bounds=None).project(x_adv, x)


def clip_to_bounds(x_adv: Array, bounds: Bounds) -> Array:
    """Clip each pixel to the bounds, if there are any.

    Raises TypeError or ValueError for bad bounds, and unless x_adv is an array.
    """
    check_array("x_adv", x_adv)
    pair = check_bounds("bounds", bounds)
    return x_adv if pair is None else get_array_module(x_adv).clip(x_adv, *pair)
