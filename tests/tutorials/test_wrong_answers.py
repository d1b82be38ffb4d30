"""The checkers refuse every mutant of a right answer that isn't itself right."""

from importlib import import_module

import numpy as np
import pytest

from tests.tutorials.wrong_answers import mutants
from tutorials.exercises.answers import CASES
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import diagnose
from tutorials.exercises.limits import OutOfTime, limited

CHAPTERS = tuple(f"chapter{number:02d}" for number in range(1, 16))
OVERWRITTEN = "weights are overwritten"
LENGTH = "both have N rows"
SQUARE = "only the first of two equal results is used"
ANY = "-1 and -2 both say: whatever is left"
CLIP = "min(max(low, a), high) has no order of low and a"
MEAN = "M times the mean has the same sign, and the same argmax"
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
    "chapter04": {
        "x / (1 - rate), 0)\n": "x's type stays anyway",
        "losses.cross_entropy(z, y)[1] / len(y)": LENGTH,
        "z[np.arange(len(z)), y]).mean()": LENGTH,
        "p[np.arange(len(z)), y] -= 1": LENGTH,
        "return p / len(z)": LENGTH,
    },
    "chapter05": {
        "SGD([Parameter(g)]": "update takes its own p",
        "SGD([Parameter(v)]": "update takes its own p",
        "Adam([Parameter(p)])": "1e-3 is the default",
        "Adam([Parameter(g)], lr=0.001)": "update takes its own p",
        "Adam([Parameter(m)], lr=0.001)": "update takes its own p",
        "Adam([Parameter(v)], lr=0.001)": "update takes its own p",
        "(z.argmax(axis=1) == y).sum() / len(z)": LENGTH,
    },
    "chapter06": {
        "default_rng(0))\n": "float32 will do",
        "default_rng(1)": OVERWRITTEN,
        "np.ones(len(x), int)": "this gradient needs no labels",
        "np.zeros(len(gradient), int)": LENGTH,
        "reshape(len(x_adv), -1)": LENGTH,
        "reshape(len(x), -2)": ANY,
        "p[np.arange(len(x)), y] -= 1": LENGTH,
        "np.clip(0, x + eps * np.sign(gradient), 1)": CLIP,
    },
    "chapter07": {
        "np.clip(x - eps, x_adv, x + eps)": CLIP,
        "np.clip(0, x_adv, 1)": CLIP,
        "np.minimum(eps / length, 1)": "the smaller of two has no order",
    },
    "chapter08": {
        "predict(p[1])": "only the number of images is used",
        "predict(p[-1])": "only the number of images is used",
        "return votes.mean(axis=0).argmax(axis=1)": MEAN,
        "return p.sum(axis=0).argmax(axis=1)": MEAN,
        "[p.argmax(axis=2)].mean(axis=0)": MEAN,
        "np.arange(len(p))": LENGTH,
    },
    "chapter09": {
        "np.sign(gradients.mean(axis=0))": MEAN,
        "np.where(norm > 0, norm, 2)": "0 / 2 is 0 as well",
        "np.clip(0, np.clip(x_adv, x - eps, x + eps), 1)": CLIP,
        "np.clip(x - eps, x_adv, x + eps)": CLIP,
    },
    "chapter10": {"return [m0 + m1 + m2, m1 - m2 - m3]": LIST},
    "chapter11": {
        "Score(N, 1 - wrong.mean(axis=1), 0.0": "accuracies aren't used here",
        "Score(N, wrong.mean(axis=1).tolist(), 0.0": "accuracies aren't used here",
        "0.0, fooled)": "an array of counts is as good as a list",
        "np.mean([wrong[i] != wrong[j] for": "the mean of means of equal size",
    },
    "chapter12": {"rows = np.arange(len(z))": LENGTH},
    "chapter13": {
        "reshape(len(g), -2)": ANY,
        "library_correlation(promised, changes)": "it is symmetric",
        "np.arange(len(p))": LENGTH,
        "np.clip(0, np.clip(x_adv, x - eps, x + eps), 1)": CLIP,
        "np.clip(x - eps, x_adv, x + eps)": CLIP,
        "np.clip(first, np.rint(255 * x_adv), last)": CLIP,
    },
    "chapter14": {
        "min((t + 1) / steps, 1.0)": "the smaller of two has no order",
        "min(eps * (t + 1) / steps, eps)": "the smaller of two has no order",
        "len(under_pgd)": "both have E numbers",
        "np.clip(0, x + eps * (2 * u - 1), 1)": CLIP,
        "np.clip(0, np.clip(x_adv, x - eps, x + eps), 1)": CLIP,
        "np.clip(x - eps, x_adv, x + eps)": CLIP,
    },
    "chapter15": {
        "np.arange(len(y))": LENGTH,
        "z[rows, y] >= z[:, last]": "no two logits are equal",
    },
}


def of_chapter(chapter):
    return [e for e in exercises().values() if e.chapter == chapter]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_plain_answers_are_right(chapter):
    module = import_module(f"tests.tutorials.answers.{chapter}")
    for exercise in of_chapter(chapter):
        assert diagnose(exercise, getattr(module, exercise.name)) is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_mutant_survives(chapter):
    keys = EQUIVALENT[chapter]
    survivors, unseen = [], set(keys)
    for room in ("tutorials.solutions", "tests.tutorials.answers"):
        for exercise in of_chapter(chapter):
            case = exercise.cases(np.random.default_rng(0))
            for mutant in mutants(f"{room}.{chapter}", exercise.name, case):
                if is_right(exercise, mutant.function):
                    before, after = f"{mutant.change}\n".split(" -> ")
                    reasons = {k for k in keys if k in after and k not in f"{before}\n"}
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
    """Numbers among the arguments differ between cases too."""
    for exercise in of_chapter(chapter):
        cases = [exercise.cases(np.random.default_rng(i)) for i in range(CASES)]
        for values in zip(*cases, strict=True):
            if exercise.name == "winograd_1d":
                continue  # four pixels and three taps
            if isinstance(values[0], np.ndarray):
                sizes = zip(*(value.shape for value in values), strict=True)
                assert all(len(set(axis)) > 1 for axis in sizes), exercise.name
            elif not callable(values[0]):
                assert len(set(values)) > 1, exercise.name
