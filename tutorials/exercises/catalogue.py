"""All exercises, from the chapters' modules."""

from functools import cache
from importlib import import_module

from tutorials.exercises.exercise import Exercise

CHAPTERS = tuple(f"chapter{number:02d}" for number in range(1, 16))


@cache
def exercises() -> dict[str, Exercise]:
    """Return the exercises by their functions' names, in the order of the chapters."""
    found = {}
    for chapter in CHAPTERS:
        module = import_module(f"tutorials.exercises.{chapter}")
        for exercise in module.EXERCISES:
            found[exercise.name] = exercise
    return found
