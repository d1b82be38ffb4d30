"""Where an adversary may go: a ball around the image, and the range of pixels."""

import math
from typing import TypeAlias

from minidl.backend import Array, get_array_module
from minidl.checks import check_images, check_labels, check_number

Bounds: TypeAlias = tuple[float, float] | None  # None: pixels may take any value


def clip_to_ball(x_adv: Array, x: Array, eps: float) -> Array:
    """clip_{x,eps}: move each pixel of x_adv to within eps of x's.

    Shapes: all (N, H, W, C), eps in pixel units.
    Source: the paper, section 2.
    """
    eps = float(eps)  # a NumPy float64 would turn float32 images into float64
    return get_array_module(x).clip(x_adv, x - eps, x + eps)


def clip_to_bounds(x_adv: Array, bounds: Bounds) -> Array:
    """Move each pixel into the range of pixels, if there is one."""
    if bounds is None:
        return x_adv
    return get_array_module(x_adv).clip(x_adv, *map(float, bounds))


def check_attack(x: Array, y: Array, eps: float, bounds: Bounds) -> None:
    """Raise TypeError or ValueError unless an attack can start from these."""
    check_bounds(bounds)
    # An infinite step times a gradient of 0 would be NaN.
    check_number("eps", eps, 0, math.inf, open_high=True)
    check_images("x", x, bounds)
    check_labels("y", y, len(x))


def check_bounds(bounds: Bounds) -> None:
    """Raise unless bounds are None or two numbers, the lower one first."""
    if bounds is None:
        return
    try:
        low, high = map(float, bounds)
    except (TypeError, ValueError):
        raise TypeError(
            f"bounds must be two numbers (low, high) or None, got {bounds!r}"
        ) from None
    if not low < high:
        raise ValueError(f"bounds must be (low, high) with low < high, got {bounds}")
