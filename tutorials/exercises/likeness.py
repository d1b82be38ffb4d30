"""Mistakes that any answer can have, each as a change of the right answer.

A mistake's sentence is given if a learner's numbers are the changed right numbers in
all cases.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

CHANGED: Mapping[str, Callable[[Any], Any]] = {
    "you return the sign of the right answer": np.sign,
    "you return the absolute value of the right answer": abs,
    "you return the right answer with 0 in place of all numbers below 0": (
        lambda a: np.maximum(a, 0)
    ),
    "you return the right answer with 0 in place of all numbers above 0": (
        lambda a: np.minimum(a, 0)
    ),
    "you return the square of the right answer": np.square,
    "you return the square root of the right answer": np.sqrt,
    "you return the logarithm of the right answer": np.log,
    "you return exp of the right answer": np.exp,
    "you return 1 minus the right answer": lambda a: 1 - a,
    "you return 1 over the right answer": lambda a: 1 / a,
    "you return the right answer plus 1": lambda a: a + 1,
    "you return the right answer minus 1": lambda a: a - 1,
    "you round the right answer to whole numbers": np.round,
    "you round the right answer down": np.floor,
    "you round the right answer up": np.ceil,
    "you cut off the digits after the decimal point": np.trunc,
    "your numbers are right, but in reverse order": lambda a: a[::-1],
    "your numbers are right, but one place too late": lambda a: np.roll(a, 1, 0),
    "your numbers are right, but one place too early": lambda a: np.roll(a, -1, 0),
    "you divide the right answer by its largest number": lambda a: a / abs(a).max(),
    "you divide the right answer by its sum": lambda a: a / a.sum(),
    "you divide the right answer by its norm": lambda a: a / np.sqrt((a**2).sum()),
    "you divide each row of the right answer by its norm": lambda a: (
        a / np.sqrt((a**2).sum(axis=tuple(range(1, a.ndim)), keepdims=True))
    ),
    "all your rows equal the first one": lambda a: np.broadcast_to(a[:1], a.shape),
}


def reshaped(got: Any, expected: Any) -> str | None:
    """Return what turns an answer of another shape into the right one, if anything."""
    if got.ndim == expected.ndim:
        for axes in permutations(range(got.ndim)):
            if equal(got.transpose(axes), expected):
                return f"the numbers are right, but transpose{axes} is missing"
    if got.size == expected.size and equal(got.reshape(expected.shape), expected):
        return "the numbers are right, but not the shape"
    for axis in range(expected.ndim if expected.ndim > 1 else 0):
        for verb, reduce in (("sum", np.sum), ("take the mean", np.mean)):
            for kept in (False, True):
                if equal(got, reduce(expected, axis=axis, keepdims=kept)):
                    return f"you {verb} over axis {axis} of the right answer"
    for axis in range(got.ndim if got.ndim > expected.ndim else 0):
        for verb, reduce in (("the sum", np.sum), ("the mean", np.mean)):
            if equal(reduce(got, axis=axis), expected):
                return f"{verb} over axis {axis} of yours is the right answer"
    return None


def equal(a: Any, b: Any) -> bool:
    """Return whether two arrays have the same shape and, to rounding, numbers."""
    if a.shape != b.shape:
        return False
    scale = float(np.abs(b).max(initial=0)) or 1.0
    return bool(np.allclose(a, b, rtol=0, atol=1e-4 * scale))


def likeness(pairs: Sequence[tuple[Any, Any]]) -> str | None:
    """Return the mistake that turns each pair's second, right, array into the first."""
    arrays = [(np.asarray(a, float), np.asarray(b, float)) for a, b in pairs]
    numbers = np.unique(np.concatenate([a.ravel() for a, _ in arrays]))
    if numbers.size == 1:
        return f"all your numbers are {numbers[0] + 0:g}, whatever the arguments"
    with np.errstate(all="ignore"):
        for sentence, change in CHANGED.items():
            if all(made_by(change, a, b) for a, b in arrays):
                return sentence
    return None


def made_by(change: Callable[[Any], Any], got: Any, expected: Any) -> bool:
    """Return whether a change of the right numbers gives a learner's."""
    try:
        return equal(got, np.asarray(change(expected)))
    except (IndexError, ValueError):  # not possible for numbers without axes
        return False


def exception(arguments: Sequence[Sequence[Any]], right: Sequence[bool]) -> str | None:
    """Return the trait that all wrong cases have and no right one has, if any."""
    if not any(right):
        return None
    for sentence, trait in TRAITS.items():
        if all(trait(a) != ok for a, ok in zip(arguments, right, strict=True)):
            return sentence
    return None


def kind_that_is_right(
    arguments: Sequence[Sequence[Any]], right: Sequence[bool]
) -> str | None:
    """Return a trait of two cases or more that are all right, if there is any."""
    for sentence, trait in TRAITS.items():
        own = [ok for a, ok in zip(arguments, right, strict=True) if trait(a)]
        if len(own) > 1 and all(own):
            return sentence
    return None


def arrays(case: Sequence[Any]) -> list[Any]:
    """Return the arrays among the arguments."""
    return [a for a in case if isinstance(a, np.ndarray) and a.ndim]


def images(case: Sequence[Any]) -> list[Any]:
    """Return the images among the arguments, (N, H, W, C), or M times as many."""
    return [a for a in arrays(case) if a.ndim > 3]


def rows(case: Sequence[Any]) -> list[int]:
    """Return N, the number of images or rows in the first array, if there is any."""
    return [a.shape[-4] if a.ndim > 3 else len(a) for a in arrays(case)[:1]]


TRAITS: Mapping[str, Callable[[Sequence[Any]], bool]] = {
    "in float32": lambda case: any(a.dtype == np.float32 for a in arrays(case)),
    "in float64": lambda case: not any(a.dtype == np.float32 for a in arrays(case)),
    "with one row (N = 1)": lambda case: 1 in rows(case),
    "with more than one row": lambda case: max(rows(case), default=1) > 1,
    "with one channel": lambda case: any(a.shape[-1] == 1 for a in images(case)[:1]),
    "with more than one channel": lambda case: any(
        a.shape[-1] > 1 for a in images(case)[:1]
    ),
}
