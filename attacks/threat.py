"""Where an adversary may go: a ball around the image, and the range of pixels.

A statement such as "80 % of the images withstand it" means nothing without these: which
distance, how far, within which range, and whether any wrong class will do.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

from attacks.norms import (
    BALLS,
    NORMS,
    PROJECTIONS,
    Norm,
    clip_to_ball,
    distance,
    flat,
)
from minidl.backend import Array, get_array_module
from minidl.checks import check_choice, check_images, check_labels, check_number

__all__ = [
    "Bounds",
    "Threat",
    "check_attack",
    "check_ball",
    "clip_to_ball",
    "clip_to_bounds",
    "project",
]

Bounds: TypeAlias = tuple[float, float] | None  # None: pixels may take any value
ROUNDING = 1e-5  # relative; sums of many float32 squares are off by as much


@dataclass(frozen=True)
class Threat:
    """What an adversary may do to an image: the perturbations |r| <= eps.

    eps is in pixel units, and for L0 a number of pixels. A targeted adversary wants one
    class, an untargeted one any class but the image's own.
    Raises TypeError or ValueError for another norm, a negative eps or bad bounds.
    """

    norm: Norm
    eps: float
    bounds: Bounds = (0, 1)
    targeted: bool = False

    def __post_init__(self) -> None:
        check_choice("norm", self.norm, NORMS)
        check_number("eps", self.eps, 0, math.inf, open_high=True)
        check_bounds(self.bounds)

    def __str__(self) -> str:
        kind = "targeted" if self.targeted else "untargeted"
        within = "" if self.bounds is None else " in [{:g}, {:g}]".format(*self.bounds)
        return f"{kind}, {self.norm} <= {self.eps:g}{within}"

    def distances(self, x_adv: Array, x: Array) -> Array:
        """Return each image's distance from where it started; shape (N,)."""
        return distance(x_adv, x, self.norm)

    def contains(self, x_adv: Array, x: Array) -> Array:
        """Tell for each image whether it is allowed, to rounding; shape (N,) bool."""
        near = self.distances(x_adv, x) <= self.eps + self.rounding(x)
        inside = get_array_module(x_adv).isfinite(x_adv)
        if self.bounds is not None:
            low, high = map(float, self.bounds)  # NumPy's would widen float32
            inside &= (x_adv >= low) & (x_adv <= high)
        return near & flat(inside).all(axis=1)

    def rounding(self, x: Array) -> Array:
        """Return by how much a distance may exceed eps, as pixels are rounded; (N,).

        Float32 rounds x + r in proportion to x: near 255 by more than 1e-6.
        """
        xp = get_array_module(x)
        scale = xp.maximum(abs(flat(x)).max(axis=1), 1)
        if self.norm == "L0":
            scale = xp.ones_like(scale)  # pixels are counted, whatever their size
        return ROUNDING * (self.eps + scale / 10)

    def check(self, x_adv: Array, x: Array) -> None:
        """Raise ValueError unless all images are allowed: an attack must not cheat."""
        if x_adv.shape != x.shape:
            raise ValueError(f"x_adv must have shape {x.shape}, got {x_adv.shape}")
        outside = ~self.contains(x_adv, x)  # a NaN is nowhere inside
        if count := int(outside.sum()):
            raise ValueError(
                f"{count} of {len(x)} images left the threat model ({self}): distances "
                f"up to {float(self.distances(x_adv, x).max()):.6g}, pixels from "
                f"{float(x_adv.min()):.6g} to {float(x_adv.max()):.6g}"
            )

    def fooled(self, predicted: Array, y: Array) -> Array:
        """Tell where the adversary has won: y is the target, or the image's label."""
        return predicted == y if self.targeted else predicted != y


def project(x_adv: Array, x: Array, eps: float, norm: Norm, bounds: Bounds) -> Array:
    """Return x_adv moved into the ball, and then into the range of pixels.

    The second step moves each pixel towards x's, so that it doesn't leave the ball.
    """
    return clip_to_bounds(PROJECTIONS[norm](x_adv, x, eps), bounds)


def clip_to_bounds(x_adv: Array, bounds: Bounds) -> Array:
    """Move each pixel into the range of pixels, if there is one."""
    if bounds is None:
        return x_adv
    return get_array_module(x_adv).clip(x_adv, *map(float, bounds))


def check_attack(
    x: Array, y: Array, eps: float, bounds: Bounds, labels: str = "y"
) -> None:
    """Raise TypeError or ValueError unless an attack can start from these.

    `labels` is y's name: an attack may call it target.
    """
    check_bounds(bounds)
    # An infinite step times a gradient of 0 would be NaN.
    check_number("eps", eps, 0, math.inf, open_high=True)
    check_images("x", x, bounds)
    check_labels(labels, y, len(x))


def check_ball(norm: Norm, eps: float, alpha: float) -> None:
    """Raise unless an attack can walk in this ball with steps of size alpha."""
    check_choice("norm", norm, BALLS)
    most = eps or math.inf  # a ball of radius 0 has no room for any step
    check_number("alpha", alpha, 0, most, open_low=eps > 0, open_high=math.isinf(most))


def check_bounds(bounds: Bounds) -> None:
    """Raise unless bounds are None or two numbers, the lower one first."""
    if bounds is None:
        return
    pair = tuple(bounds) if isinstance(bounds, Iterable) else ()
    if len(pair) != 2 or not all(isinstance(end, Real) for end in pair):
        raise TypeError(
            f"bounds must be two numbers (low, high) or None, got {bounds!r}"
        )
    low, high = pair
    if not low < high:
        raise ValueError(f"bounds must be (low, high) with low < high, got {bounds}")


def check_range(bounds: Bounds) -> None:
    """Raise unless there are bounds, and finite ones, for attacks that need them."""
    check_bounds(bounds)
    if bounds is None or not all(map(math.isfinite, bounds)):
        raise ValueError(
            f"bounds must be (low, high), both finite, got {bounds}: they are needed"
        )


def check_threat(threat: Threat) -> None:
    """Raise TypeError unless it is a threat model: eps alone isn't one."""
    if not isinstance(threat, Threat):
        raise TypeError(
            f"threat must be a threat model, as Threat('Linf', 0.1), got {threat!r}"
        )
