"""What attacks did to each image, and the accuracies that follow from it."""

from dataclasses import dataclass

import numpy as np

from attacks.evaluation.intervals import Estimate, wilson
from attacks.threat import Threat
from minidl.backend import Array


@dataclass(frozen=True)
class Outcome:
    """One attack on all images; images that are fooled without it aren't attacked.

    Shapes: fooled and distance (N,).
    """

    before: Array  # fooled without any attack
    fooled: Array  # misclassified, or for a targeted threat classified as the target
    distance: Array  # |x_adv - x| in the threat model's norm
    gradients: int
    queries: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """The results of all attacks; an image is robust if none of them fools it.

    Under a targeted threat, all "accuracies" here are the fractions of images on which
    the adversary has not reached its target.
    """

    threat: Threat
    outcomes: dict[str, Outcome]
    random: bool = False  # clean images got different answers when predicted twice

    def before(self) -> Array:
        """Tell which images are fooled without any attack; (N,) bool."""
        return next(iter(self.outcomes.values())).before

    def clean(self) -> Estimate:
        """Return the accuracy without an attack."""
        return fraction(~self.before())

    def robust(self, name: str) -> Estimate:
        """Return the accuracy under one attack."""
        return fraction(~self.outcomes[name].fooled)

    def worst_case(self) -> Estimate:
        """Return the accuracy if each image meets the attack that is worst for it."""
        return fraction(~self.fooled_by_any())

    def fooled_by_any(self) -> Array:
        """Tell which images at least one attack fools; (N,) bool."""
        every = [outcome.fooled for outcome in self.outcomes.values()]
        return np.logical_or.reduce(every)

    def smallest_distances(self) -> Array:
        """Return the distance of the nearest fooling image, infinity if none; (N,)."""
        found = [np.where(o.fooled, o.distance, np.inf) for o in self.outcomes.values()]
        return np.minimum.reduce(found)

    def table(self) -> str:
        """Return a line for each attack: accuracy, interval, and costs per image."""
        N = len(self.before())
        what = "target missed" if self.threat.targeted else "accuracy"
        lines = [
            f"{N} images; {self.threat}",
            f"{'':<24} {f'{what} [95 %]':<26} gradients  queries",
            f"{'no attack':<24} {self.clean()!s:<26}",
        ]
        for name, o in self.outcomes.items():
            costs = f"{o.gradients / N:9.1f} {o.queries / N:8.1f}"
            if not (o.gradients or o.queries):
                costs = "not counted"
            lines.append(f"{name:<24} {self.robust(name)!s:<26} {costs}")
        lines.append(f"{'worst case':<24} {self.worst_case()!s:<26}")
        if self.random:
            lines.append("random defence: attacks need the mean of many draws (eot)")
        return "\n".join(lines)


def fraction(values: Array) -> Estimate:
    """Return the fraction of images with a property, and its interval."""
    return wilson(float(np.mean(values)), len(values))


def join(parts: list[Outcome]) -> Outcome:
    """Return the outcome on the images of all parts, one after another."""
    return Outcome(
        before=np.concatenate([part.before for part in parts]),
        fooled=np.concatenate([part.fooled for part in parts]),
        distance=np.concatenate([part.distance for part in parts]),
        gradients=sum(part.gradients for part in parts),
        queries=sum(part.queries for part in parts),
        seconds=sum(part.seconds for part in parts),
    )
