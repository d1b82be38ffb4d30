"""check and hint, which learners call. Solved exercises are remembered in a file.

The file is in the folder named by MINIDL_PROGRESS, or with the user's data.
"""

import os
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from platformdirs import user_data_dir

from minidl.store import DamagedError, read_json, refused, write_json
from minidl.store.files import set_aside
from tutorials.exercises import catalogue, limits
from tutorials.exercises.exercise import NOTHING, Exercise, diagnose

LIST = "python -m tutorials.progress"
given: dict[str, int] = {}  # numbers of hints in this process, by exercise


def check(function: Callable[..., Any]) -> None:
    """Say whether a function solves the exercise of its name, and if not, why.

    It has `limits.SECONDS`; its output is shown after the verdict, shortened.
    """
    exercise = asked_for(function)
    if isinstance(exercise, str):
        print(exercise)
        return
    title = f"{exercise.number} {exercise.name}"
    printed = ""
    try:
        problem, printed = limits.limited(lambda: diagnose(exercise, function))
    except limits.OutOfTime:
        problem = f"it takes longer than {limits.SECONDS:g} s: does a loop never end?"
    if problem != NOTHING:  # an exercise that is emptied and run again stays solved
        remember(exercise, problem is None)
    if problem is None:
        print(
            f"{title}: right. Value, shape and type agree; the arguments are untouched."
        )
    else:
        end = "" if problem.endswith((".", "?")) else "."
        print(f"{title}: not yet: {problem}{end} (hint({exercise.name!r}) helps.)")
    if printed:
        print(f"It printed: {printed}")


def hint(name: str) -> None:
    """Print the next hint to an exercise; after the last, where the solution is."""
    name = getattr(name, "__name__", str(name))  # hint(neuron) is meant well
    exercise = find(name)
    if isinstance(exercise, str):
        print(exercise)
        return
    count = given.get(name, 0)
    if count < len(exercise.hints):
        given[name] = count + 1
        text = exercise.hints[count]
        print(f"{name}, hint {count + 1} of {len(exercise.hints)}: {text}")
    elif find_spec("tutorials.solutions"):
        print(f"{name}: the solution is in tutorials.solutions.{exercise.chapter}")
    else:
        print(f"{name}: there are no more hints")


def asked_for(function: Any) -> Exercise | str:
    """Return the exercise that a function solves, or a line that says why none."""
    if not callable(function):
        if isinstance(function, str) and function in catalogue.exercises():
            return f"check takes the function, not its name: check({function})"
        return (
            f"check takes a function, got {type(function).__name__}: write check(f), "
            "not check(f(x))"
        )
    name = getattr(function, "__name__", "")
    if name in ("", "<lambda>"):
        return "check finds the exercise by the function's name: write def and a name"
    return find(name)


def find(name: str) -> Exercise | str:
    """Return the exercise of this name, or a line that says there is none."""
    exercises = catalogue.exercises()
    if name in exercises:
        return exercises[name]
    alike = get_close_matches(name, exercises, 1)
    rest = f"did you mean {alike[0]}?" if alike else f"{LIST} lists their names"
    return f"no exercise is called {name}: {rest}"


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


def remember(exercise: Exercise, right: bool) -> None:
    """Tick a solved exercise, or remove the tick; warn if the file can't be written."""
    own = {exercise.name}
    try:
        before = solved()
        after = before | own if right else before - own
        if after != before:
            write_json(record(), {"solved": sorted(after)})
    except OSError as error:
        warnings.warn(f"not remembered: {error}", stacklevel=3)


def record() -> Path:
    """Return the file of solved exercises, in MINIDL_PROGRESS or with the user's data.

    It isn't in the cache of trained networks, which a class may share.
    """
    chosen = os.environ.get("MINIDL_PROGRESS") or user_data_dir("minidl", False)
    return Path(chosen).expanduser().absolute() / "exercises.json"
