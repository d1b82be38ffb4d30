"""check and hint: what a learner calls. What is solved is remembered in a file."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from minidl.checks import check_choice
from minidl.data.places import cache_folder
from minidl.files import write_text
from tutorials.exercises import catalogue
from tutorials.exercises.exercise import Exercise, diagnose

given: dict[str, int] = {}  # how many hints, by exercise, in this process


def check(function: Callable[..., Any]) -> None:
    """Say whether a function solves the exercise of its name, and if not, why."""
    exercise = find(function.__name__)
    problem = diagnose(exercise, function)
    title = f"{exercise.number} {exercise.name}"
    if problem is None:
        remember(exercise)
        print(
            f"{title}: right. Value, shape and type agree; the arguments are untouched."
        )
    else:
        print(f"{title}: not yet: {problem}. (hint({exercise.name!r}) helps.)")


def hint(name: str) -> None:
    """Print the next hint to an exercise; after the last, where the solution is."""
    exercise = find(name)
    count = given.get(name, 0)
    if count < len(exercise.hints):
        given[name] = count + 1
        text = exercise.hints[count]
        print(f"{name}, hint {count + 1} of {len(exercise.hints)}: {text}")
    else:
        print(f"{name}: the solution is in {exercise.solution.__module__}")


def find(name: str) -> Exercise:
    """Return the exercise of a function's name; ValueError if there is none."""
    exercises = catalogue.exercises()
    check_choice("the function's name", name, exercises)
    return exercises[name]


def solved() -> set[str]:
    """Return the names of all exercises that have been solved."""
    names: Iterable[str] = ()
    with suppress(FileNotFoundError, ValueError):
        names = json.loads(record().read_text(encoding="utf-8"))
    return set(names) & set(catalogue.exercises())


def remember(exercise: Exercise) -> None:
    """Add an exercise to those that have been solved."""
    names = sorted(solved() | {exercise.name})
    record().parent.mkdir(parents=True, exist_ok=True)
    write_text(record(), json.dumps(names) + "\n")


def record() -> Path:
    """Return the file that remembers."""
    return cache_folder() / "exercises.json"
