"""From the members' probabilities to counts: integers, so that sums are exact."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from attacks.forwards import total
from minidl.backend import Array

T = TypeVar("T")


@dataclass(frozen=True)
class Counts:
    """How many images each member and ensemble classifies correctly."""

    images: int
    members: list[int]  # by each member
    ensembles: list[int]  # by the ensemble of the first 1, 2, ... members
    fooled: list[int]  # images on which exactly 0, 1, ... members are wrong


def count(p: Array, y: Array) -> Counts:
    """Count correct classifications. Shapes: p (members, N, K), y (N,)."""
    correct = p.argmax(axis=2) == y  # (members, N)
    wrong = (~correct).sum(axis=0)  # (N,): how many members an image fools
    means = [mean_probability(p[: M + 1]) for M in range(len(p))]
    return Counts(
        images=len(y),
        members=correct.sum(axis=1).tolist(),
        ensembles=[int((mean.argmax(axis=1) == y).sum()) for mean in means],
        fooled=np.bincount(wrong, minlength=len(p) + 1).tolist(),
    )


def mean_probability(p: Array) -> Array:
    """Return the mean over members, rounded as `Ensemble` does: (M, N, K) -> (N, K)."""
    return total(1 / len(p) * p_i for p_i in p)


def add(parts: Sequence[T], same: str = "") -> T:
    """Return dataclasses of numbers and lists of numbers, added up field by field.

    The field named `same` has the same value in all parts, and isn't added.
    """
    first: Any = parts[0]

    def added(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        if name == same:
            return values[0]
        if isinstance(values[0], list):
            return [sum(numbers) for numbers in zip(*values, strict=True)]
        return sum(values)

    return type(parts[0])(*(added(field.name) for field in fields(first)))
