"""The right answers, and the answers of common mistakes, kept in files without code.

`check` compares with them, so that learners need neither `tutorials.solutions` nor
`tutorials.mistakes`; `tutorials.solutions.keep` makes the files from these. A file
holds the answers to a chapter's exercises, all numbers in a row and each answer's form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from minidl.store import DamagedError, read_arrays

CASES = 8  # random cases, the same each time
FOLDER = Path(__file__).parent / "expected"
Values = tuple[Any, ...]  # what a function returns: one value, or several


@dataclass(frozen=True)
class Answers:
    """The answers to an exercise, case by case."""

    right: Sequence[Values]
    mistakes: Mapping[str, Sequence[Values]]  # by the sentence that names the mistake


def values(answer: Any, several: bool) -> Values:
    """Return an answer's values; an array may be written as a tuple or a list."""
    if several and isinstance(answer, tuple | list):
        return tuple(answer)
    return (list(answer) if isinstance(answer, tuple) else answer,)


def cases(exercise: Any) -> list[tuple[Any, ...]]:
    """Return the arguments of all cases."""
    return [exercise.cases(np.random.default_rng(seed)) for seed in range(CASES)]


def size(case: Sequence[Any]) -> float:
    """Return the sum of absolute values, by which other arguments are recognised."""
    return float(sum(np.abs(a).sum() for a in case if not callable(a)))


def file_of(exercise: Any) -> Path:
    """Return the file of a chapter's answers."""
    return FOLDER / f"{exercise.chapter}.npz"


def answers_to(exercise: Any) -> Answers:
    """Return the kept answers to an exercise.

    Raises FileNotFoundError if there are none, and DamagedError if they belong to other
    cases, as with a NumPy that draws other random numbers.
    """
    content = kept(file_of(exercise))
    if exercise.name not in content:
        raise DamagedError(f"{file_of(exercise)} has no answers to {exercise.name}")
    sizes, answers = content[exercise.name]
    if not np.allclose(sizes, [size(case) for case in cases(exercise)]):
        raise DamagedError(
            f"{file_of(exercise)} has answers to other cases of {exercise.name}: "
            f"NumPy {np.__version__} draws other random numbers"
        )
    return answers


@cache
def kept(file: Path) -> dict[str, tuple[list[float], Answers]]:
    """Return a chapter's answers by exercise, each with the sizes of its cases."""
    arrays, facts = read_arrays(file)
    parts = np.split(arrays["numbers"], arrays["ends"])
    place = count()

    def by_case(forms: Any) -> list[Values]:
        return [
            tuple(parts[next(place)].astype(dtype).reshape(s) for dtype, s in form)
            for form in forms
        ]

    return {
        name: (sizes, Answers(by_case(right), {s: by_case(f) for s, f in wrong}))
        for name, (sizes, right, wrong) in facts.items()
    }
