"""95 % intervals against SciPy's, against hand calculation and by simulation."""

import numpy as np
import pytest
from scipy import stats

from attacks.evaluation.intervals import Estimate, wilson
from tutorials.paper.claims.comparison import UNDECIDED, Comparison
from tutorials.paper.claims.intervals import (
    absolute,
    combined,
    difference,
    exactly,
    mean_per_image,
    of_cell,
    student,
)
from tutorials.paper.results import Cell


@pytest.mark.parametrize("images", [1, 10, 300, 10_000])
@pytest.mark.parametrize("fraction", [0, 0.1, 0.5, 1])
def test_wilson_is_scipys(images, fraction):
    right = round(fraction * images)
    accuracy = right / images
    found = wilson(accuracy, images)
    theirs = stats.binomtest(right, images).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(theirs), abs=1e-12)
    assert 0 <= found.low <= found.value == accuracy <= found.high <= 1


@pytest.mark.parametrize("members", [2, 3, 10, 40])
def test_students_interval_is_scipys(members):
    values = np.random.default_rng(members).normal(0.6, 0.02, members)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert student(values.tolist()) == pytest.approx(
        (values.mean(), theirs.low, theirs.high)
    )


def test_students_interval_of_accuracies_stays_among_them():
    """t is 12.706 for two values, and s / sqrt(2) of 0 and 0.1 is 0.05."""
    assert student([0.0, 0.1]) == (0.05, 0, pytest.approx(0.05 + 12.706 * 0.05, 1e-4))
    assert student([0.9, 1.0]).high == 1
    assert student([0.25] * 3) == student([0.25]) == exactly(0.25)
    assert student([-0.9, -1.0], least=-1).low == -1


def test_the_mean_over_images():
    """Of 0 on 6 images and 1 on 4: a fraction, mean 0.4, variance 0.24."""
    found = mean_per_image([0, 1], [6, 4])
    assert found == pytest.approx((0.4, 0.4 - 1.96 * 0.1549, 0.4 + 1.96 * 0.1549), 1e-3)


@pytest.mark.parametrize("value", [0, 2 / 3, 1])
def test_equal_values_of_all_images_are_not_known_exactly(value):
    """The normal interval has no width, and 0 of 50 was significantly below 4 of 50."""
    assert mean_per_image([value, 0.5], [50.0, 0.0]) == wilson(value, 50)
    few = mean_per_image([0, 1], [46, 4])
    none = mean_per_image([0, 1], [50, 0])
    assert Comparison("", few, none).verdict == UNDECIDED


def test_the_difference_of_known_example():
    """56 of 70 and 48 of 80: Newcombe's first example, method 10."""
    found = difference(wilson(56 / 70, 70), wilson(48 / 80, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        ((0.2, 0.1, 0.4), (0.2, 0.1, 0.4)),
        ((-0.2, -0.4, -0.1), (0.2, 0.1, 0.4)),
        ((0.1, -0.3, 0.2), (0.1, 0, 0.3)),
    ],
)
def test_the_absolute_value(d, expected):
    assert absolute(Estimate(*d)) == expected


def test_a_cell_is_a_mean_or_one_classifier():
    assert of_cell(Cell(0.5, [0.5], 100)) == wilson(0.5, 100)
    assert of_cell(Cell(0.5, [0.4, 0.6], 100)) == student([0.4, 0.6])


def test_two_chances_combined():
    """3 below and 4 below make 5; 6 above and 8 above make 10."""
    found = combined(Estimate(0.5, 0.47, 0.56), Estimate(0.2, 0.16, 0.28))
    assert found == pytest.approx((0.5, 0.45, 0.6))
