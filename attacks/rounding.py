"""Adversarial images in 8 bits: close to the original ones, and still in the ball.

An image file stores a pixel as an integer k = 0 .. 255, which stands for
low + k (high - low) / 255. The nearest k is up to half a shade away. It may lie outside
the ball, or on the original side of the decision boundary that an attack has crossed.

Shapes: images x, x_adv and shades k (N, H, W, C).
"""

from typing import Any

import numpy as np

from attacks.threat import Threat, clip_to_bounds
from attacks.victims import per_image
from minidl.backend import Array

SAME = 1e-3  # shades: float32 is off by less
HALVINGS = 20  # of t: the last moves a pixel by less than 1e-3 shades


def shades(x: Array, bounds: Any) -> Array:
    """Return pixels on the scale from 0 to 255, unrounded, in float64."""
    low, high = bounds
    return (x.astype(np.float64) - low) * (255 / (high - low))


def pixels(k: Array, x: Array, bounds: Any) -> Array:
    """Return shades as pixels, low + (high - low) k / 255, in the type of x.

    Where k is x's own shade, the pixel is x's to the last bit: L0 counts no change.
    """
    low, high = bounds
    fraction = k.astype(x.dtype) / x.dtype.type(255)
    made = clip_to_bounds(low + (high - low) * fraction, bounds)
    return np.where(abs(k - shades(x, bounds)) < SAME, x, made)


def round_inside(x_adv: Array, x: Array, threat: Threat) -> Array:
    """Return 8-bit images k in the ball, as uint8.

    In Linf each pixel goes to the nearest shade in its interval. In other norms
    x + t (x_adv - x) is rounded, with the largest t that stays in the ball, found by
    bisection. Its many rounding errors nearly cancel, so that t is hardly below 1.
    Raises ValueError if no 8-bit image near x is in the ball: x isn't made of the 256
    shades itself, and eps is too small to reach them.
    """
    to, start = shades(x_adv, threat.bounds), shades(x, threat.bounds)
    if threat.norm == "Linf":
        k = nearest_in_box(to, start, x, threat)
    else:
        k = farthest_in_ball(to, start, x, threat)
    lost = ~threat.contains(pixels(k, x, threat.bounds), x)
    if count := int(lost.sum()):
        raise ValueError(
            f"threat ({threat}) must leave room for 8-bit images: {count} of {len(x)} "
            "images x aren't in 8 bits, and no 8-bit image lies in their ball"
        )
    return k.astype(np.uint8)


def nearest_in_box(to: Array, start: Array, x: Array, threat: Threat) -> Array:
    """Round up or down, to the nearest k with |k - start| <= eps in every pixel.

    Half of the ball's tolerance is used, so that the rounding of x costs no shade.
    """
    low, high = threat.bounds or (0, 1)
    eps = per_image((threat.eps + threat.reach(x)) / 2 * (255 / (high - low)), x)
    return np.clip(np.rint(to), np.ceil(start - eps), np.floor(start + eps))


def farthest_in_ball(to: Array, start: Array, x: Array, threat: Threat) -> Array:
    """Round start + t (to - start), with each image's largest t that stays inside."""
    inside, outside, t = (np.full(len(x), value) for value in (0.0, 1.0, 1.0))
    found = np.rint(start)
    for _ in range(HALVINGS):
        k = np.rint(start + per_image(t, x) * (to - start))
        allowed = threat.contains(pixels(k, x, threat.bounds), x)
        found = np.where(per_image(allowed, x), k, found)
        inside, outside = np.where(allowed, t, inside), np.where(allowed, outside, t)
        t = (inside + outside) / 2
    return found
