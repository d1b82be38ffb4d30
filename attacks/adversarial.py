"""Adversarial training as part of a job's description, `MemberJob.perturb`."""

from collections.abc import Sequence
from dataclasses import dataclass

from attacks.gradients import mean_probability_gradient, model_gradient
from attacks.threat import Threat
from attacks.training import growing, pgd_perturb
from minidl.checks import check_number
from minidl.checks.settings import setting
from minidl.checks.training import Perturb
from minidl.layers import Sequential
from minidl.optimizers import Optimizer


@dataclass(frozen=True)
class Adversarial:
    """PGD with some steps from a random start, or FGSM with one: see `pgd_perturb`.

    A single network is attacked along its own gradient, networks trained together along
    the gradient of their ensemble's prediction.

    eps and alpha in pixel units. eps grows during the first fraction `growth` of all
    training steps; if `growth` is 0, eps is full from the first step.
    """

    eps: float = setting("(0, inf)")
    alpha: float = setting("(0, inf)")
    steps: int = setting("count", 7)
    growth: float = setting("[0, 1]", 0.5)

    def __post_init__(self) -> None:
        Threat("Linf", self.eps)
        check_number("alpha", self.alpha, f"(0, {2 * self.eps}]")

    def __call__(
        self, members: Sequence[Sequential], optimizer: Optimizer, steps: int
    ) -> Perturb:
        """Return the perturbation for networks that are trained for so many steps."""
        one = len(members) == 1
        gradient = (
            model_gradient(members[0]) if one else mean_probability_gradient(members)
        )
        first = round(self.growth * steps)
        growth = growing(optimizer, first) if first else None
        attack = self.eps, self.alpha, self.steps
        return pgd_perturb(gradient, *attack, growth=growth)
