"""Geometry of perturbations r = x_adv - x: lengths, projections, steepest directions.

Each norm is a class. `Threat` makes a ball from a norm and a radius. L0 has only a
length, because no attack takes steps in its ball.

Shapes: images (N, H, W, C), rows of them (N, D), lengths (N,); all in pixel units.
"""

import math
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_array, check_choice, check_device
from minidl.checks.answers import wide

Norm: TypeAlias = str  # one of NORMS


class Linf:
    """No pixel moves far: |r| = max |r_i|, and the ball is a box."""

    @staticmethod
    def length(r: Array) -> Array:
        """Return max |r_i| of each row."""
        return abs(r).max(axis=1)

    @staticmethod
    def dual(w: Array) -> Array:
        """Return sum |w_i|, the largest <w, r> with |r| = 1."""
        return abs(w).sum(axis=1)

    @staticmethod
    def project(x_adv: Array, x: Array, eps: float) -> Array:
        """clip_{x,eps}: move each pixel of x_adv to within eps of x's."""
        return get_array_module(x).clip(x_adv, x - eps, x + eps)

    @staticmethod
    def direction(g: Array) -> Array:
        """Return the steepest direction r with |r| = 1, the sign of each entry."""
        return get_array_module(g).sign(g)

    @staticmethod
    def random_point(x: Array, eps: float, rng: np.random.Generator) -> Array:
        """Return x plus a perturbation drawn uniformly from the ball."""
        return x + on_device_of(x, rng.uniform(-eps, eps, x.shape))


class L2:
    """The sum of squares is small: |r| = sqrt(sum r_i^2), and the ball is round."""

    @staticmethod
    @rounds_to_zero
    def length(r: Array) -> Array:
        """Return sqrt(sum r_i^2) of each row."""
        return get_array_module(r).sqrt((r * r).sum(axis=1))

    dual = length

    @staticmethod
    def project(x_adv: Array, x: Array, eps: float) -> Array:
        """Return x + r min(1, eps / |r|): r = x_adv - x, shortened if too long."""
        r = flat(x_adv) - flat(x)
        length = L2.length(r)[:, None]
        shorter = get_array_module(x).where(length > eps, eps / no_zeros(length), 1)
        return x + (r * shorter).astype(r.dtype).reshape(x.shape)

    @staticmethod
    @rounds_to_zero
    def direction(g: Array) -> Array:
        """Return the steepest direction r with |r| = 1, g / |g|; 0 where g is 0.

        Dividing by the largest entry first keeps tiny squares from underflowing.
        """
        r = flat(wide(g))
        r = r / no_zeros(Linf.length(r)[:, None])
        return (r / no_zeros(L2.length(r)[:, None])).reshape(g.shape)

    @staticmethod
    def random_point(x: Array, eps: float, rng: np.random.Generator) -> Array:
        """Return x plus a perturbation drawn uniformly from the ball.

        Its direction is that of a normal variable. A ball of radius s has a fraction
        (s / eps)^D of the volume, so the length is s = eps u^(1/D) with u uniform.
        """
        direction = flat(L2.direction(rng.standard_normal(x.shape)))
        s = eps * rng.random(len(x)) ** (1 / x[0].size)
        return x + on_device_of(x, (direction * s[:, None]).reshape(x.shape))


class L0:
    """Few pixels move: |r| counts the r_i that aren't 0, each channel separately."""

    @staticmethod
    def length(r: Array) -> Array:
        """Return how many r_i of each row aren't 0; NaN counts."""
        return (r != 0).sum(axis=1)


BALLS: dict[Norm, type[Linf] | type[L2]] = {"Linf": Linf, "L2": L2}  # for steps
NORMS: dict[Norm, type[Linf] | type[L2] | type[L0]] = {**BALLS, "L0": L0}


def distance(x_adv: Array, x: Array, norm: Norm) -> Array:
    """Return |x_adv - x| of each image, (N,).

    Raises TypeError or ValueError for another norm, for arrays of different shapes, and
    unless one of the arrays holds floats: 1 - 2 is 255 in uint8.
    """
    check_choice("norm", norm, NORMS)
    x_adv, x = check_pair(x_adv, x)
    return NORMS[norm].length(flat(x_adv) - flat(x))


def check_pair(x_adv: Array, x: Array) -> tuple[Array, Array]:
    """Return both, in single precision at least; raise unless x_adv - x is defined.

    In half precision, the sum of squares overflows at a length of 256.
    """
    check_array("x_adv", x_adv)
    check_array("x", x)
    check_device("x_adv", x_adv, x)
    if x_adv.shape != x.shape:
        raise ValueError(f"x_adv must have shape {x.shape}, got {x_adv.shape}")
    if x_adv.dtype.kind + x.dtype.kind not in ("ff", "fu", "uf", "fi", "if"):
        raise TypeError(f"x_adv and x must be floats, got {x_adv.dtype} and {x.dtype}")
    return wide(x_adv), wide(x)


def flat(x: Array) -> Array:
    """Return each image as one row: (N, H, W, C) -> (N, H*W*C)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))  # -1 fails for no images


def no_zeros(values: Array) -> Array:
    """Return the values as divisors, with 1 in place of 0."""
    return get_array_module(values).where(values > 0, values, 1)


def on_device_of(x: Array, drawn: Array) -> Array:
    """Return an array drawn on the host in x's type and on its device."""
    moved: Any = get_array_module(x).asarray(drawn.astype(x.dtype))
    return moved
