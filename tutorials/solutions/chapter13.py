"""Solutions of chapter 13: why did my attack fail?"""

import numpy as np

from attacks import Threat
from attacks.diagnosis.causes import correlation as library_correlation
from attacks.diagnosis.subject import log_odds as library_log_odds
from attacks.rounding import round_inside
from minidl.backend import Array


def log_odds(p: Array, y: Array) -> Array:
    """log((1 - p_y) / p_y) of each image, 1 - p_y as the sum of the others; (N,)."""
    return library_log_odds(p, y)


def part_without_gradient(g: Array) -> float:
    """The fraction of the images whose gradient is 0 in every pixel."""
    return float(np.mean(~g.reshape(len(g), -1).any(axis=1)))


def correlation(changes: Array, promised: Array) -> Array:
    """Pearson's correlation over the first axis. Shapes: (R, N) both -> (N,)."""
    return library_correlation(changes, promised)


def repaired_step(
    x_adv: Array, x: Array, gradient: Array, eps: float, alpha: float
) -> Array:
    """One step of BIM: up, into the ball, into the range of pixels."""
    return Threat("Linf", eps).step(x_adv, gradient, x, alpha)


def rounded_inside(x_adv: Array, x: Array, eps: float) -> Array:
    """Round each pixel to the nearest k / 255 inside the ball; like x."""
    return round_inside(x_adv, x, Threat("Linf", eps)) / 255
