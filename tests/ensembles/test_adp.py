"""ADP's loss, against loops over single numbers and difference quotients."""

import math

import numpy as np
import pytest

from ensembles import adp
from ensembles.adp import OFFSET, ensemble_entropy, log_det_diversity
from tests import oracles
from tests.oracles import assert_close, differences

M, N, K = 3, 4, 5
Y = np.array([0, 4, 2, 2])


@pytest.fixture
def z(rng):
    return rng.standard_normal((M, N, K)) * 2


def determinant(a):
    """Expanded along the first row."""
    if not a:
        return 1
    minors = [[row[:j] + row[j + 1 :] for row in a[1:]] for j in range(len(a))]
    signed = [(-1) ** j * a[0][j] * determinant(m) for j, m in enumerate(minors)]
    return math.fsum(signed)


def naive_parts(z, y):
    """One image's sum of costs, entropy and log det G, from probabilities."""
    p = [oracles.softmax_row(row) for row in z]
    mean = [math.fsum(column) / len(p) for column in zip(*p, strict=True)]
    costs = -math.fsum(math.log(p_i[y]) for p_i in p)
    entropy = -math.fsum(p_k * math.log(p_k) for p_k in mean)
    q = [[v for k, v in enumerate(p_i) if k != y] for p_i in p]
    q = [[v / math.hypot(*q_i) for v in q_i] for q_i in q]
    gram = [
        [math.fsum(a * b for a, b in zip(q_i, q_j, strict=True)) for q_j in q]
        for q_i in q
    ]
    for i in range(len(q)):
        gram[i][i] += OFFSET
    return costs, entropy, math.log(determinant(gram))


@pytest.mark.parametrize(("alpha", "beta"), [(2, 0.5), (0, 0), (1, 0), (0, 1)])
def test_each_cost_is_the_loop(z, alpha, beta):
    costs, _ = adp(z, Y, alpha, beta)
    for n in range(N):
        J, H, D = naive_parts(z[:, n], Y[n])
        assert costs[n] == pytest.approx(J - alpha * H - beta * D, rel=1e-8)


@pytest.mark.parametrize(("alpha", "beta"), [(2, 0.5), (0, 0), (1, 0), (0, 1)])
def test_the_gradient_is_the_difference_quotient_of_the_sum(z, alpha, beta):
    numeric = differences(lambda: adp(z, Y, alpha, beta)[0].sum(), z)
    assert_close(adp(z, Y, alpha, beta)[1], numeric, 1e-6)


def test_the_most_members_that_a_determinant_allows(rng):
    z = rng.standard_normal((K - 1, N, K)) * 2
    numeric = differences(lambda: adp(z, Y)[0].sum(), z)
    assert_close(adp(z, Y)[1], numeric, 1e-6)


def test_equal_logits_have_the_entropy_of_all_classes():
    assert_close(ensemble_entropy(np.ones((M, N, K)))[0], np.full(N, np.log(K)), 1e-14)


def test_the_diversity_of_members_that_err_differently_is_the_largest():
    """Orthogonal q_i have log det 0; identical ones that of a singular matrix."""
    z = np.full((2, 1, 4), -40.0)
    z[0, 0, 1] = z[1, 0, 2] = 0
    y = np.array([0])
    assert log_det_diversity(z, y)[0] == pytest.approx(2 * math.log(1 + OFFSET))
    alike = log_det_diversity(np.stack([z[0], z[0]]), y)[0]
    assert alike == pytest.approx(math.log(OFFSET * (2 + OFFSET)), rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept_and_arguments_untouched(z, dtype):
    z = z.astype(dtype)
    z.flags.writeable = False
    costs, dz = adp(z, Y)
    assert (costs.shape, costs.dtype) == ((N,), np.dtype(dtype))
    assert (dz.shape, dz.dtype) == ((M, N, K), np.dtype(dtype))
    for ours, theirs in zip((costs, dz), adp(list(z), Y), strict=True):
        assert np.array_equal(ours, theirs)
    exact = adp(z.astype(np.float64), Y)
    assert_close(dz, exact[1], 5e-6)


@pytest.mark.parametrize("gap", [30, 1e4])
def test_members_that_are_sure_and_alike_give_finite_numbers(gap):
    """As at the start and the end of a training."""
    z = np.zeros((M, N, K), np.float32)
    z[..., 1] = gap
    assert all(np.isfinite(a).all() for a in adp(z, Y))


@pytest.mark.parametrize("shape", [(1, N, K), (K, N, K), (N, K), (M, N + 1, K)])
def test_logits_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match=r"^[zy] must (be|have) "):
        adp(np.zeros(shape), Y)
