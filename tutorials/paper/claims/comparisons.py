"""What a claim about Table 2 asserts: that each of some numbers is above another.

Each function returns comparisons; they differ in which numbers they take from the
results. `Comparison.verdict` is the one place that judges a difference.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from tutorials.paper.claims.diversity import (
    attacked_disagreement,
    clean_disagreement,
    majority_member,
)
from tutorials.paper.claims.intervals import (
    Estimate,
    absolute,
    difference,
    exactly,
    of_cell,
    of_images,
    student,
    together,
)
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import AttackResult, Cell, Results
from tutorials.paper.results.table2 import mean_cell

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
ROUNDING = 1e-9  # the mean of 0.1 and 0.2 isn't quite 0.15
ATTACKED = ("adv1_ensemble", "adv2_ensemble")
TEN_PERCENT, WELL_ABOVE_TEN_PERCENT = 0.1, 0.12


class Comparison(NamedTuple):
    """The assertion higher > lower, about what the label says."""

    label: str
    higher: Estimate
    lower: Estimate
    known: Estimate | None = None  # the difference, if more is known than these two

    @property
    def difference(self) -> Estimate:
        """By how much it is higher."""
        return self.known or difference(self.higher, self.lower)

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


def compare(
    label: str, higher: Cell, lower: Cell, same_members: bool = True
) -> Comparison:
    """Compare two numbers of Table 2.

    Of two means over the same members, the difference of each member counts, not how
    much members vary. The images' chance is in one classifier's number already.
    """
    a, b = of_cell(higher), of_cell(lower)
    if min(len(higher.mean_of), len(lower.mean_of)) == 1:
        return Comparison(label, a, b)
    training = difference(a, b)
    if same_members:
        pairs = zip(higher.mean_of, lower.mean_of, strict=True)
        training = student([x - y for x, y in pairs], least=-1.0)
    images = difference(of_images(higher), of_images(lower))
    return Comparison(label, a, b, together(training, images))


def against(label: str, cell: Cell, number: float) -> Comparison:
    """Compare a number of Table 2 with one that is known: it should be higher."""
    return Comparison(label, unsure(cell), exactly(number))


def below(label: str, cell: Cell, number: float) -> Comparison:
    """Compare a number of Table 2 with one that is known: it should be lower."""
    return Comparison(label, exactly(number), unsure(cell))


def unsure(cell: Cell) -> Estimate:
    """Return a number of Table 2, as unsure as training and images make it."""
    if len(cell.mean_of) == 1:
        return of_images(cell)
    value, low, high = together(of_cell(cell), of_images(cell))
    return Estimate(value, max(0.0, low), min(1.0, high))


def columns(attack: str, higher: str, lower: str) -> Compare:
    """In each method, one column of Table 2 is above another."""
    return lambda r: [
        compare(METHOD_NAMES[method], cells[higher], cells[lower])
        for method, cells in r.table2[attack].items()
    ]


def clean_above(least: float) -> Compare:
    """On clean images, singles and ensemble of each method are above a number."""
    return lambda r: [
        against(f"{METHOD_NAMES[method]} {who}", cells[f"no_attack_{who}"], least)
        for method, cells in r.table2["fgsm"].items()
        for who in ("single", "ensemble")
    ]


def small_difference(results: Results) -> list[Comparison]:
    """In each method, single classifiers are within 0.01 of their ensemble."""
    return [
        Comparison(
            METHOD_NAMES[method],
            exactly(0.01),
            absolute(
                difference(
                    of_cell(cells["no_attack_ensemble"]),
                    of_cell(cells["no_attack_single"]),
                )
            ),
        )
        for method, cells in results.table2["fgsm"].items()
    ]


def bim_is_stronger(results: Results) -> list[Comparison]:
    """In each method, a single classifier withstands FGSM better than BIM."""
    return [
        compare(
            METHOD_NAMES[method],
            results.table2["fgsm"][method]["adv1_single"],
            results.table2["bim"][method]["adv1_single"],
        )
        for method in results.methods
    ]


def only_noise_exceeds_ten_percent(results: Results) -> list[Comparison]:
    """Singles under BIM: one below 0.1, and only noisy ones well above it (0.12)."""
    single = {m: cells["adv1_single"] for m, cells in results.table2["bim"].items()}
    lowest = min(single.values(), key=lambda cell: cell.accuracy)
    noisy = single.pop("gaussian-noise")
    found = [below("lowest", lowest, TEN_PERCENT)]
    for method, cell in single.items():
        found.append(below(METHOD_NAMES[method], cell, WELL_ABOVE_TEN_PERCENT))
    return [*found, against("Gauss Noise", noisy, WELL_ABOVE_TEN_PERCENT)]


def best_under_attack(method: str, *rivals: str) -> Compare:
    """A method's ensemble is above its rivals' under each attack and gradient."""
    return lambda r: [
        compare(
            f"{ATTACK_NAMES[attack]} {'Adv. 1' if '1' in column else 'Adv. 2'} "
            f"against {METHOD_NAMES[rival]}",
            r.table2[attack][method][column],
            r.table2[attack][rival][column],
            same_members=False,
        )
        for attack, column, rival in product(ATTACK_NAMES, ATTACKED, rivals)
    ]


def worse_when_clean(method: str, *rivals: str) -> Compare:
    """A method's ensemble is below its rivals' on clean images."""
    column = "no_attack_ensemble"
    return lambda r: [
        compare(
            METHOD_NAMES[rival],
            r.table2["fgsm"][rival][column],
            r.table2["fgsm"][method][column],
        )
        for rival in rivals
    ]


def noisy_ensemble_beats_singles(results: Results) -> list[Comparison]:
    """On clean images the noisy ensemble is above each method's single classifiers."""
    clean = results.table2["fgsm"]
    return [
        compare(
            f"against {METHOD_NAMES[method]}",
            clean["gaussian-noise"]["no_attack_ensemble"],
            clean[method]["no_attack_single"],
        )
        for method in results.methods
    ]


def others_survive(results: Results) -> list[Comparison]:
    """Members withstand another member's perturbation better than their own."""
    return [
        compare(f"{ATTACK_NAMES[attack]} {METHOD_NAMES[method]}", *others_and_own(r))
        for method, result in results.methods.items()
        for attack, r in result.attacks.items()
    ]


def others_and_own(result: AttackResult) -> tuple[Cell, Cell]:
    """Return the others' mean accuracy under each gradient, and the member's own."""
    matrix = np.array([score.members for score in result.adv1])  # (source, member)
    own = np.eye(len(matrix), dtype=bool)
    others = matrix[~own].reshape(len(matrix), -1).mean(axis=1)
    n = result.adv1[0].images
    return mean_cell(others.tolist(), n), mean_cell(matrix[own].tolist(), n)


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
        compare(
            ATTACK_NAMES[attack],
            r.table2[attack][method]["adv1_single"],
            r.table2[attack][rival]["adv1_single"],
            same_members=False,
        )
        for attack in ATTACK_NAMES
    ]
