"""Geometry of perturbations r = x_adv - x: how long they are, and which way is up.

For each norm that an attack can walk in, Linf (no pixel moves far) and L2 (the sum of
squares is small): the ball around an image, the steepest direction of a step, and a
random point to start from. L0 (few pixels move) has a distance only.

Shapes: images (N, H, W, C), distances (N,); all in pixel units.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_array, check_choice, check_device, check_number

Norm: TypeAlias = str  # one of NORMS

NORMS = ("Linf", "L2", "L0")
BALLS = ("Linf", "L2")  # those that an attack can walk in


def distance(x_adv: Array, x: Array, norm: Norm) -> Array:
    """Return |x_adv - x| of each image.

    Linf: the largest change of a pixel. L2: the root of the sum of squares. L0: how
    many pixels differ, each channel of a coloured image being one. Raises TypeError or
    ValueError for another norm, arrays of other shapes, and unless one of the two holds
    floats: 1 - 2 is 255 in uint8.
    """
    check_choice("norm", norm, NORMS)
    check_pair(x_adv, x)
    r = abs(flat(x_adv) - flat(x))
    if norm == "Linf":
        return r.max(axis=1)
    if norm == "L2":
        return lengths(r)[:, 0]
    return (r != 0).sum(axis=1)  # a NaN is a change


def check_pair(x_adv: Array, x: Array) -> None:
    """Raise TypeError or ValueError unless one can be subtracted from the other."""
    check_array("x_adv", x_adv)
    check_array("x", x)
    check_device("x_adv", x_adv, x)
    if x_adv.shape != x.shape:
        raise ValueError(f"x_adv must have shape {x.shape}, got {x_adv.shape}")
    if x_adv.dtype.kind + x.dtype.kind not in ("ff", "fu", "uf", "fi", "if"):
        raise TypeError(f"x_adv and x must be floats, got {x_adv.dtype} and {x.dtype}")


def clip_to_ball(x_adv: Array, x: Array, eps: float) -> Array:
    """clip_{x,eps}: move each pixel of x_adv to within eps of x's.

    Shapes: all (N, H, W, C), eps in pixel units.
    Raises TypeError or ValueError for other shapes, and for eps < 0.
    Source: the paper, section 2.
    """
    check_pair(x_adv, x)
    check_number("eps", eps, 0, math.inf, open_high=True)
    eps = float(eps)  # a NumPy float64 would turn float32 images into float64
    return get_array_module(x).clip(x_adv, x - eps, x + eps)


def shrink_to_ball(x_adv: Array, x: Array, eps: float) -> Array:
    """Return x + r min(1, eps / |r|): r = x_adv - x, shortened where it is too long."""
    r = flat(x_adv) - flat(x)
    norm = lengths(r)
    shorter = get_array_module(x).where(norm > eps, float(eps) / no_zeros(norm), 1)
    return x + (r * shorter).astype(x.dtype).reshape(x.shape)


def sign(gradient: Array) -> Array:
    """Return the direction of norm 1 in Linf that climbs fastest: each pixel's sign."""
    return get_array_module(gradient).sign(gradient)


@rounds_to_zero
def unit_vectors(gradient: Array) -> Array:
    """Return the direction of norm 1 in L2 that climbs fastest, g / |g|; 0 if g is.

    First divided by its largest entry: the square of a tiny one would underflow.
    """
    g = flat(gradient)
    scaled = g / no_zeros(abs(g).max(axis=1)[:, None])
    return (scaled / no_zeros(lengths(scaled))).reshape(gradient.shape)


def point_in_cube(x: Array, eps: float, rng: np.random.Generator) -> Array:
    """Return x plus a perturbation drawn uniformly from Linf's ball."""
    return x + on_device_of(x, rng.uniform(-eps, eps, x.shape))


def point_in_ball(x: Array, eps: float, rng: np.random.Generator) -> Array:
    """Return x plus a perturbation drawn uniformly from L2's ball.

    Its direction is that of a normal variable; the ball of radius s has a part
    (s / eps)^D of the volume, so that s = eps u^(1/D) with u uniform.
    """
    D = x[0].size
    direction = flat(unit_vectors(rng.standard_normal(x.shape)))
    s = eps * rng.random(len(x)) ** (1 / D)
    return x + on_device_of(x, (direction * s[:, None]).reshape(x.shape))


PROJECTIONS: dict[Norm, Callable[[Array, Array, float], Array]] = {
    "Linf": clip_to_ball,
    "L2": shrink_to_ball,
}
DIRECTIONS: dict[Norm, Callable[[Array], Array]] = {"Linf": sign, "L2": unit_vectors}
STARTS: dict[Norm, Callable[[Array, float, np.random.Generator], Array]] = {
    "Linf": point_in_cube,
    "L2": point_in_ball,
}


def flat(x: Array) -> Array:
    """Return each image as one row: (N, H, W, C) -> (N, H*W*C)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))  # -1 fails for no images


@rounds_to_zero
def lengths(rows: Array) -> Array:
    """Return the Euclidean length of each row, (N, D) -> (N, 1)."""
    xp = get_array_module(rows)
    return xp.sqrt((rows * rows).sum(axis=1))[:, None]


def no_zeros(values: Array) -> Array:
    """Return divisors: values, with 1 for those that are 0."""
    return get_array_module(values).where(values > 0, values, 1)


def on_device_of(x: Array, drawn: Array) -> Array:
    """Return what was drawn on the host in x's type and on its device."""
    moved: Any = get_array_module(x).asarray(drawn.astype(x.dtype))
    return moved
