"""The fast gradient sign method: one step of size eps, uphill in the cost."""

from attacks.arguments import checked
from attacks.gradients import GradientFn
from attacks.threat import Bounds, Threat
from minidl.backend import Array


@checked()
def fgsm(
    gradient: GradientFn, x: Array, y: Array, eps: float, bounds: Bounds = (0, 1)
) -> Array:
    """x_FGSM = x + eps sign(grad_x J(theta, x, y)), clipped to the range of pixels.

    Shapes: x (N, H, W, C), y (N,), result like x; eps in pixel units.
    Source: Goodfellow et al., Explaining and Harnessing Adversarial Examples, 2015.
    """
    return Threat("Linf", eps, bounds).step(x, gradient(x, y), x, alpha=eps)
