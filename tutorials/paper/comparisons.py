"""What a claim about Table 2 asserts: that each of some numbers is above another.

Each function returns comparisons, all of which must hold for a claim to hold; they
differ in which numbers they take from the results.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import AttackResult, Results

ROUNDING = 1e-9  # the mean of 0.1 and 0.2 isn't quite 0.15
ATTACKED = ("adv1_ensemble", "adv2_ensemble")


class Comparison(NamedTuple):
    """The assertion higher > lower, about what the label says."""

    label: str
    higher: float
    lower: float

    def holds(self) -> bool:
        """Return whether it is so; equality isn't enough."""
        return self.higher - self.lower > ROUNDING

    def __str__(self) -> str:
        equal = abs(self.higher - self.lower) <= ROUNDING
        sign = "=" if equal else ">" if self.holds() else "<"
        return f"{self.label} {self.higher:.4f} {sign} {self.lower:.4f}"


Compare = Callable[[Results], list[Comparison]]


def accuracy(results: Results, attack: str, method: str, column: str) -> float:
    """Return a number of Table 2."""
    return results.table2[attack][method][column].accuracy


def columns(attack: str, higher: str, lower: str) -> Compare:
    """In each method, one column of Table 2 is above another."""
    return lambda r: [
        Comparison(METHOD_NAMES[method], cells[higher].accuracy, cells[lower].accuracy)
        for method, cells in r.table2[attack].items()
    ]


def small_difference(results: Results) -> list[Comparison]:
    """In each method, single classifiers are within 0.01 of their ensemble."""
    return [
        Comparison(
            METHOD_NAMES[method],
            0.01,
            abs(c["no_attack_ensemble"].accuracy - c["no_attack_single"].accuracy),
        )
        for method, c in results.table2["fgsm"].items()
    ]


def bim_is_stronger(results: Results) -> list[Comparison]:
    """In each method, a single classifier withstands FGSM better than BIM."""
    return [
        Comparison(
            METHOD_NAMES[method],
            accuracy(results, "fgsm", method, "adv1_single"),
            accuracy(results, "bim", method, "adv1_single"),
        )
        for method in results.methods
    ]


def only_noise_exceeds_ten_percent(results: Results) -> list[Comparison]:
    """Singles under BIM: one below 0.1, and only noisy ones well above it (0.12)."""
    single = {m: accuracy(results, "bim", m, "adv1_single") for m in results.methods}
    noisy = single.pop("gaussian-noise")
    found = [Comparison("lowest", 0.1, min([noisy, *single.values()]))]
    for method, value in single.items():
        found.append(Comparison(METHOD_NAMES[method], 0.12, value))
    return [*found, Comparison("Gauss Noise", noisy, 0.12)]


def best_under_attack(method: str, *rivals: str) -> Compare:
    """A method's ensemble is above its rivals' under each attack and gradient."""
    return lambda r: [
        Comparison(
            f"{ATTACK_NAMES[attack]} {'Adv. 1' if '1' in column else 'Adv. 2'} "
            f"against {METHOD_NAMES[rival]}",
            accuracy(r, attack, method, column),
            accuracy(r, attack, rival, column),
        )
        for attack, column, rival in product(ATTACK_NAMES, ATTACKED, rivals)
    ]


def worse_when_clean(method: str, *rivals: str) -> Compare:
    """A method's ensemble is below its rivals' on clean images."""
    column = "no_attack_ensemble"
    return lambda r: [
        Comparison(
            METHOD_NAMES[rival],
            accuracy(r, "fgsm", rival, column),
            accuracy(r, "fgsm", method, column),
        )
        for rival in rivals
    ]


def noisy_ensemble_beats_singles(results: Results) -> list[Comparison]:
    """On clean images the noisy ensemble is above each method's single classifiers."""
    ensemble = accuracy(results, "fgsm", "gaussian-noise", "no_attack_ensemble")
    return [
        Comparison(
            f"against {METHOD_NAMES[method]}",
            ensemble,
            accuracy(results, "fgsm", method, "no_attack_single"),
        )
        for method in results.methods
    ]


def others_survive(results: Results) -> list[Comparison]:
    """Members withstand another member's perturbation better than their own."""
    return [
        Comparison(f"{ATTACK_NAMES[attack]} {METHOD_NAMES[method]}", *other_and_own(r))
        for method, result in results.methods.items()
        for attack, r in result.attacks.items()
    ]


def other_and_own(result: AttackResult) -> tuple[float, float]:
    """Return the members' mean accuracy under others' gradients and under their own."""
    matrix = np.array([score.members for score in result.adv1])  # (source, member)
    own = np.eye(len(matrix), dtype=bool)
    return float(matrix[~own].mean()), float(matrix[own].mean())
