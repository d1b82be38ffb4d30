"""The checkers: right solutions pass, wrong ones are refused by the right name."""

import inspect
import json
from functools import partial

import numpy as np
import pytest

from minidl.store import write_json
from tutorials import progress
from tutorials.exercises import chapter01, check, checking, hint
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import CASES, diagnose, same

EXERCISES = exercises()
MISTAKES = [
    (name, sentence)
    for name, exercise in EXERCISES.items()
    for sentence in exercise.mistakes
]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(checking, "given", {})


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_right(name):
    assert diagnose(EXERCISES[name], EXERCISES[name].solution) is None


@pytest.mark.parametrize(("name", "sentence"), MISTAKES)
def test_each_mistake_is_called_by_its_name(name, sentence):
    exercise = EXERCISES[name]
    assert diagnose(exercise, exercise.mistakes[sentence]) == sentence


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_is_complete(name):
    exercise = EXERCISES[name]
    assert len(exercise.mistakes) >= 4
    assert len(exercise.hints) >= 2
    arguments = exercise.cases(np.random.default_rng(0))
    assert len(inspect.signature(exercise.solution).parameters) == len(arguments)
    assert exercise.solution.__module__.startswith("tutorials.solutions.")
    assert exercise.solution.__doc__


@pytest.mark.parametrize("h", np.logspace(-3, -13, 21))
def test_a_one_sided_difference_is_wrong_with_any_step(h):
    """A large one is wrong by the curvature, and a small one by rounding."""
    one_sided = partial(chapter01.one_sided, h=h)
    assert diagnose(EXERCISES["slope"], one_sided) is not None


def test_an_array_may_be_returned_as_a_tuple_or_a_list():
    exercise = EXERCISES["winograd_1d"]
    assert diagnose(exercise, lambda d, g: tuple(exercise.solution(d, g))) is None
    assert diagnose(exercise, lambda d, g: list(exercise.solution(d, g))) is None


def test_what_is_not_exact_enough_is_not_called_a_factor():
    exercise = EXERCISES["neuron"]
    almost = diagnose(exercise, lambda *case: 1.001 * exercise.solution(*case))
    assert almost.startswith("its numbers are wrong: ")


def test_numbers_count_up_within_chapters():
    numbers = [tuple(map(int, e.number.split("."))) for e in EXERCISES.values()]
    assert numbers == sorted(set(numbers))
    assert {chapter for chapter, _ in numbers} == set(range(1, numbers[-1][0] + 1))


def arrays(exercise):
    """Where an exercise takes arrays, and its first array argument's place."""
    arguments = exercise.cases(np.random.default_rng(0))
    return [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)]


WITH_ARRAYS = [name for name, e in EXERCISES.items() if arrays(e)]


@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_changed_arguments_are_noticed(name):
    exercise = EXERCISES[name]
    i = arrays(exercise)[0]

    def careless(*arguments):
        result = exercise.solution(*arguments)
        arguments[i][...] = ~arguments[i] if arguments[i].dtype == bool else 7
        return result

    parameter = list(inspect.signature(exercise.solution).parameters)[i]
    assert f"it changes its argument {parameter}" in diagnose(exercise, careless)


def test_a_small_change_of_an_argument_is_noticed():
    def slope(f, x, i):
        behind = f(x)
        x[i] += 1e-7
        return (f(x) - behind) / 1e-7

    assert "it changes its argument x" in diagnose(EXERCISES["slope"], slope)


def changed(result, change):
    """The same change to all parts of a result."""
    if isinstance(result, tuple):
        return tuple(change(part) for part in result)
    return change(result)


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda r: -1 * r, "sign"),
        (lambda r: 7 * r, "it is 7 times what it must be"),
        (lambda r: None, "it returns nothing yet"),
        (lambda r: np.asarray(r)[None], "its shape is"),
        (lambda r: np.asarray(r) * np.nan, "it returns inf or NaN"),
        (lambda r: "12", "it must return numbers, got str"),
    ],
)
def test_usual_mistakes(name, change, problem):
    exercise = EXERCISES[name]
    many = isinstance(
        exercise.solution(*exercise.cases(np.random.default_rng(0))), tuple
    )

    def wrong(*arguments):
        result = exercise.solution(*arguments)
        return None if problem.endswith("yet") else changed(result, change)

    found = diagnose(exercise, wrong)
    assert problem in found or (problem == "sign" and found in exercise.mistakes)
    assert many or not found.startswith("it must return 2")


def test_another_type_is_named():
    def relu_backward(x, dout):
        return (dout * (x > 0)).astype(np.float64)

    found = diagnose(EXERCISES["relu_backward"], relu_backward)
    assert found == "its type is float64 where the arguments' type float32 must stay"


def test_another_type_than_the_arguments_is_named():
    def majority_vote(p):
        return EXERCISES["majority_vote"].solution(p).astype(np.float64)

    found = diagnose(EXERCISES["majority_vote"], majority_vote)
    assert found == "its type is float64 where it must be int64"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda dW: -dW, "value 2 of 3: your sign is flipped"),
        (lambda dW: 3 * dW, "value 2 of 3: it is 3 times what it must be"),
        (lambda dW: dW + 1, "value 2 of 3: its numbers are wrong: "),
        (lambda dW: dW[:-1], "value 2 of 3: its shape is "),
        (lambda dW: dW * np.inf, "value 2 of 3: it returns inf or NaN"),
    ],
)
def test_of_several_values_the_wrong_one_is_named(change, problem):
    def linear_backward(x, W, dout):
        dx, dW, db = EXERCISES["linear_backward"].solution(x, W, dout)
        return dx, change(dW), db

    found = diagnose(EXERCISES["linear_backward"], linear_backward)
    assert found.startswith(problem)


def test_a_shape_that_is_wrong_in_a_later_case_is_named():
    def im2col_1d(x, kernel):
        return np.zeros((11, 3))

    first = EXERCISES["im2col_1d"].cases(np.random.default_rng(0))
    assert EXERCISES["im2col_1d"].solution(*first).shape == (11, 3)
    found = diagnose(EXERCISES["im2col_1d"], im2col_1d)
    assert found.startswith("its shape is (11, 3) where it must be ")


def test_one_value_too_few():
    def linear_backward(x, W, dout):
        return dout @ W.T, x.T @ dout

    found = diagnose(EXERCISES["linear_backward"], linear_backward)
    assert found == "it must return 3 values: return a, b, ..."


def test_an_error_is_quoted():
    def softmax(z):
        raise RuntimeError("what now?")

    found = diagnose(EXERCISES["softmax"], softmax)
    assert found == "it raises RuntimeError: what now? (the shapes here: z (4, 6))"


def test_a_list_of_values_is_as_good_as_a_tuple():
    solution = EXERCISES["neuron_gradient"].solution
    assert diagnose(EXERCISES["neuron_gradient"], lambda *a: list(solution(*a))) is None


def test_rows_of_different_lengths_are_named():
    found = diagnose(EXERCISES["im2col_1d"], lambda x, k: [x[i:] for i in range(k)])
    assert found == "its rows have different lengths: they make no array"


@pytest.mark.parametrize(
    ("power", "problem"),
    [
        (1, "value 1 of 2: it is the right answer times N: divide by the size of the "),
        (
            -1,
            "value 1 of 2: it is the right answer divided by N, the size of the batch",
        ),
    ],
)
def test_a_sum_for_a_mean_is_named(power, problem):
    def neuron_gradient(x, y, w, b):
        dw, db = EXERCISES["neuron_gradient"].solution(x, y, w, b)
        return dw * float(len(x)) ** power, db

    found = diagnose(EXERCISES["neuron_gradient"], neuron_gradient)
    assert found.startswith(problem)


def test_the_usual_z_is_exact_enough():
    z, wilson_interval = 1.96, EXERCISES["wilson_interval"].solution

    def rounded(correct, images):
        p, n = correct / images, images
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        centre = p + z**2 / (2 * n)
        return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)

    assert rounded(5, 50) != wilson_interval(5, 50)
    assert diagnose(EXERCISES["wilson_interval"], rounded) is None


def test_what_nobody_thought_of_is_shown_where_it_differs_most():
    def im2col_1d(x, kernel):
        col = EXERCISES["im2col_1d"].solution(x, kernel).copy()
        col[1, 0] = 123
        return col

    found = diagnose(EXERCISES["im2col_1d"], im2col_1d)
    assert found.startswith("its numbers are wrong: 123 at (1, 0) where ")


def test_overflow_is_no_solution():
    with np.errstate(all="ignore"):
        found = diagnose(
            EXERCISES["softmax"],
            lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        )
    assert found.startswith("it returns inf or NaN")


def test_luck_on_one_case_isnt_enough():
    """Right on all cases but the last."""
    exercise, calls = EXERCISES["max_pool"], []

    def max_pool(x):
        calls.append(1)
        return exercise.solution(x) + (len(calls) == CASES)

    assert diagnose(exercise, max_pool).startswith("its numbers are wrong")


def test_equal_to_rounding_is_equal():
    assert same(np.float32(1), 1.0)
    assert same(np.ones(3), np.ones(3) * (1 + 1e-9))
    assert not same(np.ones(3, np.float32), np.ones(3))
    assert not same((1, 2), 1)
    assert not same("1", 1.5)


def test_check_says_so_and_remembers(capsys):
    def relu_backward(x, dout):
        return dout * (x > 0)

    check(relu_backward)
    assert capsys.readouterr().out.startswith("2.3 relu_backward: right.")
    assert checking.solved() == {"relu_backward"}
    progress.main([])
    shown = capsys.readouterr().out
    assert "  [x] 2.3  relu_backward" in shown
    assert "  [ ] 2.1  linear_forward" in shown
    assert f"1 of {len(EXERCISES)} solved" in shown


def test_check_names_the_mistake_and_forgets_nothing(capsys):
    def relu_backward(x, dout):
        return np.maximum(dout, 0)

    check(relu_backward)
    printed = capsys.readouterr().out
    assert "not yet: you return max(dout, 0): the sign of x decides" in printed
    assert "hint('relu_backward')" in printed
    assert checking.solved() == set()


def test_hints_come_one_after_another(capsys):
    exercise = EXERCISES["slope"]
    for number, text in enumerate(exercise.hints, start=1):
        hint("slope")
        assert capsys.readouterr().out == (
            f"slope, hint {number} of {len(exercise.hints)}: {text}\n"
        )
    hint("slope")
    assert "tutorials.solutions.chapter01" in capsys.readouterr().out


def test_a_damaged_memory_is_an_empty_one(capsys):
    checking.record().parent.mkdir(parents=True, exist_ok=True)
    write_json(checking.record(), {"solved": ["neuron", "no exercise any more"]})
    assert checking.solved() == {"neuron"}
    for content in ("{", json.dumps(["neuron"]), "[" * 9999):
        checking.record().write_text(content)
        with pytest.warns(UserWarning, match=r"exercises\.json is damaged.*set aside"):
            assert checking.solved() == set()
    write_json(checking.record(), {"solved": [["neuron"]]})
    with pytest.warns(UserWarning, match=r"exercises\.json is damaged.*set aside"):
        assert checking.solved() == set()


def test_a_memory_that_is_a_folder_is_named(capsys):
    checking.record().mkdir(parents=True)
    with pytest.raises(SystemExit):
        progress.main([])
    error = capsys.readouterr().err
    assert "exercises.json is a folder" in error
    assert error.count("\n") == 1
    with pytest.warns(UserWarning, match=r"not remembered: .*exercises\.json"):
        checking.remember(EXERCISES["neuron"])


@pytest.mark.parametrize("call", [lambda: hint("nothing"), lambda: check(len)])
def test_an_unknown_exercise_is_refused(call):
    with pytest.raises(ValueError, match="the function's name must be one of neuron, "):
        call()
