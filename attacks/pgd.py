"""Projected gradient descent: BIM from random points, in the Linf or L2 ball."""

import math

import numpy as np

from attacks.arguments import checked
from attacks.norms import Norm
from attacks.search import Best
from attacks.threat import Bounds, Threat
from attacks.victims import LossFn
from minidl.backend import Array


@checked()
def pgd(
    loss: LossFn,
    x: Array,
    y: Array,
    eps: float,
    alpha: float,
    steps: int,
    norm: Norm = "Linf",
    restarts: int = 1,
    rng: np.random.Generator | None = None,
    stop_above: float = math.inf,
    bounds: Bounds = (0, 1),
) -> Array:
    """x_i = P(x_{i-1} + alpha u(grad L(x_{i-1}))), the best of all x_i of all restarts.

    u is the norm's steepest direction, sign(g) for Linf and g / |g| for L2, and P the
    projection onto the ball and the range of pixels. x_0 is drawn uniformly from the
    ball if rng is given, otherwise it is x. An image is done when its loss exceeds
    `stop_above`: with 0 for a margin, or log K for cross-entropy (p_y < 1/K), it is
    then misclassified. The best point by cross-entropy may be classified correctly
    although a worse point is not; with margin or dlr this can't happen. A restart takes
    steps + 1 gradients, the last for the loss of the last point.

    Shapes: x (N, H, W, C), y (N,), result like x; eps and alpha in pixel units, with
    0 < alpha <= eps (any alpha >= 0 if eps is 0). ValueError for restarts without rng,
    which would all be the same.
    Source: Madry et al., Towards Deep Learning Models Resistant to Adversarial
    Attacks, 2018.
    """
    ball, best = Threat(norm, eps, bounds), Best(x)
    for _ in range(restarts):
        x_adv = start(ball, x, rng)
        for _ in range(steps + 1):
            todo = best.unfinished(stop_above)
            if not len(todo):
                return best.x
            values, gradient = loss(x_adv[todo], y[todo])
            best.update(todo, x_adv[todo], values)
            x_adv[todo] = ball.step(x_adv[todo], gradient, x[todo], alpha)
    return best.x


def start(ball: Threat, x: Array, rng: np.random.Generator | None) -> Array:
    """Return a new array of starting points: random in the ball, or x without rng.

    Points are drawn for the whole batch, so they don't depend on which images are done.
    """
    return x.copy() if rng is None else ball.random_point(x, rng)
