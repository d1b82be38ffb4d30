"""Adversarial training: attacks as `perturb` of `minidl.train`.

    min_theta E max_{|r| <= eps} J(theta, x + r, y)

Training descends, and a few steps of an attack from a random point stand in for the
maximum. Whose gradient the attack follows is the choice that attacks have anyway:
`model_gradient(model)` for one network, or for members that are trained together
`mean_probability_gradient(members)`, the ensemble's own.
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
from minidl import rules
from minidl.answers import check_function
from minidl.backend import Array
from minidl.checks import check_number
from minidl.optimizers import Optimizer
from minidl.rules import Given, Rule
from minidl.training_checks import Perturb

Growth: TypeAlias = Callable[[], float]  # the part of eps that is in use, in [0, 1]


def check_growth(name: str, value: Any, given: Given) -> Growth:
    """Return a function whose numbers are looked at when they are used."""
    check_function(name, value, "growing(optimizer, steps)")
    return lambda: check_number(f"what {name} returns", value(), "[0, 1]")


def across(name: str, value: Any, given: Given) -> float:
    """Return alpha: at most 2 eps, the way across the ball."""
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
    """x_0 uniform in the ball, x_i = P(x_{i-1} + alpha u(grad J(x_{i-1}))): the last.

    u is the norm's steepest direction, and P the projection onto the ball and [0, 1],
    as in `pgd`; but no loss is compared, so that a batch takes `steps` gradients and
    not one more. The gradient is taken in evaluation mode: dropout is off. `growth`
    multiplies eps and alpha.

    Shapes: the result takes x (N, H, W, C), y (N,) and returns images like x; eps and
    alpha in pixel units, with 0 < alpha <= 2 eps. At full eps from the start a network
    may never learn: its J stays log K. See `growing`.
    Source: Madry et al., Towards Deep Learning Models Resistant to Adversarial
    Attacks, 2018.
    """
    Threat(norm, eps)  # an eps that it refuses is refused before training

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

    alpha is 1.25 eps if it isn't given. A network can overfit to it catastrophically:
    it withstands FGSM, and no attack of more steps: see `fgsm_gap`.
    Source: Wong, Rice & Kolter, Fast is Better than Free: Revisiting Adversarial
    Training, 2020, algorithm 3.
    """
    eps = check_number("eps", eps, "(0, inf)")
    alpha = 1.25 * eps if alpha is None else alpha
    return pgd_perturb(gradient, eps, alpha, 1, growth=growth)


@rules.checked(optimizer=Optimizer, steps="count")
def growing(optimizer: Optimizer, steps: int) -> Growth:
    """min(1, (t + 1) / steps), t the steps that the optimizer has taken.

    The optimizer, which must be the one that trains, counts them, and its checkpoint
    keeps them: training that was interrupted goes on with the same eps.
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

    It is small where one step is nearly as strong as many. Where FGSM training has
    overfitted catastrophically it is near 1: a callback of `train` can look after each
    epoch, on images that the network isn't trained on. `loss` is above 0 where an image
    is misclassified, as `model_loss(model, margin)` is.
    Shapes: x (N, H, W, C), y (N,); eps and alpha in pixel units.
    Source: Wong, Rice & Kolter, 2020, section 5: catastrophic overfitting.
    """
    one_step = fgsm(gradient_of(loss), x, y, eps, bounds)
    many = pgd(loss, x, y, eps, alpha, steps, stop_above=0, bounds=bounds)
    fooled, fooled_by_many = (loss(x_adv, y)[0] > 0 for x_adv in (one_step, many))
    return float(fooled_by_many.mean() - fooled.mean())
