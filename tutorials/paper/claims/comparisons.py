"""The comparisons behind the claims: each asserts that one number is above another.

Each function takes other numbers from the results. `Comparison.verdict` alone judges
their difference.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from attacks.evaluation.intervals import Estimate, wilson
from tutorials.defences.record import Record
from tutorials.paper.claims.diversity import disagreement_under, majority_member
from tutorials.paper.claims.intervals import (
    absolute,
    combined,
    difference,
    exactly,
    of_both,
    of_cell,
    of_images,
    student,
)
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import AttackResult, Cell, Results
from tutorials.paper.results.strict import Strict
from tutorials.paper.results.table2 import mean_cell

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
ROUNDING = 1e-9  # the mean of 0.1 and 0.2 isn't quite 0.15
CLEAN_SINGLE, CLEAN = "no_attack_single", "no_attack_ensemble"
PLAIN_ENSEMBLE = "plain"  # its file in results/defences
ATTACKED = {"adv1_ensemble": "Adv. 1", "adv2_ensemble": "Adv. 2"}

Compare = Callable[..., list["Comparison"]]  # of results, and methods by name
Place = tuple[str, str, str]  # attack, method and column of a number in Table 2


class Comparison(NamedTuple):
    """The assertion higher > lower, about what the label says."""

    label: str
    higher: Estimate
    lower: Estimate
    paired: Estimate | None = None  # the difference, member by member

    @property
    def difference(self) -> Estimate:
        """The difference, with its interval."""
        return self.paired or difference(self.higher, self.lower)

    @property
    def verdict(self) -> str:
        """Whether the difference is above 0, judged by its interval."""
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


def compare(results: Results, label: str, higher: Place, lower: Place) -> Comparison:
    """Compare two numbers of Table 2."""
    a, b = (results.table2[a][m][column] for a, m, column in (higher, lower))
    return compare_cells(label, a, b, same_members=higher[1] == lower[1])


def compare_cells(
    label: str, higher: Cell, lower: Cell, same_members: bool = True
) -> Comparison:
    """Compare two accuracies, or means of accuracies.

    Two means over the same members are compared member by member, so that the spread
    between members doesn't count. One classifier's interval covers the images already.
    """
    a, b = of_cell(higher), of_cell(lower)
    if min(len(higher.mean_of), len(lower.mean_of)) == 1:
        return Comparison(label, a, b)
    training = difference(a, b)
    if same_members:
        pairs = zip(higher.mean_of, lower.mean_of, strict=True)
        training = student([x - y for x, y in pairs], least=-1.0)
    images = difference(of_images(higher), of_images(lower))
    return Comparison(label, a, b, combined(training, images))


def in_each_method(higher: tuple[str, str], lower: tuple[str, str]) -> Compare:
    """In each method, one number is above another, each of an attack and a column."""
    (a, column), (b, other) = higher, lower
    return lambda results: [
        compare(results, METHOD_NAMES[m], (a, m, column), (b, m, other))
        for m in results.methods
    ]


def clean_above(least: float) -> Compare:
    """On clean images, singles and ensemble of each method are above a number."""
    return lambda results: [
        Comparison(f"{METHOD_NAMES[m]} {who}", of_both(cells[column]), exactly(least))
        for m, cells in results.table2["fgsm"].items()
        for who, column in (("single", CLEAN_SINGLE), ("ensemble", CLEAN))
    ]


def small_difference(results: Results) -> list[Comparison]:
    """In each method, single classifiers are within 0.01 of their ensemble."""
    found = []
    for method, cells in results.table2["fgsm"].items():
        apart = difference(of_cell(cells[CLEAN]), of_cell(cells[CLEAN_SINGLE]))
        found.append(Comparison(METHOD_NAMES[method], exactly(0.01), absolute(apart)))
    return found


def only_exceeds_ten_percent(
    results: Results, method: str, *others: str
) -> list[Comparison]:
    """Singles under BIM: one below 0.1, and only this method's well above it (0.12)."""
    cells = {m: results.table2["bim"][m]["adv1_single"] for m in (method, *others)}
    lowest = min(cells.values(), key=lambda cell: cell.accuracy)
    own, well_above = of_both(cells.pop(method)), exactly(0.12)
    return [
        Comparison("lowest", exactly(0.1), of_both(lowest)),
        *(Comparison(METHOD_NAMES[m], well_above, of_both(cells[m])) for m in cells),
        Comparison(METHOD_NAMES[method], own, well_above),
    ]


def best_under_attack(results: Results, method: str, *rivals: str) -> list[Comparison]:
    """A method's ensemble is above its rivals' under each attack and gradient."""
    found = []
    for attack, column, rival in product(ATTACK_NAMES, ATTACKED, rivals):
        label = (
            f"{ATTACK_NAMES[attack]} {ATTACKED[column]} against {METHOD_NAMES[rival]}"
        )
        places = (attack, method, column), (attack, rival, column)
        found.append(compare(results, label, *places))
    return found


def singles_above(results: Results, method: str, rival: str) -> list[Comparison]:
    """One method's single classifiers withstand each attack better than another's."""
    column = "adv1_single"
    return [
        compare(results, name, (attack, method, column), (attack, rival, column))
        for attack, name in ATTACK_NAMES.items()
    ]


def worse_when_clean(results: Results, method: str, *rivals: str) -> list[Comparison]:
    """A method's ensemble is below its rivals' on clean images."""
    own = ("fgsm", method, CLEAN)
    return [compare(results, METHOD_NAMES[m], ("fgsm", m, CLEAN), own) for m in rivals]


def ensemble_beats_singles(
    results: Results, method: str, *others: str
) -> list[Comparison]:
    """On clean images a method's ensemble is above each method's singles."""
    own = ("fgsm", method, CLEAN)
    return [
        compare(results, f"against {METHOD_NAMES[m]}", own, ("fgsm", m, CLEAN_SINGLE))
        for m in (*others, method)
    ]


def others_survive(results: Results) -> list[Comparison]:
    """Members withstand another member's perturbation better than their own."""
    return [
        compare_cells(
            f"{ATTACK_NAMES[attack]} {METHOD_NAMES[method]}", *others_and_own(found)
        )
        for method, result in results.methods.items()
        for attack, found in result.attacks.items()
    ]


def others_and_own(result: AttackResult) -> tuple[Cell, Cell]:
    """Return the others' mean accuracy under each gradient, and the member's own."""
    matrix = np.array([score.members for score in result.adv1])  # (source, member)
    own = np.eye(len(matrix), dtype=bool)
    others = matrix[~own].reshape(len(matrix), -1).mean(axis=1)
    n = result.adv1[0].images
    return mean_cell(others.tolist(), n), mean_cell(matrix[own].tolist(), n)


def ensembles_above_members(adaptive: Strict) -> list[Comparison]:
    """Under adaptive attacks ensembles are above their members, each attacked alone.

    The members' interval covers the choice of images, too: where all members have
    accuracy 0, it would otherwise have no width.
    """
    return [
        Comparison(
            f"eps = {adaptive.eps[attack]:g} {METHOD_NAMES[method]}",
            wilson(own.worst, adaptive.images),
            of_both(mean_cell(own.singles, adaptive.images)),
        )
        for method, budgets in adaptive.methods.items()
        for attack, own in budgets.items()
    ]


def combinations_above_ensembles(records: Sequence[Record]) -> list[Comparison]:
    """In the worst case adversarially trained ensembles are above plain ones.

    Each ensemble of several members is compared with the ensemble of plain members.
    """
    plain = [record for record in records if record.defence == PLAIN_ENSEMBLE]
    return [
        Comparison(
            f"{record.title}, {record.members} members against {other.members} plain",
            record.accuracy(record.worst),
            other.accuracy(other.worst),
        )
        for record in records
        for other in plain
        if record.members > 1 and record.adversarial
    ]


def errors_differ(results: Results) -> list[Comparison]:
    """Under one member's gradient members disagree more than on clean images.

    Disagreement: the fraction of pairs of members, one right and one wrong.
    """
    found = []
    for attack, method in product(ATTACK_NAMES, results.methods):
        label = f"{ATTACK_NAMES[attack]} {METHOD_NAMES[method]}"
        attacked = disagreement_under(results, method, attack)
        clean = disagreement_under(results, method)
        found.append(Comparison(label, attacked, clean))
    return found


def more_diverse(results: Results, method: str, rival: str) -> list[Comparison]:
    """One method's members disagree more than another's, clean and perturbed."""
    found = []
    for attack in (None, *ATTACK_NAMES):
        label = ATTACK_NAMES[attack] if attack else "No Attack"
        both = (disagreement_under(results, m, attack) for m in (method, rival))
        found.append(Comparison(label, *both))
    return found


def majority_stays_accurate(results: Results) -> list[Comparison]:
    """Under each gradient half of the members are better than guessing.

    The paper calls such members accurate. Adv. 1 is judged by its strongest gradient.
    """
    guessing = exactly(1 / len(results.data.classes))
    return [
        Comparison(
            f"{ATTACK_NAMES[attack]} {adversary} {METHOD_NAMES[method]}",
            majority_member(scores),
            guessing,
        )
        for method, result in results.methods.items()
        for attack, found in result.attacks.items()
        for adversary, scores in (("Adv. 1", found.adv1), ("Adv. 2", [found.adv2]))
    ]
