"""The comparisons behind the claims about accuracies.

Each function takes other numbers from the results.
"""

from collections.abc import Callable, Sequence
from itertools import product

from attacks.evaluation.intervals import wilson
from tutorials.defences.record import Record
from tutorials.paper.claims.comparison import Comparison, compare
from tutorials.paper.claims.intervals import (
    absolute,
    difference,
    exactly,
    of_both,
    of_cell,
)
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Strict
from tutorials.paper.results.table2 import mean_cell

CLEAN_SINGLE, CLEAN = "no_attack_single", "no_attack_ensemble"
PLAIN_ENSEMBLE = "plain"  # its file in results/defences
ATTACKED = {"adv1_ensemble": "Adv. 1", "adv2_ensemble": "Adv. 2"}

Compare = Callable[..., list[Comparison]]  # of results, and methods by name


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
