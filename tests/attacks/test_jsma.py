"""JSMA against trying all pairs of 12 pixels, and what its settings limit."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import distance, jsma, logits_of, network, vjp_of
from attacks.jsma import best_pairs
from minidl import Flatten, Linear, ReLU, Sequential
from tests.oracles import differences


@pytest.fixture
def model(rng):
    """A small network of 12 grey pixels and 3 classes."""
    layers = [Flatten(), Linear(12, 8, rng=rng), ReLU(), Linear(8, 3, rng=rng)]
    return Sequential(layers, (3, 4, 1)).astype(np.float64)


def jacobian(model, image):
    """dz_k/dx of one image by its definition, (K, 12)."""
    x = image.copy()
    slopes = [differences(lambda k=k: model.forward(x)[0, k], x) for k in range(3)]
    return np.reshape(slopes, (3, 12))


def naive(model, image, target, theta, gamma):
    """Algorithms 2 and 3, one image: all pairs, each with the paper's conditions."""
    v = image.copy()
    for _ in range(int(12 * gamma) // 2):
        if model.predict(v)[0] == target:
            break
        J = jacobian(model, v)
        a, b = J[target], J.sum(axis=0) - J[target]
        free = v.ravel() < 1 if theta > 0 else v.ravel() > 0
        scores = {}
        for p, q in combinations(range(12), 2):
            alpha, beta = a[p] + a[q], b[p] + b[q]
            right = alpha > 0 > beta if theta > 0 else alpha < 0 < beta
            if free[p] and free[q] and right:
                scores[p, q] = -alpha * beta
        if not scores:
            break
        for pixel in max(scores, key=scores.get):
            v.reshape(-1)[pixel] = np.clip(v.ravel()[pixel] + theta, 0, 1)
    return v


def run(model, x, target, *settings, **more):
    forward = network(model)
    return jsma(logits_of(forward), vjp_of(forward), x, target, *settings, **more)


@pytest.mark.parametrize("theta", [1.0, 0.4, 0.1, -0.4, -1.0])
@pytest.mark.parametrize("gamma", [0.2, 0.7, 1.0])
def test_jsma_is_the_enumeration(model, rng, theta, gamma):
    x = rng.random((10, 3, 4, 1))
    x[:3] = x[:3].round()  # pixels at the end of the range from the start
    target = (model.predict(x) + 1) % 3
    found = run(model, x, target, theta, gamma)
    for n in range(len(x)):
        expected = naive(model, x[n : n + 1], target[n], theta, gamma)
        np.testing.assert_allclose(found[n : n + 1], expected, atol=1e-12)
    assert (found != x).any()


@pytest.mark.parametrize("gamma", [0.1, 0.15, 0.166])
def test_a_gamma_of_less_than_a_pair_is_refused(model, gamma):
    """Images would come back as they are, whatever the target."""
    x = np.zeros((2, 3, 4, 1))
    message = r"^gamma must allow a pair of the 12 pixels, 0\.167 or more, got 0\.1"
    with pytest.raises(ValueError, match=message):
        run(model, x, np.array([0, 1]), gamma=gamma)
    with pytest.raises(ValueError, match=r"^target must be 0 to 2, got 1 to 99"):
        run(model, x, np.array([1, 99]), gamma=1 / 6)


def test_two_wrong_signs_make_no_pair():
    """a < 0 < b: the product of the sums is positive, but both signs are wrong."""
    a, b = np.array([[-3.0, -3.0, 0.1, 0.1]]), np.array([[3.0, 3.0, -0.1, -0.1]])
    pairs, score = best_pairs(a, b, np.ones((1, 4), bool))
    assert_array_equal(pairs, [[2, 3]])
    assert score[0] == pytest.approx(0.04)


def test_no_pair_no_change(model):
    x = np.ones((2, 3, 4, 1))  # all pixels are at the end of the range
    target = (model.predict(x) + 1) % 3
    assert_array_equal(run(model, x, target, gamma=1.0), x)


def test_no_pair_is_lost_to_rounding(rng):
    """0.58 of 100 pixels are 29 pairs, though 0.58 * 100 < 58."""
    model = Sequential([Flatten(), Linear(100, 3, rng=rng)], (10, 10, 1))
    model.params[0].data[:] = [-1, -1, 1]  # each pixel helps, and none reaches class 2
    x, forward = np.zeros((1, 10, 10, 1)), network(model.astype(np.float64))
    out = lambda x: np.array([[9.0, 0.0, 0.0]])  # noqa: E731
    found = jsma(out, vjp_of(forward), x, np.array([2]), gamma=0.58)
    assert distance(found, x, "L0") == 58
