"""95 % intervals against SciPy's, against hand calculation and by simulation."""

import numpy as np
import pytest
from scipy import stats

from attacks.evaluation.intervals import Estimate, wilson
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


def test_wilsons_interval_contains_the_truth_in_95_percent():
    rng = np.random.default_rng(0)
    accuracies = rng.binomial(1000, 0.97, 4000) / 1000
    found = [wilson(float(a), 1000) for a in accuracies]
    covered = np.mean([e.low <= 0.97 <= e.high for e in found])
    assert covered == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("members", [2, 3, 10, 40])
def test_students_interval_is_scipys(members):
    values = np.random.default_rng(members).normal(0.6, 0.02, members)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert student(values.tolist()) == pytest.approx(
        (values.mean(), theirs.low, theirs.high)
    )


@pytest.mark.parametrize("members", [2, 3, 5, 10])
def test_students_interval_contains_the_truth_in_95_percent(members):
    rng = np.random.default_rng(4)
    draws = rng.normal(0.5, 0.01, (2000, members)).tolist()
    found = [student(values) for values in draws]
    covered = np.mean([e.low <= 0.5 <= e.high for e in found])
    assert covered == pytest.approx(0.95, abs=0.015)


def test_students_interval_of_accuracies_stays_among_them():
    """t is 12.706 for two values, and s / sqrt(2) of 0 and 0.1 is 0.05."""
    assert student([0.0, 0.1]) == (0.05, 0, pytest.approx(0.05 + 12.706 * 0.05, 1e-4))
    assert student([0.9, 1.0]).high == 1
    assert student([0.25] * 3) == exactly(0.25)
    assert student([-0.9, -1.0], least=-1).low == -1


def test_one_value_is_taken_as_known():
    assert student([0.3]) == exactly(0.3)


def test_the_mean_over_images():
    """Of 0 on 6 images and 1 on 4: a fraction, mean 0.4, variance 0.24."""
    found = mean_per_image([0, 1], [6, 4])
    assert found == pytest.approx((0.4, 0.4 - 1.96 * 0.1549, 0.4 + 1.96 * 0.1549), 1e-3)


def test_the_difference_of_known_example():
    """56 of 70 and 48 of 80: Newcombe's first example, method 10."""
    found = difference(wilson(56 / 70, 70), wilson(48 / 80, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_the_difference_contains_the_truth_in_95_percent():
    rng = np.random.default_rng(0)
    a, b = (rng.binomial(500, p, 3000) / 500 for p in (0.9, 0.8))
    found = [
        difference(wilson(float(i), 500), wilson(float(j), 500))
        for i, j in zip(a, b, strict=True)
    ]
    covered = np.mean([e.low <= 0.1 <= e.high for e in found])
    assert covered == pytest.approx(0.95, abs=0.015)


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


def test_an_estimate_as_text():
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.5000 [0.2500, 0.7500]"
