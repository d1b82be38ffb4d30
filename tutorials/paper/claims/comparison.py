"""A comparison asserts that one number is above another, each with its interval.

`Comparison.verdict` alone judges the difference.
"""

from collections.abc import Iterable
from typing import NamedTuple

from attacks.evaluation.intervals import Estimate
from tutorials.paper.claims.intervals import (
    combined,
    difference,
    of_cell,
    of_images,
    student,
)
from tutorials.paper.results import Cell, Results

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
ROUNDING = 1e-9  # the mean of 0.1 and 0.2 isn't quite 0.15

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


def stands_out(best: Estimate, others: Iterable[Estimate]) -> bool:
    """Return whether a number is significantly above all others."""
    return all(Comparison("", best, other).verdict == HOLDS for other in others)


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
