"""An exercise, and the diagnosis of a learner's function.

`tutorials.mistakes` lists wrong solutions, each under the sentence that names the
mistake. A learner's function that gives the same numbers as one of them in all cases
has made this mistake.
"""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutorials.exercises.answers import answers_to, cases, values
from tutorials.exercises.likeness import (
    exception,
    kind_that_is_right,
    likeness,
    reshaped,
)

NOTHING = "it returns nothing yet"
TOLERANCE = 1e-4  # relative to the largest number: float32 must pass, and z = 1.96


@dataclass(frozen=True)
class Exercise:
    """A function's task, checked against kept answers."""

    number: str  # "3.2": the second exercise of chapter 3
    signature: str  # "im2col_1d(x, kernel)"
    task: str  # in one line
    cases: Callable[[np.random.Generator], tuple[Any, ...]]  # arguments
    hints: tuple[str, ...]  # from a nudge to almost the answer
    keeps_type: bool = False  # float32 must stay; otherwise float64 will do
    # A further test of a function whose numbers are right: None, or what is wrong.
    accepted: Callable[[Callable[..., Any]], str | None] = lambda function: None

    @property
    def name(self) -> str:
        """The name of the function that the learner writes."""
        return self.signature.partition("(")[0]

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters."""
        return self.signature.partition("(")[2].removesuffix(")").split(", ")

    @property
    def chapter(self) -> str:
        """The name of the chapter's module, in several packages."""
        return f"chapter{int(self.number.partition('.')[0]):02d}"


@dataclass(frozen=True)
class Attempt:
    """A function's answer to one case and the right answer: one value or several."""

    arguments: tuple[Any, ...]
    expected: tuple[Any, ...]
    got: tuple[Any, ...]
    keeps_type: bool = False

    def value(self, i: int) -> "Attempt":
        """Return one of several values."""
        expected, got = self.expected[i : i + 1], self.got[i : i + 1]
        return Attempt(self.arguments, expected, got, self.keeps_type)

    @property
    def right(self) -> bool:
        """Whether all values are equal to rounding."""
        return same(self.got, self.expected, self.keeps_type)


def diagnose(exercise: Exercise, function: Callable[..., Any]) -> str | None:
    """Return a sentence that says what is wrong with a function, None if nothing is."""
    kept, attempts, problems = answers_to(exercise), list[Attempt](), list[str]()
    for arguments, expected in zip(cases(exercise), kept.right, strict=True):
        attempt, problem = call(exercise, function, arguments, expected)
        attempts.append(attempt or Attempt(arguments, expected, ()))
        problems += filter(None, [problem])
        if problems and not attempts[0].right:
            return problem
    if problems:
        return f"{problems[0]}{so_far(attempts)}"
    wrong = [attempt for attempt in attempts if not attempt.right]
    if not wrong:
        return exercise.accepted(function)
    for sentence, mistake in kept.mistakes.items():
        pairs = zip(attempts, mistake, strict=True)
        if all(same(attempt.got, answer) for attempt, answer in pairs):
            return sentence
    if of_form := next(filter(None, map(form, wrong)), None):
        return f"{of_form}{so_far(attempts)}"
    again, _ = call(exercise, function, attempts[0].arguments, attempts[0].expected)
    if again is None or not same(again.got, attempts[0].got):
        return "it gives different answers to the same arguments: is it random?"
    return (
        unchanged(exercise.parameters, attempts)
        or usual_mistake(attempts)
        or in_one_value(attempts, wrong[0])
    )


def so_far(attempts: Sequence[Attempt]) -> str:
    """Return which cases are right, or a question, if the first one is."""
    right = [attempt.right for attempt in attempts]
    if not right[0]:
        return ""
    if where := kind_that_is_right([a.arguments for a in attempts], right):
        return f" (it is right {where})"
    return " (other cases are right: is one of their sizes or numbers in your code?)"


def unchanged(names: Sequence[str], attempts: Sequence[Attempt]) -> str | None:
    """Return a sentence if an answer is one of the arguments in all cases."""
    for i, name in enumerate(names):
        if all(same(attempt.got, attempt.arguments[i : i + 1]) for attempt in attempts):
            return f"you return {name} unchanged"
    return None


def call(
    exercise: Exercise,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    expected: tuple[Any, ...],
) -> tuple[Attempt | None, str]:
    """Return a function's answer, or None and why there isn't one."""
    given, names = copy.deepcopy(arguments), exercise.parameters
    try:
        got = function(*given)
    except SystemExit:
        return None, "it ends Python with exit(): return the answer"
    except RecursionError:
        return None, "it calls itself without end (RecursionError)"
    except Exception as error:
        if not takes(function, len(names)):
            return None, f"it must take {len(names)} arguments: {', '.join(names)}"
        return None, f"it raises {text_of(error)}{shapes(names, given)}"
    if got is Ellipsis:
        return None, NOTHING
    if got is None:
        return None, "it returns None: is `return` missing?"
    for name, before, after in zip(names, arguments, given, strict=True):
        # Functions aren't compared; arrays must be exactly as before.
        if not (callable(before) or np.array_equal(before, after)):
            return None, f"it changes its argument {name}: work on a new array"
    # A copy, because a function may write its next answer into the same array.
    try:
        got = copy.deepcopy(got) if isinstance(got, np.ndarray | list | tuple) else got
    except Exception:  # a list of generators, for example
        return None, numbers_not(got)
    answer = values(got, several=len(expected) > 1)
    return Attempt(arguments, expected, answer, exercise.keeps_type), ""


def text_of(error: Exception) -> str:
    """Return an exception's class and the beginning of its text, in one line."""
    try:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    except Exception:  # from a __str__ of the learner's own
        return type(error).__name__


def numbers_not(got: Any) -> str:
    """Return a sentence about an answer that isn't made of numbers."""
    of_type = f" of type {got.dtype}" if isinstance(got, np.ndarray) else ""
    return f"it must return numbers, got {type(got).__name__}{of_type}"


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with `count` arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # NumPy's own functions have no signature
        pass
    return True


def shapes(names: Sequence[str], arguments: Sequence[Any]) -> str:
    """Return the shapes of the arguments that are arrays, for the end of a sentence."""
    found = [
        f"{name} {argument.shape}"
        for name, argument in zip(names, arguments, strict=True)
        if isinstance(argument, np.ndarray)
    ]
    return f" (the shapes here: {', '.join(found)})" if found else ""


def same(a: Sequence[Any], b: Sequence[Any], keeps_type: bool = True) -> bool:
    """Return whether values are equal: shape, type, and numbers to rounding."""
    try:
        arrays = [(np.asarray(i), np.asarray(j)) for i, j in zip(a, b, strict=True)]
        return all(
            i.shape == j.shape and same_type(i, j, keeps_type) and close(i, j)
            for i, j in arrays
        )
    except Exception:  # from whatever isn't numbers
        return False


def same_type(a: Any, b: Any, keeps_type: bool) -> bool:
    """Return whether an answer has the right type, or one that will do as well.

    These are any plain number, integers of another size, and, unless the type must
    stay, float64 for float32 and integers for whole numbers.
    """
    if a.dtype == b.dtype or (a.ndim == 0 and a.dtype.kind in "biuf"):
        return True
    if a.dtype.kind in "iu":
        whole = b.dtype.kind == "f" and not keeps_type and (b == np.round(b)).all()
        return b.dtype.kind in "iu" or bool(whole)
    return (a.dtype, b.dtype) == (np.float64, np.float32) and not keeps_type


def close(a: Any, b: Any) -> bool:
    """Return whether numbers are equal to rounding, on the scale of the largest."""
    scale = float(np.abs(b).max(initial=0)) or 1.0
    return bool(np.allclose(a, b, rtol=0, atol=TOLERANCE * scale))


def form(attempt: Attempt) -> str | None:
    """Return what is wrong with an answer apart from its numbers."""
    count = len(attempt.expected)
    if len(attempt.got) != count:
        return f"it must return {count} values: return a, b, ..."
    for i, pair in enumerate(zip(attempt.got, attempt.expected, strict=True)):
        if sentence := form_of_value(*pair, attempt):
            return f"{place(attempt, i)}{sentence}"
    return None


def form_of_value(got: Any, expected: Any, attempt: Attempt) -> str | None:
    """Return what is wrong with one value apart from its numbers."""
    try:
        a, b = np.asarray(got), np.asarray(expected)
        np.isfinite(a)
    except ValueError:
        return "its rows have different lengths: they make no array"
    except Exception:  # a TypeError, or whatever an __array__ raises
        return numbers_not(got)
    if a.shape != b.shape:
        why = reshaped(a, b) if np.can_cast(a.dtype, float) else None
        rest = f": {why}" if why else ""
        return f"its shape is {a.shape} where it must be {b.shape}{rest}"
    if not np.isfinite(a).all():
        return (
            "it returns inf or NaN: is there an overflow, a division by 0, the root "
            "or logarithm of a negative number, or an inf of your own?"
        )
    if not same_type(a, b, attempt.keeps_type):
        given = [x.dtype for x in attempt.arguments if isinstance(x, np.ndarray)]
        if b.dtype in given:
            must = f"the arguments' type {b.dtype} must stay"
        else:
            must = f"it must be {b.dtype}"
        return f"its type is {a.dtype} where {must}"
    return None


def place(attempt: Attempt, i: int) -> str:
    """Return the beginning of a sentence about one of several values."""
    count = len(attempt.expected)
    return f"value {i + 1} of {count}: " if count > 1 else ""


def in_one_value(attempts: list[Attempt], wrong: Attempt) -> str:
    """Return what is wrong with the numbers of an answer's first wrong value."""
    count = len(wrong.expected)
    i = next(i for i in range(count) if not wrong.value(i).right)
    alone = [attempt.value(i) for attempt in attempts]
    alike = likeness([(a.got[0], a.expected[0]) for a in alone])
    sentence = usual_mistake(alone) or alike or at_an_example(alone)
    return f"{place(wrong, i)}{sentence}"


def at_an_example(attempts: list[Attempt]) -> str:
    """Return where an answer differs most, and the cases that are wrong."""
    right = [attempt.right for attempt in attempts]
    where = exception([attempt.arguments for attempt in attempts], right)
    text = example(next(attempt for attempt in attempts if not attempt.right))
    if where:
        return f"it is right except {where}: {text}"
    count = f" ({sum(right)} of {len(right)} cases are right)" if any(right) else ""
    return f"its numbers are wrong: {text}{count}"


def usual_mistake(attempts: list[Attempt]) -> str | None:
    """Return a sentence if all cases have a flipped sign or the same wrong factor."""
    ratios = [ratio(a.got, a.expected) for a in attempts]
    if None in ratios:
        return None
    values = np.array(ratios, np.float64)
    sizes = np.array([batch_size(attempt) for attempt in attempts])
    if np.allclose(values, -1, atol=1e-3):
        return "your sign is flipped"
    if np.ptp(sizes) and np.allclose(values * sizes, 1, atol=1e-3):
        return "it is the right answer divided by N, the first array's length"
    if np.ptp(sizes) and np.allclose(values / sizes, 1, atol=1e-3):
        return "it is the right answer times N, the first array's length: divide by it"
    if np.allclose(values, 1, atol=1e-2):
        return None  # more likely a result that isn't accurate enough
    if np.ptp(values) < 1e-3 * abs(values).max():
        return f"it is {values.mean():.4g} times the right answer"
    return None


def batch_size(attempt: Attempt) -> int:
    """Return the number of rows of the first array argument; 1 without arrays."""
    arrays = [a for a in attempt.arguments if isinstance(a, np.ndarray) and a.ndim]
    return len(arrays[0]) if arrays else 1


def ratio(got: tuple[Any, ...], expected: tuple[Any, ...]) -> float | None:
    """Return c if got = c expected for all values; None if there is no such c."""
    a, b = (
        np.concatenate([np.asarray(value, np.float64).ravel() for value in answer])
        for answer in (got, expected)
    )
    size = float(b @ b)
    c = float(a @ b) / size if size else 0.0
    return c if c and close(a, c * b) else None


def example(attempt: Attempt) -> str:
    """Return where an answer, a single value, differs most."""
    [got], [expected] = (
        np.asarray(answer, np.float64) for answer in (attempt.got, attempt.expected)
    )
    worst = np.unravel_index(np.abs(got - expected).argmax(), expected.shape)
    where = f" at {tuple(map(int, worst))}" if expected.ndim else ""
    return f"{float(got[worst]):.6g}{where} where {float(expected[worst]):.6g} is right"
