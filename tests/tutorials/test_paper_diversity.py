"""Diversity from histograms, against the members' answers themselves."""

from itertools import combinations

import numpy as np
import pytest

from attacks.evaluation.intervals import wilson
from tutorials.paper.claims.diversity import disagreement, majority_member, mean_fooled
from tutorials.paper.results import Score


def scored(wrong):
    """The score of members whose errors are known. Shapes: wrong (M, N) of bool."""
    M, N = wrong.shape
    fooled = np.bincount(wrong.sum(axis=0), minlength=M + 1)
    return Score(N, (1 - wrong.mean(axis=1)).tolist(), 0.5, fooled.tolist())


def pairs_that_disagree(wrong):
    return np.mean([a != b for a, b in combinations(wrong, 2)])


@pytest.mark.parametrize("members", [2, 3, 10])
def test_disagreement_is_that_of_all_pairs(members):
    wrong = np.random.default_rng(members).random((members, 50)) < 0.3
    assert disagreement([scored(wrong)]).value == pytest.approx(
        pairs_that_disagree(wrong)
    )


def test_several_perturbations_are_averaged():
    rng = np.random.default_rng(0)
    both = [rng.random((4, 60)) < p for p in (0.2, 0.7)]
    scores = [scored(wrong) for wrong in both]
    found = disagreement(scores)
    assert found.value == pytest.approx(np.mean([pairs_that_disagree(w) for w in both]))
    assert sum(mean_fooled(scores)) == 60
    # As many images as each has: the interval isn't that of 120. It also covers the
    # choice of the perturbation: Student's t for two, 12.706, times half the distance.
    spread = np.std([pairs_that_disagree(w[:, [i]]) for w in both for i in range(60)])
    images = 1.96 * spread / np.sqrt(60)
    apart = abs(np.subtract(*map(pairs_that_disagree, both)))
    half = np.hypot(images, min(1 - found.value, 12.706 * apart / 2))
    assert found.high - found.value == pytest.approx(half, 1e-3)


def test_equal_members_never_disagree():
    wrong = np.repeat(np.random.default_rng(0).random((1, 40)) < 0.5, 5, axis=0)
    assert disagreement([scored(wrong)]) == wilson(0, 40)


def test_the_majority_member_where_it_is_lowest():
    scores = [
        Score(10, [0.9, 0.2, 0.3], 0.5, [10, 0, 0, 0]),
        Score(10, [0.0, 0.8, 0.4], 0.5, [10, 0, 0, 0]),
    ]
    assert majority_member(scores) == wilson(0.3, 10)


def test_half_of_an_even_number_of_members_are_enough():
    """No majority is fooled then."""
    scores = [Score(10, [0.1, 0.1, 0.5, 0.4], 0.5, [10, 0, 0, 0, 0])]
    assert majority_member(scores) == wilson(0.4, 10)
