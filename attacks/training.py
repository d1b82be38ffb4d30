"""Adversarial training: attacks as `perturb` of `minidl.train`.

    min_theta E max_{|r| <= eps} J(theta, x + r, y)

Training descends, and a few steps of an attack from a random point approximate the
maximum. The attack follows any gradient function: `model_gradient(model)` for one
network, or `mean_probability_gradient(members)`, the ensemble's own gradient, for
members that are trained together.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from attacks.arguments import checked
from attacks.fgsm import fgsm
from attacks.gradients import GradientFn, gradient_of
from attacks.norms import Norm
from attacks.pgd import pgd
from attacks.threat import Bounds, Threat
from attacks.victims import LossFn
from minidl.backend import Array
from minidl.checks import check_number, rules
from minidl.checks.answers import check_function
from minidl.checks.rules import Given, Rule
from minidl.checks.training import Perturb
from minidl.optimizers import Optimizer

Growth: TypeAlias = Callable[[], float]  # the fraction of eps in use, in [0, 1]


def check_growth(name: str, value: Any, given: Given) -> Growth:
    """Return a function whose numbers are checked when they are used."""
    check_function(name, value, "growing(optimizer, steps)")
    return lambda: check_number(f"what {name} returns", value(), "[0, 1]")


def across(name: str, value: Any, given: Given) -> float:
    """Return alpha, which is at most 2 eps, the diameter of the ball."""
    return check_number(name, value, f"(0, {2 * given['eps']}]")


TRAINING: dict[str, Rule] = {"eps": "(0, inf)", "alpha": across, "growth": check_growth}


@checked(**TRAINING)
def pgd_perturb(
    gradient: GradientFn,
    eps: float,
    alpha: float,
    steps: int,
    norm: Norm = "Linf",
    growth: Growth | None = None,
) -> Perturb:
    """The last x_i = P(x_{i-1} + alpha u(grad J(x_{i-1}))); x_0 uniform in the ball.

    u is the norm's steepest direction, and P the projection onto the ball and [0, 1],
    as in `pgd`. Losses are not compared, so that a batch takes exactly `steps`
    gradients. The gradient is taken in evaluation mode: dropout is off. `growth`
    multiplies eps and alpha.

    Shapes: the result takes x (N, H, W, C), y (N,) and returns images like x; eps and
    alpha in pixel units, with 0 < alpha <= 2 eps. With the full eps from the start a
    network may never learn, so that its J stays log K: see `growing`.
    Source: Madry et al., Towards Deep Learning Models Resistant to Adversarial
    Attacks, 2018.
    """
    Threat(norm, eps)  # refuses a bad eps before training

    def perturb(x: Array, y: Array, rng: np.random.Generator) -> Array:
        part = 1.0 if growth is None else growth()
        ball = Threat(norm, part * eps)
        ball.check_room(x[0].size)
        x_adv = ball.random_point(x, rng)
        for _ in range(steps):
            x_adv = ball.step(x_adv, gradient(x_adv, y), x, part * alpha)
        return x_adv

    return perturb


def fgsm_perturb(
    gradient: GradientFn,
    eps: float,
    alpha: float | None = None,
    growth: Growth | None = None,
) -> Perturb:
    """P(x_0 + alpha sign(grad J(x_0))), x_0 uniform in the ball: one gradient a batch.

    alpha is 1.25 eps by default. A network can overfit to this attack catastrophically:
    it then withstands FGSM, but no attack with more steps. See `fgsm_gap`.
    Source: Wong, Rice & Kolter, Fast is Better than Free: Revisiting Adversarial
    Training, 2020, algorithm 3.
    """
    eps = check_number("eps", eps, "(0, inf)")
    alpha = 1.25 * eps if alpha is None else alpha
    return pgd_perturb(gradient, eps, alpha, 1, growth=growth)


@rules.checked(optimizer=Optimizer, steps="count")
def growing(optimizer: Optimizer, steps: int) -> Growth:
    """min(1, (t + 1) / steps), t the steps that the optimizer has taken.

    It must be the optimizer of the training. Its checkpoint saves t, so that resumed
    training continues with the same eps.
    """
    return lambda: min(1.0, (optimizer.t + 1) / steps)


@checked()
def fgsm_gap(
    loss: LossFn,
    x: Array,
    y: Array,
    eps: float,
    alpha: float,
    steps: int,
    bounds: Bounds = (0, 1),
) -> float:
    """Return the accuracy under FGSM minus that under PGD, both without restarts.

    It is small if one step is nearly as strong as many, and near 1 if FGSM training has
    overfitted catastrophically. A callback of `train` can measure it after each epoch,
    on held-out images. `loss` must be above 0 where an image is misclassified, like
    `model_loss(model, margin)`.
    Shapes: x (N, H, W, C), y (N,); eps and alpha in pixel units.
    Source: Wong, Rice & Kolter, 2020, section 5: catastrophic overfitting.
    """
    one_step = fgsm(gradient_of(loss), x, y, eps, bounds)
    many = pgd(loss, x, y, eps, alpha, steps, stop_above=0, bounds=bounds)
    fooled, fooled_by_many = (loss(x_adv, y)[0] > 0 for x_adv in (one_step, many))
    return float(fooled_by_many.mean() - fooled.mean())
