"""Boosting: each learner sees most often what the learners before it got wrong.

SAMME is AdaBoost for K classes. Here images are resampled, Freund & Schapire's
alternative for learners that take no weights. SAMME's learners vote; an `Ensemble`
averages probabilities with the same weights, as in the paper, and so has a gradient.

Source: Zhu, Zou, Rosset & Hastie, Multi-class AdaBoost, Statistics and Its Interface 2,
2009, algorithm 2.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from minidl.backend import Array
from minidl.batches import in_batches
from minidl.layers import Sequential

ROUNDING = 1e-9  # of a sum of weights
Learner: TypeAlias = tuple[Sequential, float]  # a trained network, and its vote


def weights_of_images(learners: Sequence[Learner], x: Array, y: Array) -> Array:
    """w_n = 1/N, then for each learner w_n exp(alpha [wrong]), rescaled to sum 1.

    Shapes: x (N, H, W, C) uint8 or floats, y and w (N,).
    """
    w = np.full(len(x), 1 / len(x))
    for learner, alpha in learners:
        w = reweighted(w, in_batches(learner.predict, x) != y, alpha)
    return w


def reweighted(w: Array, wrong: Array, alpha: float) -> Array:
    """Return w exp(alpha [wrong]) / its sum. Shapes: all (N,), wrong bool."""
    new = w * np.exp(alpha * wrong)
    return new / new.sum()


def learners_vote(w: Array, wrong: Array, classes: int) -> float:
    """alpha = log((1 - err) / err) + log(K - 1), err = sum of w where wrong.

    err is at least 0.5 / N, the weight of half an image: at err = 0 alpha would be
    infinite. Raises ValueError for a learner that is no better than guessing,
    err >= 1 - 1/K, whose alpha would be 0 or less.
    Shapes: w, of sum 1, and wrong (N,).
    """
    error = float(w[wrong].sum())
    if error >= 1 - 1 / classes - ROUNDING:
        raise ValueError(
            f"a learner is no better than guessing among {classes} classes: its "
            f"weighted error is {error:.4f}"
        )
    error = max(error, 0.5 / len(w))
    return float(np.log((1 - error) / error) + np.log(classes - 1))
