"""The basic iterative method: many small FGSM steps that never leave the ball."""

from attacks.arguments import checked
from attacks.gradients import GradientFn
from attacks.threat import Bounds, Threat
from minidl.backend import Array


@checked()
def bim(
    gradient: GradientFn,
    x: Array,
    y: Array,
    eps: float,
    alpha: float,
    steps: int,
    bounds: Bounds = (0, 1),
) -> Array:
    """x_0 = x, x_i = clip_{x,eps}(x_{i-1} + alpha sign(grad J(theta, x_{i-1}, y))).

    Each x_i is clipped to the range of pixels too.
    Shapes: x (N, H, W, C), y (N,), result like x; eps and alpha in pixel units, with
    0 < alpha <= eps (any alpha >= 0 if eps is 0).
    Source: Kurakin et al., Adversarial Examples in the Physical World, 2017.
    """
    ball, x_adv = Threat("Linf", eps, bounds), x
    for _ in range(steps):
        x_adv = ball.step(x_adv, gradient(x_adv, y), x, alpha)
    return x_adv
