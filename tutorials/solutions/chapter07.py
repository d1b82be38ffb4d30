"""Solutions of chapter 7: the basic iterative method."""

import attacks
from attacks import GradientFn
from attacks.norms import L2
from minidl.backend import Array


def clip_to_ball(x_adv: Array, x: Array, eps: float) -> Array:
    """Move each pixel of x_adv to within eps of x's."""
    return attacks.clip_to_ball(x_adv, x, eps)


def bim(
    gradient: GradientFn, x: Array, y: Array, eps: float, alpha: float, steps: int
) -> Array:
    """Steps of alpha sign(gradient), each clipped to the ball and to [0, 1]."""
    return attacks.bim(gradient, x, y, eps, alpha, steps)


def l2_project(x_adv: Array, x: Array, eps: float) -> Array:
    """Move each image to within a Euclidean distance of eps of its original."""
    return L2.project(x_adv, x, eps)
