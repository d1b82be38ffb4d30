"""95 % confidence intervals of accuracies and of their differences.

Two things are random. For one classifier, Wilson's interval covers the choice of the
*test images*. For a mean over members, Student's interval covers the *seeds* of their
training. (For one ensemble under each member's gradient, it covers the choice of the
gradient.) Where two means are compared, `combined` adds the choice of the images. All
of Table 2 is measured on the same images, which therefore matter less for differences
than these intervals assume.
"""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from scipy.special import stdtrit

from attacks.evaluation.intervals import Estimate, Z, wilson
from tutorials.paper.results import Cell


def exactly(value: float) -> Estimate:
    """Return a number that is known exactly."""
    return Estimate(value, value, value)


def student(values: Sequence[float], least: float = 0.0, most: float = 1.0) -> Estimate:
    """Return the mean of some members' accuracies, and Student's interval around it.

    mean +- t s / sqrt(n), with s^2 = sum (v - mean)^2 / (n - 1) and t the 97.5 %
    quantile of Student's distribution with n - 1 degrees of freedom, within [least,
    most] (-1 is the least of differences between accuracies). A single value has no
    spread and is returned as if it were known.
    Source: Student, The Probable Error of a Mean, 1908.
    """
    n, mean = len(values), fmean(values)
    if n == 1:
        return exactly(mean)
    half = float(stdtrit(n - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(n))
    return Estimate(mean, max(least, mean - half), min(most, mean + half))


def mean_per_image(values: Sequence[float], counts: Sequence[float]) -> Estimate:
    """Return the mean of a quantity that is values[i] on counts[i] images.

    Normal: mean +- Z times its standard error. If all images have the same value, from
    0 to 1, the normal interval has no width, but Wilson's has, as for a fraction.
    """
    found = [value for value, n in zip(values, counts, strict=True) if n]
    if min(found) == max(found):
        return wilson(found[0], round(sum(counts)))
    mean = float(np.average(values, weights=counts))
    variance = float(np.average((np.array(values) - mean) ** 2, weights=counts))
    half = Z * math.sqrt(variance / sum(counts))
    return Estimate(mean, mean - half, mean + half)


def mean_difference(values: Sequence[float], counts: Sequence[float]) -> Estimate:
    """Return the mean of a paired difference, values[i] in [-1, 1] on counts[i] images.

    The interval is `mean_per_image`'s after two images more: half of one at -1, half of
    one at 1, and one at 0. Without them it would be too narrow where few images differ.
    Source: Agresti & Min, Simple Improved Confidence Intervals for Comparing Matched
    Proportions, 2005.
    """
    more = mean_per_image([*values, -1, 0, 1], [*counts, 0.5, 1, 0.5])
    return Estimate(float(np.average(values, weights=counts)), more.low, more.high)


def of_cell(cell: Cell) -> Estimate:
    """Return a number of Table 2 with Student's interval, or one classifier's."""
    return student(cell.mean_of) if len(cell.mean_of) > 1 else of_images(cell)


def of_images(cell: Cell) -> Estimate:
    """Return a number of Table 2 with the interval of its images alone."""
    return wilson(cell.accuracy, cell.images)


def of_both(cell: Cell) -> Estimate:
    """Return a number of Table 2 with the interval of both training and images."""
    if len(cell.mean_of) == 1:
        return of_images(cell)
    value, low, high = combined(of_cell(cell), of_images(cell))
    return Estimate(value, max(0.0, low), min(1.0, high))


def difference(a: Estimate, b: Estimate) -> Estimate:
    """Return a - b, as for independent numbers.

    With d = a - b, (d - d.low)^2 = (a - a.low)^2 + (b.high - b)^2; high likewise.
    Source: Newcombe, Interval Estimation for the Difference between Independent
    Proportions, 1998, method 10.
    """
    value = a.value - b.value
    below = math.hypot(a.value - a.low, b.high - b.value)
    above = math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, value - below, value + above)


def combined(training: Estimate, images: Estimate) -> Estimate:
    """Return the first number with the interval of two independent sources of chance.

    The squares of the distances to their ends add up.
    """
    value, low, high = training
    below = math.hypot(value - low, images.value - images.low)
    above = math.hypot(high - value, images.high - images.value)
    return Estimate(value, value - below, value + above)


def absolute(d: Estimate) -> Estimate:
    """Return |d|; its interval begins at 0 if the interval of d contains 0."""
    nearest = max(0.0, d.low, -d.high)
    return Estimate(abs(d.value), nearest, max(-d.low, d.high))
