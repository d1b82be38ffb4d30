"""Keep the answers of the solutions and usual mistakes, with which `check` compares.

python -m tutorials.solutions.keep    after a change to an exercise or to one of these
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from minidl.store import plain, write_arrays
from tutorials.exercises.answers import Answers, Values, cases, file_of, size, values
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import Exercise


def solution(exercise: Exercise) -> Callable[..., Any]:
    """Return the right function."""
    module = import_module(f"tutorials.solutions.{exercise.chapter}")
    function: Callable[..., Any] = getattr(module, exercise.name)
    return function


def mistakes(exercise: Exercise) -> Mapping[str, Callable[..., Any]]:
    """Return the usual wrong ones, by the sentences that name what is wrong."""
    module = import_module(f"tutorials.mistakes.{exercise.chapter}")
    found: Mapping[str, Callable[..., Any]] = module.MISTAKES[exercise.name]
    return found


def answers_of(exercise: Exercise) -> Answers:
    """Return the answers of the solution and of all mistakes."""
    wrong = {
        sentence: by_case(exercise, f) for sentence, f in mistakes(exercise).items()
    }
    return Answers(by_case(exercise, solution(exercise)), wrong)


def by_case(exercise: Exercise, function: Callable[..., Any]) -> list[Values]:
    """Return a function's answer to each case."""
    answers = (function(*copy.deepcopy(arguments)) for arguments in cases(exercise))
    return [values(answer, isinstance(answer, tuple)) for answer in answers]


def keep(chapter: Sequence[Exercise], file: Path) -> None:
    """Write the answers to a chapter's exercises to a file."""
    numbers, facts = [], {}
    for exercise in chapter:
        answers = answers_of(exercise)
        wrong = [(s, forms(found)) for s, found in answers.mistakes.items()]
        sizes = [size(case) for case in cases(exercise)]
        facts[exercise.name] = plain((sizes, forms(answers.right), wrong))
        for found in (answers.right, *answers.mistakes.values()):
            numbers += [np.ravel(value) for answer in found for value in answer]
    arrays = {
        "numbers": np.concatenate(numbers).astype(np.float32),  # exact enough to check
        "ends": np.cumsum([n.size for n in numbers]),
    }
    write_arrays(file, arrays, facts)


def forms(answers: Sequence[Values]) -> list[list[tuple[str, tuple[int, ...]]]]:
    """Return the type and the shape of each value of each case."""
    return [[(np.asarray(v).dtype.str, np.shape(v)) for v in a] for a in answers]


def main() -> None:
    """Keep the answers to all exercises."""
    for _, chapter in groupby(exercises().values(), lambda e: e.chapter):
        own = list(chapter)
        keep(own, file_of(own[0]))


if __name__ == "__main__":
    main()
