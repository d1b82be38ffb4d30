"""Monte Carlo dropout: the mean over masks, against all masks enumerated."""

from itertools import product

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from ensembles import MCDropout
from minidl import Dropout, Linear, Sequential
from minidl.layers import softmax


def network(rng, rate=0.25):
    layers = [Dropout(rate), Linear(3, 4, rng=rng)]
    return Sequential(layers, (3,)).astype(np.float64)


def test_the_mean_of_many_draws_is_the_expectation(rng):
    model, x = network(rng), 3 * rng.random((2, 3))
    _, linear = model.layers
    W, b = (p.data for p in linear.params)
    expected = np.zeros((2, 4))
    for mask in product((0, 1 / 0.75), repeat=3):
        chance = np.prod([0.75 if m else 0.25 for m in mask])
        expected += chance * softmax((x * mask) @ W + b)
    found = MCDropout(model, draws=20_000).predict_proba(x)
    assert_allclose(found, expected, atol=0.01)
    assert abs(found - model.predict_proba(x)).max() > 0.02  # dropout isn't off


def test_the_same_batch_gets_the_same_answer_and_another_other_masks(rng):
    model, x = network(rng), rng.random((5, 3))
    p = MCDropout(model, 3, seed=1).predict_proba(x)
    assert_array_equal(MCDropout(model, 3, seed=1).predict_proba(x), p)
    assert abs(MCDropout(model, 3, seed=2).predict_proba(x) - p).max() > 1e-3
    moved = x.copy()
    moved[4] += 1e-3  # the other images' masks change with it
    assert abs(MCDropout(model, 3, seed=1).predict_proba(moved) - p)[:4].max() > 1e-3
