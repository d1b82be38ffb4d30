"""Solutions of chapter 8: ensembles."""

import numpy as np

from ensembles import Ensemble
from minidl.backend import Array


class Known:
    """A member with given probabilities."""

    def __init__(self, p: Array) -> None:
        self.p = p

    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities."""
        return self.p


def ensemble_predict(p: Array) -> Array:
    """argmax of the mean probability. Shapes: p (M, N, K), result (N,)."""
    return Ensemble([Known(member) for member in p]).predict(p[0])


def majority_vote(p: Array) -> Array:
    """The class that most members choose, the smallest in a tie: (M, N, K) -> (N,)."""
    votes = np.eye(p.shape[2])[p.argmax(axis=2)]  # (M, N, K)
    return votes.sum(axis=0).argmax(axis=1)


def margin(p: Array, y: Array) -> Array:
    """p_y minus the largest of the others. Shapes: p (N, K), y (N,), result (N,)."""
    rows = np.arange(len(y))
    others = p.copy()
    others[rows, y] = -np.inf
    return p[rows, y] - others.max(axis=1)


def bootstrap_fraction(m: int) -> float:
    """1 - (1 - 1/m)^m: the fraction of m images in m draws with replacement."""
    return 1 - (1 - 1 / m) ** m
