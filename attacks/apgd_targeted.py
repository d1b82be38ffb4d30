"""Targeted Auto-PGD: towards each of the strongest other classes in turn."""

import numpy as np

from attacks.apgd import Run
from attacks.arguments import checked
from attacks.losses import margin
from attacks.norms import Norm
from attacks.pgd import start
from attacks.search import Best
from attacks.threat import Bounds, Threat
from attacks.victims import Logits, LossFn
from minidl.backend import Array, get_array_module


@checked()
def apgd_targeted(
    logits: Logits,
    loss: LossFn,
    x: Array,
    y: Array,
    eps: float,
    steps: int = 100,
    norm: Norm = "Linf",
    targets: int = 9,
    rng: np.random.Generator | None = None,
    bounds: Bounds = (0, 1),
) -> Array:
    """APGD towards the class of the second largest logit, of the third, and so on.

    The loss takes targets, like `model_loss(model, targeted_dlr)`, and is above 0 where
    the target is reached. An image is done when x or the best point of a run is
    misclassified, as the target or otherwise; for other images the point of the largest
    margin of these is returned. Takes targets * (steps + 1) gradients, with at most
    K - 1 targets. Each target starts from x, or from a new random point of the ball if
    rng is given.

    Shapes: x (N, H, W, C), y (N,) labels, result like x; eps in pixel units.
    Source: Croce & Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble
    of Diverse Parameter-free Attacks, 2020; this form has been in the standard set of
    their published code, with 9 targets, since August 2020.
    """
    ball, best, z = Threat(norm, eps, bounds), Best(x), logits(x)
    best.update(get_array_module(x).arange(len(x)), x, margin(z, y)[0])
    for target in strongest_others(z, y)[:targets]:
        x_0 = start(ball, x, rng)
        todo = best.unfinished(0)
        if not len(todo):
            break
        run = Run(loss, ball, x[todo], target[todo], x_0[todo])
        run.go(steps, stop_above=0)
        best.update(todo, run.best.x, margin(logits(run.best.x), y[todo])[0])
    return best.x


def strongest_others(z: Array, y: Array) -> Array:
    """Return all classes except the label, the largest logit first; (K - 1, N)."""
    xp = get_array_module(z)
    others = z.copy()
    others[xp.arange(len(z)), y] = -xp.inf
    return (-others).argsort(axis=1)[:, :-1].T
