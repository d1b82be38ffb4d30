"""The comparisons behind the claims about diversity: do members err differently?

`fooled[f]` counts the images on which exactly f of M members are wrong. Of the
M (M - 1) / 2 pairs of members, f (M - f) then disagree: one is right, the other wrong.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from attacks.evaluation.intervals import Estimate, wilson
from tutorials.paper.claims.comparison import Comparison, compare_cells
from tutorials.paper.claims.intervals import (
    combined,
    exactly,
    mean_per_image,
    student,
)
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import AttackResult, Cell, Results, Score
from tutorials.paper.results.table2 import mean_cell


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


def disagreement_under(
    results: Results, method: str, attack: str | None = None
) -> Estimate:
    """Return the fraction of pairs that disagree on the attacked images.

    An attack perturbs them by its Adv. 1; without an attack they are clean.
    """
    own = results.methods[method]
    return disagreement(own.attacks[attack].adv1 if attack else [own.clean_attacked])


def disagreement(scores: Sequence[Score]) -> Estimate:
    """Return the fraction of pairs that disagree, over all images.

    Several scores are of the same images, perturbed in different ways. They don't
    count as more images, and the interval also covers the choice of the gradient.
    """
    M = len(scores[0].fooled) - 1
    pairs = [f * (M - f) / (M * (M - 1) / 2) for f in range(M + 1)]
    images = mean_per_image(pairs, mean_fooled(scores))
    each = [float(np.average(pairs, weights=score.fooled)) for score in scores]
    return combined(student(each), images)


def mean_fooled(scores: Sequence[Score]) -> list[float]:
    """Return how many images fool 0, 1, ... members, on average over scores."""
    mean: list[float] = np.mean([score.fooled for score in scores], axis=0).tolist()
    return mean


def majority_member(scores: Sequence[Score]) -> Estimate:
    """Return the accuracy that half of the members reach, where it is lowest."""

    def reached(score: Score) -> float:  # by half of the members, or by more
        return sorted(score.members)[len(score.members) // 2]

    worst = min(scores, key=reached)
    return wilson(reached(worst), worst.images)
