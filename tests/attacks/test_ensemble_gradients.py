"""The ensemble's own gradient and that of normalised members, against their losses."""

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    ensemble_loss,
    input_gradient,
    margin_gradient,
    mean_logit_gradient,
    mean_probability_gradient,
    normalized_gradient,
    sum_gradient,
)
from attacks.gradients import gradient_of
from attacks.norms import L2
from ensembles import Ensemble
from tests.oracles import differences

RULES = [
    margin_gradient,
    mean_logit_gradient,
    mean_probability_gradient,
    normalized_gradient,
]


def own_loss(members):
    return gradient_of(ensemble_loss(members))


def ensembles_cost(members, x, y):
    """-log of the mean probability, from what `Ensemble` predicts; shape (N,)."""
    p = Ensemble(members).predict_proba(x)
    return -np.log(p[np.arange(len(y)), y])


def ensembles_margin(members, x, y):
    """max_{k != y} p_k - p_y of what `Ensemble` predicts; shape (N,)."""
    p = Ensemble(members).predict_proba(x)
    rows = np.arange(len(y))
    p_y = p[rows, y].copy()
    p[rows, y] = -1
    return p.max(axis=1) - p_y


def mean_logits_cost(members, x, y):
    """Cross-entropy of the mean logits; shape (N,)."""
    z = np.mean([member.forward(x) for member in members], axis=0)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]


@pytest.mark.parametrize(
    ("rule", "cost"),
    [
        (mean_probability_gradient, ensembles_cost),
        (margin_gradient, ensembles_margin),
        (mean_logit_gradient, mean_logits_cost),
    ],
)
def test_gradients_are_those_of_what_is_predicted(members, x, y, rule, cost):
    expected = differences(lambda: cost(members, x, y).sum(), x)
    assert_allclose(rule(members)(x, y), expected, rtol=1e-5, atol=1e-8)


def test_the_margin_of_sure_members_has_a_direction(members, x, y):
    """p_y rounds to 1, in single precision: 1 - p_y would be 0."""
    members = [member.astype(np.float32) for member in members]
    for member in members:
        member.params[-1].data[:] = 0
        member.params[-1].data[y[0]] = 30
    g = margin_gradient(members)(x[:1].astype(np.float32), y[:1])
    exact = [member.astype(np.float64) for member in members]
    expected = margin_gradient(exact)(x[:1], y[:1])
    assert abs(expected).max() > 0
    assert_allclose(g, expected, rtol=1e-3, atol=1e-3 * abs(expected).max())


def test_a_member_that_is_fooled_already_counts_for_nothing(members, x, y):
    """Its p_i(y) is exp(-1000): 0 in floating point, and so is its weight."""
    hopeless = members[2].params[-1].data
    hopeless[:] = -1000
    hopeless[(y[0] + 1) % len(hopeless)] = 0
    x, y = x[:1], y[:1]
    found = mean_probability_gradient(members)(x, y)
    assert_allclose(found, mean_probability_gradient(members[:2])(x, y), rtol=1e-12)


def test_if_all_are_fooled_the_least_fooled_leads(members, x, y):
    """Probabilities that round to 0 still have a ratio."""
    x, y = x[:1], y[:1]
    for cost, member in zip((800, 900, 900), members, strict=True):
        member.params[-1].data[:] = 0
        member.params[-1].data[y[0]] = -cost
    found = mean_probability_gradient(members)(x, y)
    assert_allclose(found, input_gradient(members[0], x, y), rtol=1e-12, atol=1e-15)


def test_normalised_members_count_alike(members, x, y):
    expected = np.zeros_like(x)
    for member in members:
        for n in range(len(x)):
            g = input_gradient(member, x[n : n + 1], y[n : n + 1])[0]
            expected[n] += g / np.linalg.norm(g)
    assert_allclose(
        normalized_gradient(members)(x, y), expected, rtol=1e-10, atol=1e-15
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays(members, x, y, rule, dtype):
    members = [member.astype(dtype) for member in members]
    found = rule(members)(x.astype(dtype), y)
    assert found.dtype == dtype
    assert found.shape == x.shape


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_tiny_and_huge_gradients_have_norm_one(rng, size):
    g = (rng.standard_normal((3, 4, 4, 1)) * size).astype(np.float32)
    g[1] = 0
    norms = np.sqrt((L2.direction(g) ** 2).sum(axis=(1, 2, 3)))
    assert_allclose(norms, [1, 0, 1], rtol=1e-6)


@pytest.mark.parametrize("rule", [*RULES, sum_gradient, own_loss])
def test_numpys_warnings_as_errors_change_nothing(rule, members, x, y):
    """Probabilities of networks that are sure underflow, which is no error."""
    sure = [deepcopy(member).astype(np.float32) for member in members]
    for member in sure:
        member.params[-2].data *= 1000
    x = x.astype(np.float32)
    expected = rule(sure)(x, y)
    with np.errstate(all="raise"):
        assert_array_equal(rule(sure)(x, y), expected)
    assert any((member.predict_proba(x) == 0).any() for member in sure)
