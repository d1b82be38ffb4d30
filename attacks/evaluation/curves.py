"""How accuracy falls as eps grows, and the smallest eps that fools each image."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from attacks.evaluation.intervals import Estimate
from attacks.evaluation.outcomes import Evaluation, fraction
from attacks.evaluation.robustness import evaluate
from attacks.evaluation.suites import KEPT, WORK, MakeSuite, in_unit
from attacks.threat import Threat
from minidl.backend import Array
from minidl.checks import check_number, several
from minidl.checks.rules import Given, checked
from minidl.store.files import check_writable


@dataclass(frozen=True)
class Curve:
    """One evaluation for each eps, in ascending order."""

    eps: list[float]
    evaluations: list[Evaluation]

    def accuracy(self, name: str) -> list[Estimate]:
        """Return the accuracy under one attack at each eps."""
        return [evaluation.robust(name) for evaluation in self.evaluations]

    def worst_case(self) -> list[Estimate]:
        """Return the accuracy in the worst case at each eps; it never rises.

        An image that is fooled within a small ball is fooled within every larger ball,
        whether or not the attack succeeds there again.
        """
        smallest = self.smallest_eps()
        return [fraction(smallest > eps) for eps in self.eps]

    def smallest_eps(self) -> Array:
        """Return the smallest eps that fools each image, infinity if none; (N,).

        It is 0 if the image was fooled without an attack in at least one evaluation: a
        random defence's answers differ between them.
        """
        fooled = np.array([e.fooled_by_any() for e in self.evaluations])  # (eps, N)
        first = np.array(self.eps)[fooled.argmax(axis=0)]
        found = np.where(fooled.any(axis=0), first, np.inf)
        before = [e.before() for e in self.evaluations]
        return np.where(np.logical_or.reduce(before), 0, found)


def numbers(name: str, values: Any, given: Given) -> Any:
    """Return numbers, at least one."""
    return several(name, values, check_number, "numbers")


@checked(**WORK | {"threat": Threat, "eps": numbers}, **KEPT)
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

    The other arguments and the errors are those of `evaluate`.
    """
    threats = sorted((replace(threat, eps=e) for e in eps), key=lambda t: t.eps)
    in_unit("threat", threats[-1], {"x": x})
    places = [
        folder and check_writable("folder", Path(folder) / f"eps-{t.eps!r}")
        for t in threats
    ]
    evaluations = [
        evaluate(make_suite, x, y, there, batch_size, seed, place, executor)
        for there, place in zip(threats, places, strict=True)
    ]
    return Curve([there.eps for there in threats], evaluations)
