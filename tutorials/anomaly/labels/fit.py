"""How well a reading fits the paper: orders, and distance from its numbers."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tutorials.anomaly.labels.measure import Labels
from tutorials.anomaly.labels.readings import Expected
from tutorials.anomaly.labels.scale import ATTACK, COLUMN, METHOD
from tutorials.paper.claims.comparison import (
    FAILS,
    HOLDS,
    ROUNDING,
    Comparison,
    compare_cells,
)
from tutorials.paper.paper_numbers import ATTACK_NAMES, HALVES, paper_accuracy

# The paper's order of the ensemble's accuracies, the higher one first.
ORDERS = {
    "fgsm": ("adv1_ensemble", "adv2_ensemble"),
    "bim": ("adv2_ensemble", "adv1_ensemble"),
}


class Fit(NamedTuple):
    """What a reading finds on one data set, summed over its methods."""

    asked: int  # the paper's orders, two a method
    shown: int  # those that come out
    surely: int  # of these, those whose difference has an interval above 0
    against: int  # those whose difference has an interval below 0
    as_expected: int  # those that come out, or don't, as was written down before
    numbers: int
    difference: float  # the mean absolute one from the paper's attacked accuracies

    def __str__(self) -> str:
        return f"{self.shown} of {self.asked}, {self.difference:.3f}"


def nearest(fits: Sequence[Fit], shown: int = 0) -> int:
    """Return the number of the reading nearest to the paper, of those with orders."""
    numbers = [n for n, f in enumerate(fits, start=1) if f.shown >= shown]
    return min(numbers, key=lambda n: fits[n - 1].difference)


def most_orders(fits: Sequence[Fit]) -> int:
    """Return the number of the nearest of the readings with the most orders."""
    return nearest(fits, max(f.shown for f in fits))


def fit(reading: Expected, files: Sequence[Labels]) -> Fit:
    """Compare a reading with the paper, on all methods of a data set."""
    shown, verdicts, expected = [], [], []
    for comparison, half in comparisons(reading, files):
        shown.append(comparison.difference.value > ROUNDING)
        verdicts.append(comparison.verdict)
        expected.append(reading.orders[half])
    apart = list(differences(reading, files))
    return Fit(
        asked=len(shown),
        shown=sum(shown),
        surely=verdicts.count(HOLDS),
        against=verdicts.count(FAILS),
        as_expected=sum(a == b for a, b in zip(shown, expected, strict=True)),
        numbers=len(apart),
        difference=sum(apart) / len(apart),
    )


def comparisons(
    reading: Expected, files: Sequence[Labels]
) -> Iterator[tuple[Comparison, str]]:
    """Yield Adv. 1 against Adv. 2 in the paper's order, and the half of the table."""
    for labels in files:
        half = HALVES[labels.configuration.dataset]
        for attack, (higher, lower) in ORDERS.items():
            cells = labels.cells(attack, reading.adv1, reading.adv2, reading.scaled)
            compared = compare_cells("", cells[higher], cells[lower])
            yield compared, f"{half} {ATTACK_NAMES[attack]}"


def differences(reading: Expected, files: Sequence[Labels]) -> Iterator[float]:
    """Yield |ours - paper's|; not of the number that s was chosen on."""
    for labels in files:
        for attack in ORDERS:
            cells = labels.cells(attack, reading.adv1, reading.adv2, reading.scaled)
            for column, cell in cells.items():
                place = attack, labels.method, column
                if reading.scaled and place == (ATTACK, METHOD, COLUMN):
                    continue
                paper = paper_accuracy(labels.configuration.dataset, *place)
                assert paper is not None
                yield abs(cell.accuracy - paper)
