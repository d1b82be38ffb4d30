"""Each check of the diagnosis, alone, on a classifier that one can compute by hand.

Two classes, z_0 = w . x and z_1 = 0: log((1 - p_0) / p_0) is -w . x exactly.
"""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from attacks import pgd
from attacks.diagnosis import causes, symptoms
from attacks.diagnosis.causes import CAUSES, correlation, half_precision
from attacks.diagnosis.labels import changing_label, ignores_labels
from attacks.diagnosis.subject import Finding, Subject, downhill, log_odds
from attacks.diagnosis.symptoms import SYMPTOMS
from tests.attacks.conftest import Recorded
from tests.work_array import in_work_array

W = np.array([3.0, -2.0, 1.0, 0.5], np.float32)
X = np.random.default_rng(0).random((8, 2, 2, 1)).astype(np.float32)
Y = np.zeros(8, int)


@pytest.fixture(autouse=True)
def _no_warnings():
    """What a check divides by zero, it must not warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def predict_proba(x):
    p = 1 / (1 + np.exp(-x.reshape(len(x), -1) @ W))
    return np.stack([p, 1 - p], axis=1)


def uphill(x, y):
    """The direction of J's gradient: away from the label's half of the images."""
    sign = np.where(y == 0, -1, 1).astype(np.float32)
    return np.broadcast_to(W.reshape(2, 2, 1), x.shape) * sign[:, None, None, None]


def stays(gradient, x, y, eps):
    return x


def subject(**changes):
    right = Subject(predict_proba, uphill, stays, X, Y, 0.1, (0, 1), 3)
    return replace(right, **changes)


def test_an_attacks_images_outlast_its_next_run():
    """Each run may write into the same work array."""
    s = subject(attack=in_work_array(lambda gradient, x, y, eps: x + np.float32(eps)))
    before = s.x_adv
    s.accuracy(0.5)
    assert np.array_equal(before, X + np.float32(0.1))


def of(values):
    """Return gradients whose entries are one number for each image."""
    return np.ones_like(X) * np.float32(values)[:, None, None, None]


@pytest.mark.parametrize("check", [*CAUSES, *SYMPTOMS])
def test_a_finding_says_what_it_is_why_and_what_helps(check):
    finding = check(subject())
    for text in (finding.name, finding.what):
        assert text[-1] not in ". "
    for text in (finding.explanation, finding.remedy):
        assert text.endswith(".")


def test_a_limit_itself_passes():
    for at_least in (False, True):
        finding = Finding("one", 0.5, "part", 0.5, "Why.", "What to do.", at_least)
        assert not finding.failed


def test_advice_is_wrapped_below_its_finding():
    words = " ".join(["word"] * 40)
    lines = str(Finding("one", 1, "part", 0, words, "What to do.")).splitlines()
    assert all(line.startswith("      ") for line in lines[1:])
    assert [len(line) for line in lines[1:]] == [6 + 79, 6 + 79, 6 + 39, 6 + 11]


def test_half_precision_counts_what_float16_holds():
    assert half_precision(np.float32([0, 1, -1, 2, 0.5, 1 / 3, 1e9])) == 0.5
    assert half_precision(np.float32([0, 1, -1])) == 0


def test_pixels_that_stay_exact_do_not_count_as_rounded():
    """All of x's pixels fit into float16, and so do those of x_adv."""
    x = X.astype(np.float16).astype(np.float32)
    third = lambda x, y: uphill(x, y) / 3  # noqa: E731
    assert causes.precision(subject(x=x, gradient=third)).value < 0.5


def test_steadiness_is_relative_to_the_largest_entry():
    for first, second, value in ((4, 5, 0.25), (0, 0.5, 0.5), (2, 2, 0)):
        answers = iter([first, second])
        constant = lambda x, y, answers=answers: np.full_like(x, next(answers))  # noqa: E731
        finding = causes.steadiness(subject(gradient=constant))
        assert finding.value == pytest.approx(value)
        assert finding.failed == (value > 0)


def partly_still(x):
    """The scores of every other image don't move."""
    p = predict_proba(x)
    p[::2] = (0.75, 0.25)
    return p


def test_zero_gradients_are_counted_where_scores_move():
    """0, NaN, infinite or partly 0 for two images each; every other one is still."""
    g = of([0, 0, 1, 1, 1, 1, 1, 1])
    g[2:4, 0, 0], g[4:6, 0, 0], g[6:, 0, 0] = np.nan, np.inf, 0  # one pixel is enough
    s = subject(gradient=lambda x, y: g)
    assert causes.zero_gradients(s).value == 6 / 8
    still = replace(s, predict_proba=partly_still)
    assert causes.zero_gradients(still).value == 3 / 8
    assert causes.flat_scores(still).value == 4 / 8


def test_differences_are_the_derivative_along_random_images():
    recorded = Recorded(predict_proba)
    s = subject(predict_proba=recorded)
    changes, predicted = s.differences
    assert changes.shape == predicted.shape == (16, 8)
    np.testing.assert_allclose(changes, predicted, atol=1e-5)
    assert all(x.dtype == X.dtype for x in recorded.seen)
    assert all(((x >= 0) & (x <= 1)).all() for x in recorded.seen)
    steps = np.array(recorded.seen[1:]) - X  # a hundredth of the way to a random image
    ends = X + 100 * steps
    assert ends.min() > -1e-4
    assert ends.max() < 1 + 1e-4
    assert ends.min() < 0.01 < 0.99 < ends.max()


@pytest.mark.parametrize("bounds", [None, (0, 1), (0.25, 2)])
def test_random_images_are_drawn_within_the_range(bounds):
    s = subject(bounds=bounds)
    assert s.pixel_range == (bounds or (0, 1))


def test_without_bounds_the_range_holds_all_images():
    s = subject(x=9 * X - 4, bounds=None)
    assert s.pixel_range == (s.x.min(), s.x.max())


@pytest.mark.parametrize(("eps", "room"), [(0.1, 200 * X.max()), (300, 300)])
def test_without_bounds_an_attack_gets_the_whole_range_and_at_least_eps(eps, room):
    radii = []
    attack = lambda g, x, y, eps: radii.append(eps) or x  # noqa: E731
    symptoms.unbounded(subject(x=200 * X, eps=eps, attack=attack, bounds=None))
    assert radii == pytest.approx([room])


def test_agreement_is_the_median_over_images_whose_scores_move():
    half = of([1, 1, 1, 1, 1, 1, 1, 0]) * uphill(X, Y)
    assert causes.agreement(subject(gradient=lambda x, y: half)).value > 0.999
    still = subject(predict_proba=lambda x: np.full((len(x), 2), 0.5))
    assert math.isnan(causes.agreement(still).value)
    assert not causes.agreement(still).failed  # which `flat_scores` reports


def test_correlation_is_pearsons():
    a, b = np.random.default_rng(1).normal(size=(2, 16, 3))
    expected = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(3)]
    np.testing.assert_allclose(correlation(a, b), expected)


def test_downhill_weighs_directions_by_how_much_the_scores_change():
    """A gradient that is right along most directions, but wrong along the largest."""
    s = subject(x=X[:3], y=Y[:3])
    changes = np.array([[1.0, 1, 1]] * 15 + [[-8, 8, 8]])
    predicted = np.array([[0.1, 0.1, 0]] * 15 + [[1, 1, 0]])
    s.__dict__["differences"] = changes, predicted
    assert downhill(s) == 1 / 2  # the third has no gradient, and doesn't count
    assert downhill(s, np.array([False, True, True])) == 0
    assert downhill(s, np.array([False, False, True])) == 0


def test_log_odds_are_minus_the_logit():
    z = X.reshape(len(X), -1) @ W
    np.testing.assert_allclose(log_odds(predict_proba(X), Y), -z, atol=1e-5)
    np.testing.assert_allclose(log_odds(predict_proba(X), Y + 1), z, atol=1e-5)


def test_the_forgotten_clip_knows_the_bounds():
    """Inside the ball and [0, 1], but outside narrower bounds."""
    moved = subject(
        x=X.clip(0.25, 0.75), attack=lambda g, x, y, eps: x - eps, bounds=(0.25, 0.75)
    )
    below = (moved.x < 0.25 + 0.1).any(axis=(1, 2, 3)).mean()
    assert 0 < causes.containment(moved).value == below < 1
    assert causes.containment(replace(moved, bounds=None)).value == 0
    assert "[0.25, 0.75]" in causes.containment(moved).what


LEFT = np.array([0.1, 0.9, 0.1, 0.1], np.float32).reshape(1, 2, 2, 1)  # of class 1


def two_classes(**changes):
    """Five images of class 0, three of class 1, all classified as labelled."""
    y = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    x = np.where(y[:, None, None, None] == 0, 1 - LEFT, LEFT).astype(np.float32)
    return subject(x=x + 0.01 * X, y=y, **changes)


def own_class(x, y):
    """A gradient that takes its label from the scores instead of y."""
    return uphill(x, predict_proba(x).argmax(axis=1))


def test_gradients_that_ignore_labels_go_wrong_with_another_classs_pixels():
    assert ignores_labels(two_classes()) == 0
    assert ignores_labels(two_classes(gradient=own_class)) == 1
    wrong = two_classes(gradient=lambda x, y: -uphill(x, y))
    assert ignores_labels(wrong) == 0  # it goes wrong with its own pixels, too
    assert ignores_labels(subject()) == 0  # there is no other class


def test_a_few_gradients_that_ignore_labels_do_not_count():
    def mixed(x, y):
        return np.where(
            np.arange(8)[:, None, None, None] < 4, own_class(x, y), uphill(x, y)
        )

    s = two_classes(gradient=mixed)
    assert ignores_labels(s) == 0.5
    assert changing_label(s).value == 0
    assert changing_label(two_classes(gradient=own_class)).value == 1


def test_labels_of_another_number_of_images_are_not_compared():
    """An attack on a part of the images is not one whose labels change."""

    def part(gradient, x, y, eps):
        gradient(x[:3], 1 - y[:3])
        return x

    assert changing_label(two_classes(attack=part)).value == 0


def test_an_attack_must_return_images():
    s = subject(attack=lambda g, x, y, eps: x[:3])
    with pytest.raises(ValueError, match="attack"):
        s.run(0.1)


def test_accuracies_are_those_within_the_bounds():
    """Far outside them, all images change sides; clipped to zeros, none of them do."""
    far = subject(attack=lambda g, x, y, eps: x - 5 * abs(uphill(x, y)), bounds=None)
    assert far.accuracy(0.1) == 0
    assert replace(far, bounds=(0, 1)).accuracy(0.1) == 1


def test_random_squares_start_from_the_seed():
    """The search is the same each time, and another seed's may differ."""
    s = subject(eps=0.3, x=X[:4], y=Y[:4])
    runs = []
    for seed in (3, 3, 4):
        recorded = Recorded(predict_proba)
        symptoms.black_box(replace(s, predict_proba=recorded, seed=seed))
        runs.append(recorded.seen[1])
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("bounds", [None, (0.25, 0.75)])
def test_random_squares_stay_within_the_bounds(bounds):
    recorded, x = Recorded(predict_proba), X.clip(0.25, 0.75)
    symptoms.black_box(subject(x=x, bounds=bounds, predict_proba=recorded, eps=0.5))
    low, high = (-0.25, 1.25) if bounds is None else bounds
    values = np.concatenate([x.ravel() for x in recorded.seen])
    assert (values.min(), values.max()) == pytest.approx((low, high), abs=0.02)


@pytest.mark.parametrize("bounds", [None, (0, 0.9)])
def test_restarts_compare_three_random_starts_with_five(monkeypatch, bounds):
    """Of PGD with ten steps of eps / 4 from the images and random points."""
    calls = []

    def noted(loss, *args):
        calls.append(args)
        return pgd(loss, *args)

    monkeypatch.setattr(symptoms, "pgd", noted)
    s = subject(bounds=bounds, eps=0.2, x=X * np.float32(0.9))
    finding = symptoms.restarts(s)
    assert finding.what == "accuracy lost from 3 to 5 random starts"
    for args, count in zip(calls, (3, 5), strict=True):
        assert args[2:6] == (0.2, 0.05, 10, "Linf")
        assert args[6] == count
        assert args[8:] == (0, bounds)


def test_an_unbounded_attack_may_leave_chance_and_a_little():
    finding = symptoms.unbounded(subject())
    assert finding.limit == pytest.approx(0.5 + 0.02)
    assert "0.5 being chance" in finding.what
