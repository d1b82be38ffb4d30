"""The momentum iterative method: BIM along an accumulated gradient."""

from attacks.arguments import checked
from attacks.gradients import GradientFn
from attacks.norms import Linf, flat, no_zeros
from attacks.threat import Bounds, Threat
from minidl.backend import Array, get_array_module, rounds_to_zero


@checked()
def mi_fgsm(
    gradient: GradientFn,
    x: Array,
    y: Array,
    eps: float,
    alpha: float,
    steps: int,
    mu: float = 1.0,
    bounds: Bounds = (0, 1),
) -> Array:
    """g_i = mu g_{i-1} + grad J / |grad J|_1;  x_i = clip(x_{i-1} + alpha sign(g_i)).

    |.|_1 sums the absolute values of an image's gradient, so that early and late
    gradients count equally; a gradient of 0 adds nothing.
    Shapes: x (N, H, W, C), y (N,), result like x; eps and alpha in pixel units, with
    0 < alpha <= eps (any alpha >= 0 if eps is 0).
    Source: Dong et al., Boosting Adversarial Attacks with Momentum, 2018, algorithm 1.
    """
    ball, x_adv, g = Threat("Linf", eps, bounds), x, get_array_module(x).zeros_like(x)
    for _ in range(steps):
        g = mu * g + unit_l1(gradient(x_adv, y))
        x_adv = ball.step(x_adv, g, x, alpha)
    return x_adv


@rounds_to_zero
def unit_l1(gradient: Array) -> Array:
    """Return each image's gradient divided by the sum of its absolute values.

    Dividing by the largest entry first keeps the sum from overflowing.
    """
    g = flat(gradient)
    g = g / no_zeros(Linf.length(g)[:, None])
    return (g / no_zeros(Linf.dual(g)[:, None])).reshape(gradient.shape)
