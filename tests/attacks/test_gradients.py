"""The gradients that attacks follow: of a network, of members and of their ensemble."""

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    ensemble_loss,
    fgsm,
    input_gradient,
    margin_gradient,
    mean_logit_gradient,
    mean_probability_gradient,
    member_gradient,
    model_gradient,
    normalized_gradient,
    sum_gradient,
)
from attacks.forwards import (
    log_mean_probability,
    mean_logits,
    mean_probability,
    network,
)
from attacks.gradients import gradient_of
from attacks.norms import L2
from ensembles import Ensemble
from minidl import Conv2D, Flatten, Linear, MaxPool2D, ReLU, Sequential
from tests.oracles import assert_close, differences


def test_central_differences_of_the_sum_of_j(cnn, x, y, cost, rng):
    """Whatever dropout was drawn before."""
    cnn.forward(x, rng)
    expected = differences(lambda: cost(cnn, x, y).sum(), x)
    assert_allclose(input_gradient(cnn, x, y), expected, rtol=1e-6, atol=1e-9)


def test_parameter_gradients_are_not_computed(cnn, x, y, monkeypatch):
    asked, learned = [], [layer for layer in cnn.fused if layer.params]
    for layer in learned:

        def backward(dout, param_grads=True, input_grad=True, layer=layer):
            asked.append(param_grads)
            return type(layer).backward(layer, dout, param_grads, input_grad)

        monkeypatch.setattr(layer, "backward", backward)
    input_gradient(cnn, x, y)
    assert asked == [False] * len(learned)


@pytest.mark.parametrize("gap", [5, 20, 40, 80])
def test_confident_points_keep_their_gradient_in_float32(rng, gap):
    """There p_y - 1 rounds to 0, and a lazy formula would find no gradient at all."""
    model = Sequential([Flatten(), Linear(9, 2, rng=rng)], (3, 3, 1))
    W, b = model.params
    b.data[:] = gap - W.data.sum(axis=0)[0] + W.data.sum(axis=0)[1], 0
    x, y = np.ones((2, 3, 3, 1), np.float32), np.array([0, 0])
    gradient = input_gradient(model, x, y)
    p = 1 / (1 + np.exp(float(gap)))  # of the wrong class
    expected = p * (W.data[:, 1] - W.data[:, 0].astype(np.float64))
    assert_allclose(gradient[0].ravel(), expected, rtol=1e-4)
    x_adv = fgsm(model_gradient(model), x, y, 0.5, bounds=None)
    assert_allclose(np.abs(x_adv - x), 0.5)


@pytest.mark.parametrize("i", [0, 1, 2])
def test_adv_1_is_the_gradient_of_member_i(members, x, y, i):
    expected = input_gradient(members[i], x, y)
    assert_array_equal(member_gradient(members, i)(x, y), expected)


def test_adv_2_is_the_sum_and_not_the_mean(members, x, y):
    expected = np.zeros_like(x)
    for member in members:
        expected += input_gradient(member, x, y)
    assert_allclose(sum_gradient(members)(x, y), expected, rtol=1e-12, atol=1e-15)


def test_a_member_twice_counts_twice(members, x, y):
    once = sum_gradient(members[:1])(x, y)
    assert_array_equal(sum_gradient(members[:1] * 2)(x, y), 2 * once)


def test_members_may_come_from_a_generator(members, x, y):
    gradient = sum_gradient(member for member in members)
    for _ in range(2):
        assert_array_equal(gradient(x, y), sum_gradient(members)(x, y))


RULES = [
    margin_gradient,
    mean_logit_gradient,
    mean_probability_gradient,
    normalized_gradient,
]


def own_loss(members):
    return gradient_of(ensemble_loss(members))


EVERY_RULE = pytest.mark.parametrize("rule", [*RULES, sum_gradient, own_loss])


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


@EVERY_RULE
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


@EVERY_RULE
def test_members_that_share_layers_have_the_gradient_of_copies(rule, rng):
    """All run forward before any runs backward."""
    members = [member.astype(np.float64) for member in team(rng)]
    x, y = rng.random((5, 6, 6, 2)), np.array([0, 1, 2, 0, 1])
    copies = list(map(deepcopy, members))
    assert_close(rule(members)(x, y), rule(copies)(x, y), 1e-12)


def team(rng):
    """Three members with one ReLU, one pooling and one convolution."""
    relu, pool, conv = ReLU(), MaxPool2D(2), Conv2D(2, 8, rng=rng)
    return [
        Sequential([*head, pool, Flatten(), relu, Linear(32, 3, rng=rng)], (6, 6, 2))
        for head in ([conv, ReLU()], [conv], [Conv2D(2, 8, rng=rng), ReLU()])
    ]


@pytest.mark.parametrize(
    "forward_of",
    [lambda m: network(m[0]), mean_logits, mean_probability, log_mean_probability],
)
def test_each_call_returns_its_own_back(forward_of, rng):
    forward = forward_of([member.astype(np.float64) for member in team(rng)])
    inputs = [rng.random((n, 6, 6, 2)) for n in (5, 5, 3)]
    slopes = [rng.standard_normal((len(x), 3)) for x in inputs]
    expected = [forward(x)[1](dz) for x, dz in zip(inputs, slopes, strict=True)]
    ways = [forward(x)[1] for x in inputs]
    for way, dz, wanted in zip(ways, slopes, expected, strict=True):
        assert np.array_equal(way(dz), wanted)
