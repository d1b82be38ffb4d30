"""No mutant of a right answer is called right, unless it is right."""

from importlib import import_module

import numpy as np
import pytest

from tests.tutorials.wrong_answers import mutants
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import CASES, diagnose
from tutorials.exercises.limits import OutOfTime, limited

CHAPTERS = ("chapter01", "chapter02", "chapter03")
OVERWRITTEN = "weights are overwritten"
LENGTH = "both have N rows"
SQUARE = "only the first of two equal results is used"
ANY = "-1 and -2 both say: whatever is left"
LIST = "a list of rows is an array"
EQUIVALENT = {  # by chapter: what stands in a mutant that is right, and why it is
    "chapter01": {
        "default_rng(1)": OVERWRITTEN,
        "dz / len(y)": LENGTH,
        "(p - y) / len(y)": LENGTH,
        "step[i] = 1.5000000000000002e-05": "any small h will do",
        "step[i] = 5e-06": "any small h will do",
    },
    "chapter02": {
        "linear(W, W.shape[1])": "dJ/dx and dJ/dW don't depend on b",
        "linear(W, np.ones(W.shape[1]))": "dJ/dx and dJ/dW don't depend on b",
        "linear(W, np.zeros(dout.shape[1]))": "dout has M columns, as W",
    },
    "chapter03": {
        "stride, pad)[1]": SQUARE,
        "stride, pad)[-1]": SQUARE,
        "(length, kernel), (": SQUARE,
        "(length, stride), (": SQUARE,
        "(length, first_of(length)), (": SQUARE,
        "(kernel, length), stride": SQUARE,
        "(kernel, stride), stride": SQUARE,
        "(kernel, pad), stride": SQUARE,
        "(kernel, first_of(kernel)), stride": SQUARE,
        "reshape(1, 1, -2, 1)": ANY,
        "reshape(-2": ANY,
        "return [x[i:i + kernel] for i": LIST,
    },
}


def of_chapter(chapter):
    return [e for e in exercises().values() if e.solution.__module__.endswith(chapter)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_plain_answers_are_right(chapter):
    module = import_module(f"tests.tutorials.answers.{chapter}")
    for exercise in of_chapter(chapter):
        assert diagnose(exercise, getattr(module, exercise.name)) is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_mutant_survives(chapter):
    survivors, unseen = [], set(EQUIVALENT[chapter])
    for room in ("tutorials.solutions", "tests.tutorials.answers"):
        for exercise in of_chapter(chapter):
            case = exercise.cases(np.random.default_rng(0))
            for mutant in mutants(f"{room}.{chapter}", exercise.name, case):
                if is_right(exercise, mutant.function):
                    after = mutant.change.split(" -> ")[1]
                    reasons = {key for key in EQUIVALENT[chapter] if key in after}
                    unseen -= reasons
                    if not reasons:
                        survivors.append((exercise.name, mutant.change))
    assert not survivors
    assert not unseen  # a mutant that is noticed isn't equivalent


def is_right(exercise, function):
    try:
        problem, _ = limited(lambda: diagnose(exercise, function), seconds=5)
    except OutOfTime:
        return False
    return problem is None


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_size_is_the_same_in_all_cases(chapter):
    """Nor is any number that is an argument."""
    for exercise in of_chapter(chapter):
        cases = [exercise.cases(np.random.default_rng(i)) for i in range(CASES)]
        for values in zip(*cases, strict=True):
            if isinstance(values[0], np.ndarray):
                sizes = zip(*(value.shape for value in values), strict=True)
                assert all(len(set(axis)) > 1 for axis in sizes), exercise.name
            elif not callable(values[0]):
                assert len(set(values)) > 1, exercise.name
