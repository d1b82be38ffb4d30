"""The vote: a mean of probabilities, weighted or not, over any classifiers."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ensembles import Ensemble
from minidl import Flatten, Linear, Sequential, accuracy, mnist_cnn
from tests.work_array import in_work_array


class Fixed:
    """A classifier that always answers with the same probabilities."""

    def __init__(self, *p):
        self.p = np.array(p)

    def predict_proba(self, x):
        return np.tile(self.p, (len(x), 1)).astype(x.dtype)


X = np.zeros((4, 28, 28, 1))


def small_network(rng):
    return Sequential([Flatten(), Linear(784, 10, rng=rng)], (28, 28, 1))


def test_the_mean_of_probabilities():
    ensemble = Ensemble([Fixed(0.9, 0.1), Fixed(0.3, 0.7), Fixed(0.6, 0.4)])
    assert_allclose(ensemble.predict_proba(X), [[0.6, 0.4]] * 4, rtol=1e-15)


def test_members_may_share_one_work_array():
    """Each answer is overwritten by the next member's."""
    team = [Fixed(0.9, 0.1), Fixed(0.3, 0.7)]
    for member in team:
        member.predict_proba = in_work_array(member.predict_proba)
    assert_allclose(Ensemble(team).predict_proba(X), [[0.6, 0.4]] * 4, rtol=1e-15)


def test_not_a_majority_vote():
    """Two lean to class 1, but the third is sure of class 0."""
    ensemble = Ensemble([Fixed(0.4, 0.6), Fixed(0.4, 0.6), Fixed(0.99, 0.01)])
    assert_array_equal(ensemble.predict(X), [0] * 4)


def test_weights_are_relative():
    team = [Fixed(1, 0), Fixed(0, 1)]
    assert_allclose(Ensemble(team, [3, 1]).predict_proba(X), [[0.75, 0.25]] * 4)
    assert_allclose(Ensemble(team, [0.3, 0.1]).predict_proba(X), [[0.75, 0.25]] * 4)


def test_weights_are_normalised_in_double_precision():
    weights = Ensemble([Fixed(1, 0)] * 2, np.array([1, 2], np.float16)).weights
    assert weights == pytest.approx([1 / 3, 2 / 3], rel=1e-15)


def test_classes_are_the_members_if_they_say(rng):
    assert Ensemble([small_network(rng)]).classes == 10
    assert Ensemble([Fixed(0.9, 0.1)]).classes is None


@pytest.mark.parametrize("copies", [1, 2, 3, 10])
def test_copies_of_a_network_predict_like_the_network(rng, copies):
    model, x = small_network(rng), rng.random((5, 28, 28, 1), np.float32)
    ensemble = Ensemble([model] * copies)
    assert_allclose(ensemble.predict_proba(x), model.predict_proba(x), rtol=1e-6)
    assert_array_equal(ensemble.predict(x), model.predict(x))


@pytest.mark.parametrize("weights", [None, [1, 2, 4], [1, 0, 2]])
def test_probabilities_of_networks(rng, weights):
    members = [mnist_cnn(rng) for _ in range(3)]
    x = rng.random((5, 28, 28, 1), np.float32)
    p = Ensemble(members, weights).predict_proba(x)
    expected = np.average([m.predict_proba(x) for m in members], 0, weights)
    assert_allclose(p, expected, rtol=1e-5)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, [2, 1], np.array([2.0, 1.0])])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_keep_the_dtype(dtype, weights):
    ensemble = Ensemble([Fixed(0.9, 0.1), Fixed(0.3, 0.7)], weights)
    assert ensemble.predict_proba(X.astype(dtype)).dtype == dtype


def test_half_precision_is_added_up_in_single_precision(rng):
    p = rng.random(100).astype(np.float16)
    ensemble = Ensemble([Fixed(a, 1 - a) for a in p])
    found = ensemble.predict_proba(X.astype(np.float16))
    assert found.dtype == np.float32
    assert_allclose(found[0, 0], p.astype(np.float64).mean(), rtol=1e-5)


def test_an_ensemble_can_be_a_member():
    pair = Ensemble([Fixed(1, 0), Fixed(0, 1)])
    ensemble = Ensemble([pair, Fixed(0, 1)])
    assert_allclose(ensemble.predict_proba(X), [[0.25, 0.75]] * 4)


def test_members_may_come_from_a_generator():
    ensemble = Ensemble(Fixed(p, 1 - p) for p in (0.2, 0.4))
    assert_allclose(ensemble.predict_proba(X), [[0.3, 0.7]] * 4)
    assert_allclose(ensemble.predict_proba(X), [[0.3, 0.7]] * 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (np.log, "must return probabilities"),
        (lambda p: np.eye(3)[[0] * 4], r"must return what members\[0\]'s does, .* 2"),
        (lambda p: None, "returns must be a NumPy or CuPy array, got NoneType"),
    ],
)
def test_a_member_is_named_for_what_it_answers(change, message):
    other = SimpleNamespace(predict_proba=lambda x: change(np.full((len(x), 2), 0.5)))
    ensemble = Ensemble([Fixed(0.9, 0.1), other])
    with pytest.raises(
        (TypeError, ValueError), match=rf"members\[1\]\.predict_proba {message}"
    ):
        ensemble.predict(X)


def test_a_member_that_works_in_place_is_named():
    """The others see the same images."""

    class Scales(Fixed):
        def predict_proba(self, x):
            x += 1
            return super().predict_proba(x)

    x = X.copy()
    with pytest.raises(ValueError, match=r"^members\[0\]\.predict_proba must leave"):
        Ensemble([Scales(0.9, 0.1), Fixed(0.3, 0.7)]).predict_proba(x)
    assert_array_equal(x, X)


def test_members_with_different_numbers_of_classes_are_refused():
    layers = [Linear(4, K, rng=np.random.default_rng(0)) for K in (1, 3)]
    members = [Sequential([layer], (4,)) for layer in layers]
    with pytest.raises(ValueError, match=r"the same number of classes, got \[1, 3\]"):
        Ensemble(members)


def test_members_of_another_library_can_vote():
    """Their `classes` may be a list of names, and their `device` an object."""
    member = Fixed(0.9, 0.1)
    member.classes, member.device = ["cat", "dog"], object()
    ensemble = Ensemble([member, Fixed(0.5, 0.5)])
    assert ensemble.classes is None
    assert ensemble.device == "cpu"
    assert accuracy(ensemble, X, np.array([0, 0, 1, 1])) == 0.5


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1, 1], r"weights must be 2 numbers, one per member, got shape \(3,\)"),
        ([2, -1], r"weights must be >= 0 with a positive.* got \[2, -1\]"),
        ([0, 0], r"weights must be >= 0 with a positive.* got \[0, 0\]"),
        ([1, np.nan], r"weights must be >= 0 with a positive.* got \[1, nan\]"),
        ([1e308, 1e308], r"weights must be .* finite sum, got \[1e\+308, 1e\+308\]"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_impossible_weights_are_named(weights, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Ensemble([Fixed(0.9, 0.1), Fixed(0.3, 0.7)], weights)


@pytest.mark.parametrize(
    "weights", [["1", "3"], [1, 2j], [True, False], [None, 1], [[1], [1, 2]], {1, 2}]
)
def test_weights_that_are_not_real_numbers_are_refused(weights):
    message = f"weights must be integers or floats, got {weights!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Ensemble([Fixed(0.9, 0.1), Fixed(0.3, 0.7)], weights)
