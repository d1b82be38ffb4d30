"""How accuracy falls as the adversary may go farther, and how far is far enough."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from attacks.evaluation import MakeSuite, evaluate
from attacks.intervals import Estimate
from attacks.outcomes import Evaluation, fraction
from attacks.threat import Threat, check_threat
from minidl.backend import Array


@dataclass(frozen=True)
class Curve:
    """One evaluation for each eps, from the smallest on."""

    eps: list[float]
    evaluations: list[Evaluation]

    def accuracy(self, name: str) -> list[Estimate]:
        """Return the accuracy under one attack at each eps."""
        return [evaluation.robust(name) for evaluation in self.evaluations]

    def worst_case(self) -> list[Estimate]:
        """Return the accuracy in the worst case at each eps.

        An image that is fooled within a small ball is fooled within each larger one,
        whether or not the attack finds it there again.
        """
        fooled = [evaluation.fooled_by_any() for evaluation in self.evaluations]
        return [fraction(~by) for by in np.logical_or.accumulate(fooled)]

    def smallest_eps(self) -> Array:
        """Return the smallest eps that fools each image, infinity if none; (N,).

        0 if it is fooled without any attack.
        """
        fooled = np.array([e.fooled_by_any() for e in self.evaluations])  # (eps, N)
        first = np.array(self.eps)[fooled.argmax(axis=0)]
        found = np.where(fooled.any(axis=0), first, np.inf)
        return np.where(self.evaluations[0].before(), 0, found)


def accuracy_curve(
    make_suite: MakeSuite,
    x: Array,
    y: Array,
    threat: Threat,
    eps: Sequence[float],
    batch_size: int = 100,
    seed: int = 0,
    folder: str | Path | None = None,
    executor: Executor | None = None,
) -> Curve:
    """Evaluate a suite at each eps; the threat model's own eps is replaced.

    The other arguments, and what is raised, are those of `evaluate`.
    """
    check_threat(threat)
    if not isinstance(eps, Iterable):
        raise TypeError(f"eps must be a sequence of numbers, got {eps!r}")
    threats = [replace(threat, eps=value) for value in eps]  # all are checked first
    if not threats:
        raise ValueError("eps must hold at least one value, got none")
    ascending = sorted(float(there.eps) for there in threats)

    def at(value: float) -> Evaluation:
        place = None if folder is None else Path(folder) / f"eps-{value!r}"
        there = replace(threat, eps=value)
        return evaluate(make_suite, x, y, there, batch_size, seed, place, executor)

    return Curve(ascending, [at(value) for value in ascending])
