"""Table 2, derived from the methods' accuracies.

Its caption defines: "the accuracy of a single classifier is the average accuracy of all
single classifiers". Where the paper is silent, the definitions are ours:

    Adv. 1, Single     member j under its own gradient, mean over j
    Adv. 1, Ensemble   the ensemble under member i's gradient, mean over i
    Adv. 2, Ensemble   the ensemble under the sum of all gradients
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from tutorials.paper.results.scores import MethodResult, check_accuracies


@dataclass(frozen=True)
class Cell:
    """One number of Table 2, and the accuracies whose mean it is.

    These are of each member, or of the ensemble under each member's gradient. On clean
    images and under Adv. 2 the ensemble has a single accuracy.
    """

    accuracy: float
    mean_of: list[float]
    images: int

    def __post_init__(self) -> None:
        check_accuracies([*self.mean_of, self.accuracy])


Table2 = dict[str, dict[str, dict[str, Cell]]]


def table2(methods: Mapping[str, MethodResult]) -> Table2:
    """Return Table 2's cells, by attack, method and column."""
    attacks = next(iter(methods.values())).attacks
    return {
        attack: {method: row(result, attack) for method, result in methods.items()}
        for attack in attacks
    }


def row(result: MethodResult, attack: str) -> dict[str, Cell]:
    """Return the five columns of one row of Table 2."""
    clean, attacked = result.clean, result.attacks[attack]
    adv1, adv2, n = attacked.adv1, attacked.adv2, attacked.adv2.images
    return {
        "no_attack_single": mean_cell(clean.members, clean.images),
        "no_attack_ensemble": mean_cell([clean.ensemble], clean.images),
        "adv1_single": mean_cell([s.members[i] for i, s in enumerate(adv1)], n),
        "adv1_ensemble": mean_cell([s.ensemble for s in adv1], n),
        "adv2_ensemble": mean_cell([adv2.ensemble], n),
    }


def mean_cell(accuracies: list[float], images: int) -> Cell:
    """Return some accuracies with their mean."""
    return Cell(fmean(accuracies), accuracies, images)
