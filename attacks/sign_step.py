"""The step that FGSM takes once and BIM many times."""

from attacks.threat import Bounds, clip_to_ball, clip_to_bounds
from minidl import kernels
from minidl.backend import Array, get_array_module


def sign_step(
    x_adv: Array, gradient: Array, x: Array, alpha: float, eps: float, bounds: Bounds
) -> Array:
    """clip_{x,eps}(x_adv + alpha sign(gradient)), clipped to the range of pixels too.

    On a GPU it is one kernel instead of eight, if all are of one type. Shapes: all
    (N, H, W, C).
    """
    fused = kernels.gpu_kernel("sign_step", x)
    if fused and x_adv.dtype == gradient.dtype == x.dtype:
        return fused(x_adv, gradient, x, alpha, eps, bounds)
    step = alpha * get_array_module(x).sign(gradient)
    moved = clip_to_ball(x_adv + step.astype(x.dtype), x, eps)
    return clip_to_bounds(moved, bounds)
