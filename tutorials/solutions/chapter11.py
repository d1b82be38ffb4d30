"""Solutions of chapter 11: the paper."""

import numpy as np

from attacks.evaluation.intervals import wilson
from minidl.backend import Array
from tutorials.paper.claims.diversity import disagreement as of_scores
from tutorials.paper.results import Score


def table2_row(members: Array, ensemble: Array) -> tuple[float, float]:
    """Adv. 1's two columns: each member under its own gradient, and the ensemble.

    Shapes: members (M, M), accuracy of member j under member i's gradient at [i, j];
    ensemble (M,), accuracy under member i's gradient.
    """
    return float(np.diag(members).mean()), float(ensemble.mean())


def wilson_interval(correct: int, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy."""
    _, low, high = wilson(correct / images, images)
    return low, high


def dead_for_good(W: Array, b: Array) -> Array:
    """Which classes' max(0, h W + b) is 0 for all h >= 0. W (D, K), b (K,) -> (K,)."""
    dead: Array = (W.max(axis=0) <= 0) & (b <= 0)
    return dead


def disagreement(wrong: Array) -> float:
    """The fraction of pairs of members, one right and one wrong. wrong (M, N) bool."""
    M, N = wrong.shape
    fooled = np.bincount(wrong.sum(axis=0), minlength=M + 1)
    score = Score(N, (1 - wrong.mean(axis=1)).tolist(), 0.0, fooled.tolist())
    return of_scores([score]).value
