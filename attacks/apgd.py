"""Auto-PGD: projected gradient descent that finds its own step size."""

import math

import numpy as np

from attacks.arguments import checked
from attacks.norms import Norm
from attacks.pgd import start
from attacks.search import Best
from attacks.threat import Bounds, Threat
from attacks.victims import LossFn, per_image
from minidl.backend import Array, get_array_module

NEW_PART = 0.75  # weight of the new step; the rest is momentum (the source's alpha)
PROGRESS = 0.75  # of the steps between checkpoints must climb (the source's rho)


@checked()
def apgd(
    loss: LossFn,
    x: Array,
    y: Array,
    eps: float,
    steps: int = 100,
    norm: Norm = "Linf",
    restarts: int = 1,
    rng: np.random.Generator | None = None,
    stop_above: float = math.inf,
    bounds: Bounds = (0, 1),
) -> Array:
    """z = P(x_i + eta u(g_i)); x_{i+1} = P(x_i + 3/4 (z - x_i) + 1/4 (x_i - x_{i-1})).

    g_i is the gradient of L at x_i; u, P, x_0 and `stop_above` are those of `pgd`. Each
    image has its own eta, 2 eps at first. At each of the `checkpoints`, an image that
    makes no progress has its eta halved and goes back to its best point. Returns the
    best point of all restarts; a restart takes steps + 1 gradients.

    Shapes: x (N, H, W, C), y (N,), result like x; eps in pixel units.
    Source: Croce & Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble
    of Diverse Parameter-free Attacks, 2020, algorithm 1.
    """
    ball, best = Threat(norm, eps, bounds), Best(x)
    for _ in range(restarts):
        x_0 = start(ball, x, rng)
        todo = best.unfinished(stop_above)
        if not len(todo):
            break
        run = Run(loss, ball, x[todo], y[todo], x_0[todo])
        run.go(steps, stop_above)
        best.update(todo, run.best.x, run.best.values)
    return best.x


class Run:
    """One run from x_0, with the current and previous point and eta of each image."""

    def __init__(
        self, loss: LossFn, ball: Threat, x: Array, y: Array, x_0: Array
    ) -> None:
        xp = get_array_module(x)
        self.loss, self.ball, self.x, self.y = loss, ball, x, y
        self.x_adv, self.before = x_0, x_0.copy()  # x_i and x_{i-1}
        # At x_i. Copied, because the arrays that a loss returned must not be changed.
        self.values, self.gradient = (a.copy() for a in loss(x_0, y))
        self.eta = xp.full(len(x), 2 * ball.eps, x.dtype)
        self.best, self.best_gradient = Best(x), self.gradient.copy()
        self.best.update(xp.arange(len(x)), x_0, self.values)
        self.climbed = xp.zeros(len(x), int)  # steps upwards since the last checkpoint
        self.halved = xp.ones(len(x), bool)  # whether the last checkpoint halved eta
        self.best_then = self.best.values.copy()

    def go(self, steps: int, stop_above: float) -> None:
        """Take all steps, or fewer if all images are done."""
        last, ends = 0, checkpoints(steps)
        for i in range(1, steps + 1):
            todo = self.best.unfinished(stop_above)
            if not len(todo):
                return
            self.step(todo, NEW_PART if i > 1 else 1.0)
            if i in ends:
                self.check(i - last)
                last = i

    def step(self, todo: Array, part: float) -> None:
        """Move the images `todo` one step, and compute their losses and gradients."""
        x, y, here, before = (
            a[todo] for a in (self.x, self.y, self.x_adv, self.before)
        )
        z = self.ball.step(here, self.gradient[todo], x, per_image(self.eta[todo], x))
        moved = here + part * (z - here) + (1 - part) * (here - before)
        there = self.ball.project(moved, x)
        values, gradient = self.loss(there, y)
        better = self.best.update(todo, there, values)
        self.best_gradient[todo[better]] = gradient[better]
        self.climbed[todo] += values > self.values[todo]
        self.before[todo], self.x_adv[todo] = here, there
        self.values[todo], self.gradient[todo] = values, gradient

    def check(self, steps: int) -> None:
        """Halve eta of images without progress, and return to their best points.

        An image makes no progress if too few of the latest steps climbed, or if its
        best loss stayed the same although the last checkpoint did not halve eta.
        """
        stuck = self.climbed < PROGRESS * steps
        stuck |= ~self.halved & (self.best.values <= self.best_then)
        self.eta[stuck] /= 2
        self.x_adv[stuck] = self.best.x[stuck]
        self.values[stuck] = self.best.values[stuck]
        self.gradient[stuck] = self.best_gradient[stuck]
        self.halved, self.best_then = stuck, self.best.values.copy()
        self.climbed[:] = 0


def checkpoints(steps: int) -> list[int]:
    """Return the steps w_j = ceil(p_j steps) after which the step size is reviewed.

    p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06); computed in
    hundredths, because integers are exact.
    """
    p = [0, 22]
    while p[-1] < 100:
        p.append(p[-1] + max(p[-1] - p[-2] - 3, 6))
    return [-(-p_j * steps // 100) for p_j in p[1:-1]]
