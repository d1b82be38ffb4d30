"""Carlini and Wagner's attack: the smallest perturbation, by unconstrained descent."""

import math

from attacks.arguments import checked, finite_bounds
from attacks.norms import distance
from attacks.search import Best, Bisection, warn_of_missed
from attacks.victims import LossFn, per_image
from minidl.backend import Array, get_array_module
from minidl.layers import Parameter
from minidl.optimizers import Adam

# Without this factor, pixels at an end of the range would have w = +-infinity.
ALMOST_ONE = 0.999999


@checked(bounds=finite_bounds)
def carlini_wagner(
    loss: LossFn,
    x: Array,
    y: Array,
    c: float = 1e-3,
    kappa: float = 0.0,
    searches: int = 9,
    steps: int = 1000,
    lr: float = 0.01,
    bounds: tuple[float, float] = (0, 1),
) -> Array:
    """Minimise |x(w) - x|_2^2 + c max(kappa - L(x(w)), 0) over w, by Adam.

    x(w) = (tanh(w) + 1) / 2, scaled to the bounds, is within them for every w. L is a
    margin, above 0 where an image is misclassified; kappa asks for a larger margin. A
    search finds the smallest sufficient c for each image. Returns the closest of all
    points with L > kappa; an image without one is unchanged, with a warning.

    Shapes: x (N, H, W, C), y (N,) labels, or targets for the loss of a targeted margin,
    result like x.
    Source: Carlini & Wagner, Towards Evaluating the Robustness of Neural Networks,
    2017, sections V and VI.
    """
    rows = get_array_module(x).arange(len(x))
    best, weights, into = Best(x), Bisection(c, x), TanhSpace(bounds)
    for _ in range(searches):
        w = Parameter(into.inverse(x))
        optimizer = Adam([w], lr)
        enough = rows < 0
        for _ in range(steps):
            x_adv, slope = into(w.data)
            L, up = loss(x_adv, y)
            won = rows[kappa < L]
            best.update(won, x_adv[won], -distance(x_adv[won], x[won], "L2"))
            enough[won] = True
            force = per_image(weights.c * (kappa > L), x) * up
            w.grad[:] = (2 * (x_adv - x) - force) * slope
            optimizer.step()
        weights.update(enough)
    warn_of_missed("carlini_wagner", best.values == -math.inf, len(x))
    return best.x


class TanhSpace:
    """x(w) = low + (high - low) (tanh(w) + 1) / 2, its derivative, and its inverse."""

    def __init__(self, bounds: tuple[float, float]) -> None:
        self.low, self.high = bounds

    def __call__(self, w: Array) -> tuple[Array, Array]:
        """Return x(w) and dx/dw = (high - low) (1 - tanh^2) / 2."""
        t, width = get_array_module(w).tanh(w), self.high - self.low
        x = self.low + width * (t + 1) / 2
        return x.clip(self.low, self.high), width * (1 - t * t) / 2

    def inverse(self, x: Array) -> Array:
        """Return w = artanh(2 (x - low) / (high - low) - 1), finite at the ends too."""
        t = 2 * (x - self.low) / (self.high - self.low) - 1
        return get_array_module(x).arctanh(t * ALMOST_ONE)
