"""check and hint: what a learner calls. What is solved is remembered in a file."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minidl.checks import check_choice
from minidl.data.places import cache_folder
from minidl.files import set_aside
from minidl.store import DamagedError, read_json, refused, write_json
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
    names: set[str] = set()
    try:
        content = read_json(record())
        with refused(record()):
            names = set(content["solved"])
    except FileNotFoundError:
        pass
    except DamagedError as error:
        set_aside(record(), error, "exercises are counted anew")
    return names & set(catalogue.exercises())


def remember(exercise: Exercise) -> None:
    """Add an exercise to those that have been solved, if that can be written."""
    try:
        write_json(record(), {"solved": sorted(solved() | {exercise.name})})
    except OSError as error:
        warnings.warn(f"not remembered: {error}", stacklevel=3)


def record() -> Path:
    """Return the file that remembers."""
    return cache_folder() / "exercises.json"
