"""From the members' probabilities to counts: integers, so that sums are exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.backend import Array


@dataclass(frozen=True)
class Counts:
    """How many images were classified correctly, by whom."""

    images: int
    members: list[int]  # by each member
    ensembles: list[int]  # by the ensemble of the first 1, 2, ... members
    fooled: list[int]  # images on which exactly 0, 1, ... members are wrong


def count(p: Array, y: Array) -> Counts:
    """Count who classifies what correctly. Shapes: p (members, N, K), y (N,)."""
    correct = p.argmax(axis=2) == y  # (members, N)
    wrong = (~correct).sum(axis=0)  # (N,), members that an image fools
    means = [mean_probability(p[: M + 1]) for M in range(len(p))]
    return Counts(
        images=len(y),
        members=correct.sum(axis=1).tolist(),
        ensembles=[int((mean.argmax(axis=1) == y).sum()) for mean in means],
        fooled=np.bincount(wrong, minlength=len(p) + 1).tolist(),
    )


def mean_probability(p: Array) -> Array:
    """Return the mean over members, rounded as `Ensemble` does: (M, N, K) -> (N, K)."""
    mean: Any = sum(1 / len(p) * p_i for p_i in p)
    return mean


def add(parts: Sequence[Counts]) -> Counts:
    """Return the counts of all parts together."""
    return Counts(
        images=sum(part.images for part in parts),
        members=np.sum([part.members for part in parts], axis=0).tolist(),
        ensembles=np.sum([part.ensembles for part in parts], axis=0).tolist(),
        fooled=np.sum([part.fooled for part in parts], axis=0).tolist(),
    )
