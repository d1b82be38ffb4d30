"""The checkers accept right answers, and name the mistakes of wrong ones."""

import dataclasses
import inspect
import json
import math
from functools import partial

import numpy as np
import pytest
from numpy import array, asarray, float64, ones

from minidl.store import DamagedError, write_json
from tests.processes import run_code
from tutorials import progress
from tutorials.exercises import answers, check, checking, hint
from tutorials.exercises.answers import CASES
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import diagnose, same
from tutorials.mistakes import chapter01
from tutorials.solutions import keep

EXERCISES = exercises()
SOLUTIONS = {name: keep.solution(exercise) for name, exercise in EXERCISES.items()}
MISTAKES = [
    (name, sentence)
    for name, exercise in EXERCISES.items()
    for sentence in keep.mistakes(exercise)
]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(checking, "given", {})


@pytest.mark.parametrize(("name", "sentence"), MISTAKES)
def test_each_mistake_is_called_by_its_name(name, sentence):
    exercise = EXERCISES[name]
    assert diagnose(exercise, keep.mistakes(exercise)[sentence]) == sentence


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_is_complete(name):
    exercise = EXERCISES[name]
    assert len(keep.mistakes(exercise)) >= 4
    assert len(exercise.hints) >= 2
    arguments = exercise.cases(np.random.default_rng(0))
    assert len(exercise.parameters) == len(arguments)
    assert list(inspect.signature(SOLUTIONS[name]).parameters) == exercise.parameters
    assert SOLUTIONS[name].__doc__


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stored_answers_are_up_to_date(name):
    """Else: python -m tutorials.solutions.keep."""
    exercise = EXERCISES[name]
    kept, today = answers.answers_to(exercise), keep.answers_of(exercise)
    assert list(kept.mistakes) == list(today.mistakes)
    pairs = zip(numbers_of(kept), numbers_of(today), strict=True)
    for a, b in pairs:
        assert a.dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def numbers_of(answers):
    """All values of all cases."""
    rows = (answers.right, *answers.mistakes.values())
    return [value for row in rows for case in row for value in case]


def test_other_random_numbers_are_noticed(monkeypatch):
    exercise = EXERCISES["softmax"]
    other = dataclasses.replace(
        exercise, cases=lambda rng: exercise.cases(np.random.default_rng(5))
    )
    with pytest.raises(
        DamagedError, match=r"chapter04\.npz has answers to other cases"
    ):
        diagnose(other, SOLUTIONS["softmax"])
    unknown = dataclasses.replace(exercise, signature="softmin(z)")
    with pytest.raises(DamagedError, match=r"no answers to softmin"):
        diagnose(unknown, SOLUTIONS["softmax"])


def test_check_and_hint_need_no_solutions():
    """A learner's copy of the course lacks the solutions and the mistakes."""
    code = """
import sys
sys.modules |= {"tutorials.solutions": None, "tutorials.mistakes": None}
from tutorials.exercises import check, hint
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import diagnose

def relu_backward(x, dout):
    return dout * (x > 0)

check(relu_backward)
for _ in range(4):
    hint("relu_backward")
assert all(diagnose(e, lambda *a: a[0]) for e in exercises().values())
"""
    printed = run_code(code)
    assert "relu_backward: right." in printed
    assert printed.endswith("relu_backward: there are no more hints\n")


@pytest.mark.parametrize("h", np.logspace(-3, -13, 21))
def test_a_one_sided_difference_is_wrong_with_any_step(h):
    """Curvature spoils a large step, and rounding a small one."""
    one_sided = partial(chapter01.one_sided, h=h)
    assert diagnose(EXERCISES["slope"], one_sided) is not None


def test_numbers_count_up_within_chapters():
    numbers = [tuple(map(int, e.number.split("."))) for e in EXERCISES.values()]
    assert numbers == sorted(set(numbers))
    assert {chapter for chapter, _ in numbers} == set(range(1, numbers[-1][0] + 1))


def arrays(exercise):
    """Return the places of an exercise's arguments that are arrays."""
    arguments = exercise.cases(np.random.default_rng(0))
    return [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)]


WITH_ARRAYS = [name for name, e in EXERCISES.items() if arrays(e)]


@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_changed_arguments_are_noticed(name):
    exercise = EXERCISES[name]
    i = arrays(exercise)[0]

    def careless(*arguments):
        result = SOLUTIONS[name](*arguments)
        arguments[i][...] = ~arguments[i] if arguments[i].dtype == bool else 7
        return result

    parameter = exercise.parameters[i]
    assert f"it changes its argument {parameter}" in diagnose(exercise, careless)


def changed(result, change):
    """The same change to all parts of a result."""
    if isinstance(result, tuple):
        return tuple(change(part) for part in result)
    return change(result)


@pytest.mark.parametrize("name", EXERCISES)
def test_arguments_are_of_both_signs_and_not_constant(name):
    """Otherwise abs(b) would pass for b, and an answer without p for one with it."""
    exercise = EXERCISES[name]
    cases = [exercise.cases(np.random.default_rng(seed)) for seed in range(CASES)]
    for values in zip(*cases, strict=True):
        if isinstance(values[0], float):
            assert min(values) >= 0 or max(values) > 0
        if isinstance(values[0], np.ndarray):
            assert len(set(np.concatenate([v.ravel() for v in values]))) > 1


def with_minus_abs_b(x, w, b):
    return SOLUTIONS["neuron"](x, w, -abs(b))


def step_alone(p, g, m, v, t):
    new, m, v = SOLUTIONS["adam_step"](p, g, m, v, t)
    return new - p, m, v


def of_the_nearest_to_zero(z, y):
    return (abs(z).argmin(axis=1) == y).mean()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("neuron", with_minus_abs_b),
        ("adam_step", step_alone),
        ("accuracy", of_the_nearest_to_zero),
    ],
)
def test_what_passed_with_arguments_of_one_sign(name, wrong):
    assert diagnose(EXERCISES[name], wrong) is not None


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda r: -1 * r, "sign"),
        (lambda r: 7 * r, "it is 7 times the right answer"),
        (lambda r: None, "it returns None: is `return` missing?"),
        (lambda r: ..., "it returns nothing yet"),
        (lambda r: np.asarray(r)[None], "its shape is"),
        (lambda r: np.asarray(r) * np.nan, "it returns inf or NaN"),
        (lambda r: "12", "it must return numbers, got str"),
    ],
)
def test_usual_mistakes(name, change, problem):
    exercise = EXERCISES[name]
    many = isinstance(SOLUTIONS[name](*exercise.cases(np.random.default_rng(0))), tuple)

    def wrong(*arguments):
        result = SOLUTIONS[name](*arguments)
        empty = change(0)
        return empty if empty is None or empty is ... else changed(result, change)

    found = diagnose(exercise, wrong)
    known = problem == "sign" and found in keep.mistakes(exercise)
    assert problem in found or known or found.endswith("where it must be bool")
    assert many or not found.startswith("it must return 2")


def slope_that_moves_x(right, f, x, i):
    behind = f(x)
    x[i] += 1e-7
    return (f(x) - behind) / 1e-7


def failing(right, z):
    raise RuntimeError("what now?")


def rounded_interval(right, correct, images):
    """Wilson's with z = 1.96."""
    z, p, n = 1.96, correct / images, images
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    centre = p + z**2 / (2 * n)
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


@pytest.mark.parametrize(
    ("name", "function", "begins"),
    [
        ("wilson_interval", rounded_interval, None),
        ("slope", slope_that_moves_x, "it changes its argument x"),
        ("softmax", failing, "it raises RuntimeError: what now? (the shapes here: z ("),
    ],
)
def test_what_is_said_of_an_answer(name, function, begins):
    found = diagnose(EXERCISES[name], partial(function, SOLUTIONS[name]))
    assert found is None if begins is None else found.startswith(begins)


def second(change):
    """Change the second of three values."""
    return lambda a: (a[0], change(a[1]), a[2])


def one_entry_off(col):
    col = col.copy()
    col[1, 0] = 123
    return col


LIKE = "you return %s the right answer"
CHANGED = [  # exercise, change of the right answer, what the checker says
    ("margin", np.sign, LIKE % "the sign of"),
    ("log_odds", np.absolute, LIKE % "the absolute value of"),
    ("margin", lambda a: a.clip(min=0), "with 0 in place of all numbers below 0"),
    ("log_odds", lambda a: a.clip(max=0), "with 0 in place of all numbers above 0"),
    ("margin", lambda a: a * a, LIKE % "the square of"),
    ("ensemble_weights", lambda a: a**0.5, LIKE % "the square root of"),
    ("products_saved", math.log, LIKE % "the logarithm of"),
    ("margin", lambda a: math.e**a, LIKE % "exp of"),
    ("margin", lambda a: 1 - a, LIKE % "1 minus"),
    ("im2col_growth", lambda a: a**-1, LIKE % "1 over"),
    ("majority_vote", lambda a: a + 1, "you return the right answer plus 1"),
    ("majority_vote", lambda a: a - 1, "you return the right answer minus 1"),
    ("neuron", lambda a: -0.0 * a, "all your numbers are 0, whatever the arguments"),
    ("cross_entropy_gradient", lambda a: 0 * a, "all your numbers are 0, whatever"),
    ("margin", np.ones_like, "all your numbers are 1, whatever the arguments"),
    ("adam_step", lambda a: (0 * a[0], *a[1:]), "value 1 of 3: all your numbers are 0"),
    ("log_odds", lambda a: a.round(), "you round the right answer to whole numbers"),
    ("products_saved", lambda a: a // 1, "you round the right answer down"),
    ("products_saved", math.ceil, "you round the right answer up"),
    ("log_odds", lambda a: a.astype(int) * 1.0, "you cut off the digits after"),
    ("margin", lambda a: [*reversed(a)], "right, but in reverse order"),
    ("margin", lambda a: [a[-1], *a[:-1]], "right, but one place too late"),
    ("margin", lambda a: [*a[1:], a[0]], "right, but one place too early"),
    ("margin", lambda a: a / max(abs(a)), "divide the right answer by its largest"),
    ("margin", lambda a: a / sum(a), "divide the right answer by its sum"),
    ("margin", lambda a: a / np.linalg.norm(a), "divide the right answer by its norm"),
    (
        "ensemble_weights",
        lambda a: [row / np.linalg.norm(row) for row in a],
        "you divide each row of the right answer by its norm",
    ),
    ("ensemble_weights", lambda a: [a[0]] * len(a), "all your rows equal the first"),
    ("softmax", lambda a: a.T, "the numbers are right, but transpose(1, 0) is missing"),
    ("margin", lambda a: a[:, None], "the numbers are right, but not the shape"),
    ("softmax", sum, "you sum over axis 0 of the right answer"),
    ("softmax", lambda a: sum(a.T) / len(a.T), "you take the mean over axis 1 of"),
    ("margin", lambda a: [a / 2] * 2, "the sum over axis 0 of yours is the right"),
    ("worst_case", lambda a: [a - 1, a + 1], "the mean over axis 0 of yours is the"),
    ("disagreement", lambda a: a / 2, "it is 0.5 times the right answer"),
    (
        "ensemble_weights",
        lambda a: a / len(a),
        "answer divided by N, the first array's",
    ),
    ("ensemble_weights", lambda a: a * len(a), "answer times N, the first array's"),
    ("linear_backward", lambda a: a[:2], "it must return 3 values: return a, b, ..."),
    ("linear_backward", second(lambda a: -a), "value 2 of 3: your sign is flipped"),
    ("linear_backward", second(lambda a: a + 1), "value 2 of 3: you return the right"),
    ("linear_backward", second(lambda a: a + 1.7), "value 2 of 3: its numbers are"),
    ("linear_backward", second(lambda a: a[:-1]), "value 2 of 3: its shape is "),
    ("neuron", lambda a: 1.001 * a, "its numbers are wrong: "),
    ("im2col_1d", one_entry_off, "its numbers are wrong: 123 at (1, 0) where "),
    (
        "im2col_1d",
        lambda a: [*a[:-1], a[0, 1:]],
        "different lengths: they make no array",
    ),
    ("im2col_1d", lambda a: np.zeros((11, 3)), "its shape is (11, 3) where it must be"),
    ("majority_vote", lambda a: a * 1.0, "its type is float64 where it must be int64"),
    (
        "dropout",
        lambda a: a.astype(np.float64),
        "its type is float64 where the arguments' type float32 must stay",
    ),
    ("relu_backward", lambda a: a.astype(np.float64), None),
    ("relu_backward", lambda a: a.tolist(), None),
    ("relu_backward", lambda a: a.astype(int), "its type is int64 where the arg"),
    ("margin_loss", lambda a: (a[0], a[1].astype(int)), None),
    ("combined_loss", lambda a: (a[0], a[1].astype(int).tolist()), None),
    ("margin_loss", lambda a: (a[0], a[1] > 0), "value 2 of 2: its type is bool"),
    (
        "margin_loss",
        lambda a: (a[0].astype(int), a[1]),
        "value 1 of 2: its type is int64",
    ),
    (
        "log_odds",
        lambda a: a.astype(object),
        "it must return numbers, got ndarray of type object",
    ),
    ("log_odds", sum, "its shape is () where it must be (4,)"),
    ("im2col_growth", np.float32, None),
    ("majority_vote", list, None),
    ("winograd_1d", list, None),
    ("winograd_1d", tuple, None),
    ("neuron_gradient", list, None),
    ("majority_vote", lambda a: a.astype(np.int32), None),
]


@pytest.mark.parametrize(("name", "change", "said"), CHANGED)
def test_what_is_said_of_a_changed_right_answer(name, change, said):
    found = diagnose(EXERCISES[name], lambda *a: change(SOLUTIONS[name](*a)))
    assert found is None if said is None else said in found


def test_an_answer_that_is_wrong_in_one_case_is_wrong():
    """Right on all cases but the last."""
    exercise, calls = EXERCISES["max_pool"], []

    def max_pool(x):
        calls.append(1)
        return SOLUTIONS["max_pool"](x) + (len(calls) == CASES)

    assert diagnose(exercise, max_pool).startswith("its numbers are wrong")


def test_answers_are_compared_up_to_rounding():
    assert same([np.float32(1)], [1.0])
    assert same([np.ones(3)], [np.ones(3) * (1 + 1e-9)])
    assert not same([np.ones(3, np.float32)], [np.ones(3)])
    assert not same([1, 2], [1])
    assert not same(["1"], [1.5])


def relu_backward(x, dout):
    return dout * (x > 0)


def test_check_reports_and_remembers_a_right_answer(capsys):
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


def test_a_wrong_answer_removes_the_tick(capsys):
    check(relu_backward)
    check(named(lambda x, dout: ...))  # the exercise as it was handed out
    assert checking.solved() == {"relu_backward"}
    check(named(lambda x, dout: dout))
    assert checking.solved() == set()


def test_progress_and_networks_are_kept_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIDL_PROGRESS", str(tmp_path / "mine"))
    check(relu_backward)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["exercises.json"]
    assert not (tmp_path / "cache").exists()
    monkeypatch.delenv("MINIDL_PROGRESS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    for shared in ("cache", "another"):
        monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / shared))
        assert checking.record().parent.name == "minidl"
        assert not checking.record().is_relative_to(tmp_path / shared)


def test_hints_come_one_after_another(capsys):
    exercise = EXERCISES["slope"]
    for number, text in enumerate(exercise.hints, start=1):
        hint("slope")
        assert capsys.readouterr().out == (
            f"slope, hint {number} of {len(exercise.hints)}: {text}\n"
        )
    hint("slope")
    assert "tutorials.solutions.chapter01" in capsys.readouterr().out


def test_a_damaged_record_counts_as_empty():
    write_json(checking.record(), {"solved": ["neuron", "no exercise any more"]})
    assert checking.solved() == {"neuron"}
    write_json(checking.record(), {"solved": [["neuron"]]})
    unreadable = checking.record().read_text()
    for content in ("{", json.dumps(["neuron"]), "[" * 9999, unreadable):
        checking.record().write_text(content)
        with pytest.warns(UserWarning, match=r"exercises\.json is damaged.*set aside"):
            assert checking.solved() == set()


def test_a_folder_in_place_of_the_record_is_named(refused):
    checking.record().mkdir(parents=True)
    assert "exercises.json is a folder" in refused(progress.main, [])
    with pytest.warns(UserWarning, match=r"not remembered: .*exercises\.json"):
        checking.remember(EXERCISES["neuron"], True)


class StubbornError(Exception):
    """It has no text, no copy and no numbers."""

    def fail(self, *arguments, **how):
        raise self

    __str__ = __deepcopy__ = __array__ = fail


def raises(x, dout):
    raise StubbornError


def recursive(x, dout):
    return recursive(x, dout)


def quits(x, dout):
    exit()


def prints(x, dout):
    print("a" * 500)
    return dout * (x > 0)


def loops(x, dout):
    while True:
        pass


def loops_on(x, dout):
    while True:
        try:
            loops(x, dout)
        except:  # noqa: E722
            if len(stopped) > 3:
                raise
            stopped.append(1)


stopped = []


def asks(x, dout):
    return input()


def named(function, name="relu_backward"):
    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (recursive, "it calls itself without end (RecursionError)"),
        (quits, "it ends Python with exit(): return the answer"),
        (loops, "it takes longer than 0.2 s: does a loop never end?"),
        (loops_on, "it takes longer than 0.2 s: does a loop never end?"),
        (asks, "it raises EOFError"),
        (raises, "it raises StubbornError (the shapes here: x ("),
        (lambda x, dout: StubbornError(), "it must return numbers, got StubbornError"),
        (lambda x, dout: [StubbornError()], "it must return numbers, got list"),
        (lambda x, dout: [(v for v in x)], "it must return numbers, got list"),
        (lambda x: x, "it must take 2 arguments: x, dout"),
    ],
)
def test_what_would_end_or_block_python_is_answered_in_a_line(
    function, line, capsys, monkeypatch
):
    if function in (loops, loops_on):  # the others end by themselves, however late
        monkeypatch.setattr(checking.limits, "SECONDS", 0.2)
    check(named(function))
    printed = capsys.readouterr().out
    assert f"not yet: {line}" in printed
    assert printed.count("\n") == 1


def test_what_a_function_prints_is_shortened(capsys):
    check(named(prints))
    verdict, printed = capsys.readouterr().out.splitlines()
    assert "right." in verdict
    assert (
        printed == f"It printed: {'a' * 200} ... ({501 * CASES - 200} more characters)"
    )


def test_a_fault_of_the_checker_itself_is_raised():
    with pytest.raises(ZeroDivisionError):
        checking.limits.limited(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: hint("nothing"), "no exercise is called nothing: python -m"),
        (lambda: check(len), "no exercise is called len: "),
        (lambda: check(named(lambda: 0, "sofmax")), "did you mean softmax?"),
        (lambda: hint("neurn"), "did you mean neuron?"),
        (lambda: check("neuron"), "not its name: check(neuron)"),
        (lambda: check(np.ones(3)), "got ndarray: write check(f), not check(f(x))"),
        (lambda: check(None), "got NoneType: write check(f), not check(f(x))"),
        (lambda: check(lambda x: x), "by the function's name: write def and a name"),
        (lambda: check(partial(len)), "by the function's name: write def and a name"),
    ],
)
def test_a_wrong_call_of_check_or_hint_is_answered_in_a_line(call, line, capsys):
    call()
    printed = capsys.readouterr().out
    assert line in printed
    assert printed.count("\n") == 1


def test_an_array_that_is_used_again_holds_right_answers():
    used = np.zeros((99, 99, 99, 9))

    def max_pool(x):
        out = SOLUTIONS["max_pool"](x)
        answer = used[tuple(map(slice, out.shape))]
        answer[...] = out
        return answer

    assert diagnose(EXERCISES["max_pool"], max_pool) is None


def test_a_random_answer_is_named():
    rng = np.random.default_rng(0)
    found = diagnose(EXERCISES["softmax"], lambda z: rng.random(z.shape))
    assert found == "it gives different answers to the same arguments: is it random?"


def test_the_kind_of_the_wrong_cases_is_named():
    exercise = EXERCISES["relu_backward"]

    def relu_backward(x, dout):
        return SOLUTIONS["relu_backward"](x, dout) * (
            1 if x.dtype == np.float64 else np.float32(3)
        )

    assert "it is right except in float32" in diagnose(exercise, relu_backward)


class Nothing:
    """Without any difference to a number."""

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


@pytest.mark.parametrize("name", ["output_length", "slope", "accuracy"])
def test_an_object_is_no_number(name):
    found = diagnose(EXERCISES[name], lambda *arguments: Nothing())
    assert found == "it must return numbers, got Nothing"


@pytest.mark.parametrize(("name", "i"), [("bim", 1), ("softmax", 0)])
def test_an_argument_that_is_returned_is_named(name, i):
    exercise = EXERCISES[name]
    found = diagnose(exercise, lambda *arguments: arguments[i])
    assert found == f"you return {exercise.parameters[i]} unchanged"


def without_keepdims(x_adv, x, eps):
    length = np.sqrt(((x_adv - x) ** 2).sum(axis=(1, 2, 3)))
    return x + (x_adv - x) * np.minimum(1, eps / length)


def with_a_size(x_adv, x, eps):
    return SOLUTIONS["l2_project"](x_adv, x.reshape(len(x), 4, 2, 1), eps)


@pytest.mark.parametrize(
    ("l2_project", "said"),
    [
        (without_keepdims, "(it is right with one row (N = 1))"),
        (with_a_size, "(other cases are right: is one of their sizes or numbers in"),
    ],
)
def test_only_a_size_in_the_code_is_called_so(l2_project, said):
    found = diagnose(EXERCISES["l2_project"], l2_project)
    assert found.startswith("it raises ValueError: ")
    assert said in found


def typed(d, g):
    """Six products of plain numbers."""
    out = np.zeros(2)
    for i in range(2):
        for j in range(3):
            out[i] += float(d[i + j]) * float(g[j])
    return out


def retyped(d, g):
    windows = np.lib.stride_tricks.sliding_window_view(d.astype(np.float64), 3)
    return windows @ np.asarray(g, dtype=float)


def twice(d, g):
    """Four different products, of which two are taken twice."""
    half = float(g.sum()) / 2
    first = (d[0] - d[2]) * g[0] + (d[1] + d[2]) * half + (d[2] - d[1]) * (half - g[1])
    return [first, (d[1] + d[2]) * half - (d[2] - d[1]) * (half - g[1]) - last(d, g)]


def last(d, g):
    return (d[1] - d[3]) * float(g[2])


def in_arrays(d, g):
    """Four products, through arrays of numbers."""
    u, v = np.zeros(4), np.empty(4, dtype=float)
    u[0], u[1], u[2], u[3] = g[0], g.sum() / 2, (g[0] - g[1] + g[2]) / 2, g[2]
    v[:] = d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]
    m = u * v
    return [float(m[0] + m[1] + m[2]), float(m[1] - m[2] - m[3])]


def positional(d, g):
    """Six products, whose types are given by position."""
    windows = np.zeros((2, 3), np.float64)
    windows[0], windows[1] = d[:3], np.array(d[1:], float)
    return windows @ np.full(3, g, float)


def imported(d, g):
    """Six products of numbers in arrays that aren't made through `np`."""
    import numpy as numbers

    windows = np.stack([numbers.array(d[:3]), asarray(d[1:], float64)])
    return windows @ (ones(3) * g)


def hidden(d, g):
    return [math.fsum(d[:3] * g), math.fsum(d[1:] * g)]


def four(d, g, change=lambda number: number):
    """Four products, with an array of plain numbers for the outputs."""
    import numpy as np

    rows = [1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]
    u = array([g[0], sum(g) / 2, (g[0] - g[1] + +g[2]) / 2, g[2]], float)
    m, out = u * (np.array(rows, float) @ change(d)), np.zeros(2, np.float64)
    out[0], out[1] = math.fsum(m[:3]), m[1] - m[2] - m[3]
    return out


def uncounted(d, g):
    """Four products, through numbers that can't be followed."""
    return four(d, g, lambda numbers: np.array([number.real for number in numbers]))


@pytest.mark.parametrize(
    ("winograd_1d", "said"),
    [
        (lambda d, g: np.correlate(d, g, "valid"), "it takes 6 products"),
        (lambda d, g: [d[:3] @ g, d[1:] @ g], "it takes 6 products"),
        (typed, "it takes 6 products"),
        (retyped, "it takes 6 products"),
        (twice, "it takes 6 products"),
        (positional, "it takes 6 products"),
        (imported, "it takes 6 products"),
        (hidden, "it takes 6 products"),
        (in_arrays, None),
        (four, None),
        (lambda d, g: SOLUTIONS["winograd_1d"](d, g), None),
    ],
)
def test_products_are_counted_where_their_number_is_the_task(winograd_1d, said):
    found = diagnose(EXERCISES["winograd_1d"], winograd_1d)
    assert found is None if said is None else found.startswith(said)


def test_products_that_cannot_be_counted_are_no_mistake(capsys):
    check(named(uncounted, "winograd_1d"))
    verdict, said = capsys.readouterr().out.splitlines()
    assert "winograd_1d: right." in verdict
    assert "check couldn't count its products (AttributeError: " in said


@pytest.mark.parametrize("other", [lambda y: y * 0, lambda y: y + 1, lambda y: y[:1]])
def test_bim_asks_for_the_gradient_at_the_right_labels(other):
    right = SOLUTIONS["bim"]
    found = diagnose(
        EXERCISES["bim"],
        lambda g, x, y, *a: right(lambda x_adv, y: g(x_adv, other(y)), x, y, *a),
    )
    assert "the gradient is asked for at labels that aren't y" in found


def one_by_one(name):
    """A right answer that asks for the gradient of one image at a time, in a loop."""
    parameters = EXERCISES[name].parameters
    own = [i for i, p in enumerate(parameters) if p in ("x", "y", "u")]

    def answer(*a):
        rows = range(len(a[own[0]]))
        one = [[v[n : n + 1] if i in own else v for i, v in enumerate(a)] for n in rows]
        return np.concatenate([SOLUTIONS[name](*arguments) for arguments in one])

    return answer


@pytest.mark.parametrize(
    "name", ["bim", "steady_bim", "one_step_from", "straight_through"]
)
def test_a_gradient_can_be_asked_for_one_image(name):
    assert diagnose(EXERCISES[name], one_by_one(name)) is None


def test_one_images_gradient_is_asked_for_with_its_label_and_its_axes():
    def other_label(gradient, x, y, *how):
        return np.concatenate(
            [
                SOLUTIONS["bim"](gradient, x[[n]], y[[n - 1]], *how)
                for n in range(len(x))
            ]
        )

    def without_axis(gradient, x, y, *how):
        return [np.sign(gradient(x[n], y[n])) for n in range(len(x))]

    said = [diagnose(EXERCISES["bim"], f) for f in (other_label, without_axis)]
    assert "the gradient is asked for at labels that aren't y" in said[0]
    assert "gradient takes images (N, H, W, C), got the shape (" in said[1]
