"""Adversarial training as a job's description: `MemberJob.perturb`."""

from collections.abc import Sequence
from dataclasses import dataclass

from attacks.gradients import mean_probability_gradient, model_gradient
from attacks.threat import Threat
from attacks.training import growing, pgd_perturb
from minidl.checks import check_number
from minidl.layers import Sequential
from minidl.optimizers import Optimizer
from minidl.settings import setting
from minidl.training_checks import Perturb


@dataclass(frozen=True)
class Adversarial:
    """PGD of some steps from a random start, or FGSM of one: see `pgd_perturb`.

    One network is attacked by its own gradient, several that are trained together by
    the gradient of what they predict as an ensemble.

    eps and alpha in pixel units; eps grows during the first `growth` of all training
    steps, from the first step on if that is 0.
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
        """Return the perturbation of networks that are trained in so many steps."""
        one = len(members) == 1
        gradient = (
            model_gradient(members[0]) if one else mean_probability_gradient(members)
        )
        first = round(self.growth * steps)
        growth = growing(optimizer, first) if first else None
        attack = self.eps, self.alpha, self.steps
        return pgd_perturb(gradient, *attack, growth=growth)
