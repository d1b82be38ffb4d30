"""All exercises, from the modules of the chapters."""

from functools import cache
from importlib import import_module

from tutorials.exercises.exercise import Exercise

CHAPTERS = tuple(f"chapter{number:02d}" for number in range(1, 16))


@cache
def exercises() -> dict[str, Exercise]:
    """Return the exercises by the names of their functions, in the chapters' order."""
    found = {}
    for chapter in CHAPTERS:
        module = import_module(f"tutorials.exercises.{chapter}")
        for exercise in module.EXERCISES:
            found[exercise.name] = exercise
    return found
