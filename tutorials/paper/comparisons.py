"""What a claim about Table 2 asserts: that each of some numbers is above another.

Each function returns comparisons; they differ in which numbers they take from the
results. `Comparison.verdict` is the one place that judges a difference.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from tutorials.paper.diversity import (
    attacked_disagreement,
    clean_disagreement,
    majority_member,
)
from tutorials.paper.intervals import (
    Estimate,
    absolute,
    bootstrap,
    difference,
    exactly,
    of_cell,
)
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import AttackResult, Cell, Results

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
ROUNDING = 1e-9  # the mean of 0.1 and 0.2 isn't quite 0.15
ATTACKED = ("adv1_ensemble", "adv2_ensemble")
TEN_PERCENT = exactly(0.1)
WELL_ABOVE_TEN_PERCENT = exactly(0.12)


class Comparison(NamedTuple):
    """The assertion higher > lower, about what the label says."""

    label: str
    higher: Estimate
    lower: Estimate
    of_pairs: Estimate | None = None  # the mean difference within pairs, if they are

    @property
    def difference(self) -> Estimate:
        """By how much it is higher."""
        return self.of_pairs or difference(self.higher, self.lower)

    @property
    def verdict(self) -> str:
        """What the interval of the difference says; undecided if it contains 0."""
        if self.difference.low > ROUNDING:
            return HOLDS
        return FAILS if self.difference.high < -ROUNDING else UNDECIDED

    def __str__(self) -> str:
        value, low, high = self.difference
        sign = "=" if abs(value) <= ROUNDING else ">" if value > 0 else "<"
        return (
            f"{self.label} {self.higher.value:.4f} {sign} {self.lower.value:.4f} "
            f"({value:+.4f} [{low:+.4f}, {high:+.4f}])"
        )


Compare = Callable[[Results], list[Comparison]]


def paired(label: str, higher: Sequence[float], lower: Sequence[float]) -> Comparison:
    """Compare two means over the same members, by the difference of each member."""
    each = [a - b for a, b in zip(higher, lower, strict=True)]
    return Comparison(
        label, bootstrap(higher), bootstrap(lower), bootstrap(each, least=-1.0)
    )


def within_method(label: str, higher: Cell, lower: Cell) -> Comparison:
    """Compare two numbers of one method, paired if both are means over its members."""
    if len(higher.mean_of) == len(lower.mean_of) > 1:
        return paired(label, higher.mean_of, lower.mean_of)
    return Comparison(label, of_cell(higher), of_cell(lower))


def accuracy(results: Results, attack: str, method: str, column: str) -> Estimate:
    """Return a number of Table 2."""
    return of_cell(results.table2[attack][method][column])


def columns(attack: str, higher: str, lower: str) -> Compare:
    """In each method, one column of Table 2 is above another."""
    return lambda r: [
        within_method(METHOD_NAMES[method], cells[higher], cells[lower])
        for method, cells in r.table2[attack].items()
    ]


def clean_above(least: float) -> Compare:
    """On clean images, singles and ensemble of each method are above a number."""
    return lambda r: [
        Comparison(f"{METHOD_NAMES[method]} {who}", of_cell(cell), exactly(least))
        for method, cells in r.table2["fgsm"].items()
        for who, cell in (
            ("single", cells["no_attack_single"]),
            ("ensemble", cells["no_attack_ensemble"]),
        )
    ]


def small_difference(results: Results) -> list[Comparison]:
    """In each method, single classifiers are within 0.01 of their ensemble."""
    single = "no_attack_single"
    return [
        Comparison(
            METHOD_NAMES[method],
            exactly(0.01),
            absolute(difference(of_cell(c["no_attack_ensemble"]), of_cell(c[single]))),
        )
        for method, c in results.table2["fgsm"].items()
    ]


def bim_is_stronger(results: Results) -> list[Comparison]:
    """In each method, a single classifier withstands FGSM better than BIM."""
    return [
        within_method(
            METHOD_NAMES[method],
            results.table2["fgsm"][method]["adv1_single"],
            results.table2["bim"][method]["adv1_single"],
        )
        for method in results.methods
    ]


def only_noise_exceeds_ten_percent(results: Results) -> list[Comparison]:
    """Singles under BIM: one below 0.1, and only noisy ones well above it (0.12)."""
    single = {m: accuracy(results, "bim", m, "adv1_single") for m in results.methods}
    noisy = single.pop("gaussian-noise")
    found = [Comparison("lowest", TEN_PERCENT, min([noisy, *single.values()]))]
    for method, value in single.items():
        found.append(Comparison(METHOD_NAMES[method], WELL_ABOVE_TEN_PERCENT, value))
    return [*found, Comparison("Gauss Noise", noisy, WELL_ABOVE_TEN_PERCENT)]


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
        paired(f"{ATTACK_NAMES[attack]} {METHOD_NAMES[method]}", *others_and_own(r))
        for method, result in results.methods.items()
        for attack, r in result.attacks.items()
    ]


def others_and_own(result: AttackResult) -> tuple[list[float], list[float]]:
    """Return under each gradient the others' mean accuracy, and the member's own."""
    matrix = np.array([score.members for score in result.adv1])  # (source, member)
    own = np.eye(len(matrix), dtype=bool)
    others = matrix[~own].reshape(len(matrix), -1).mean(axis=1)
    return others.tolist(), matrix[own].tolist()


def errors_differ(results: Results) -> list[Comparison]:
    """Perturbed by one member's gradient, members disagree more than on clean images.

    Disagreement: the fraction of pairs of members, one right and one wrong.
    """
    return [
        Comparison(
            f"{ATTACK_NAMES[attack]} {METHOD_NAMES[method]}",
            attacked_disagreement(results, attack, method),
            clean_disagreement(results, method),
        )
        for attack, method in product(ATTACK_NAMES, results.methods)
    ]


def more_diverse(method: str, rival: str) -> Compare:
    """One method's members disagree more than another's, clean and perturbed."""
    return lambda r: [
        Comparison(
            "No Attack", clean_disagreement(r, method), clean_disagreement(r, rival)
        ),
        *(
            Comparison(
                name,
                attacked_disagreement(r, attack, method),
                attacked_disagreement(r, attack, rival),
            )
            for attack, name in ATTACK_NAMES.items()
        ),
    ]


def majority_stays_accurate(results: Results) -> list[Comparison]:
    """Under each gradient, half of the members are better than guessing.

    That is what the paper calls accurate. Adv. 1 is judged by its strongest gradient.
    """
    guessing = exactly(1 / len(results.data.classes))
    return [
        Comparison(
            f"{ATTACK_NAMES[attack]} {adversary} {METHOD_NAMES[method]}",
            majority_member(scores),
            guessing,
        )
        for method, result in results.methods.items()
        for attack, r in result.attacks.items()
        for adversary, scores in (("Adv. 1", r.adv1), ("Adv. 2", [r.adv2]))
    ]


def singles_above(method: str, rival: str) -> Compare:
    """One method's single classifiers withstand each attack better than another's."""
    return lambda r: [
        Comparison(
            ATTACK_NAMES[attack],
            accuracy(r, attack, method, "adv1_single"),
            accuracy(r, attack, rival, "adv1_single"),
        )
        for attack in ATTACK_NAMES
    ]
