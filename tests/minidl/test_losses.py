"""Losses of logits, of probabilities and of images, and temperatures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import cross_entropy, kernels, soft_cross_entropy, squared_error
from tests import oracles
from tests.oracles import assert_close, differences

T = 20


@pytest.fixture
def z(rng):
    return rng.standard_normal((5, 4)) * 10


@pytest.fixture
def q(rng):
    return rng.dirichlet(np.ones(4), 5)


Y = np.array([0, 3, 1, 1, 2])


def naive(z, q, T):
    """Each image's -sum_k q_k log p_k, number by number."""
    p = oracles.softmax(np.asarray(z) / T)
    return [
        -math.fsum(q_k * math.log(p_k) for q_k, p_k in zip(*rows, strict=True))
        for rows in zip(q, p, strict=True)
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("one", [1, 1.0, np.float32(1)])
def test_temperature_1_changes_no_bit(z, dtype, one):
    z = z.astype(dtype)
    for alone, at_1, kernel in zip(
        cross_entropy(z, Y),
        cross_entropy(z, Y, one),
        kernels.cross_entropy(z, Y),
        strict=True,
    ):
        assert alone.tobytes() == at_1.tobytes() == kernel.tobytes()


@pytest.mark.parametrize("T", [0.5, 1, 2, 20])
def test_values_are_the_loops(z, q, T):
    onehot = np.eye(4)[Y]
    assert soft_cross_entropy(z, q, T)[0] == pytest.approx(naive(z, q, T), rel=1e-9)
    assert cross_entropy(z, Y, T)[0] == pytest.approx(naive(z, onehot, T), rel=1e-9)


@pytest.mark.parametrize("T", [0.5, 1, 2, 20])
@pytest.mark.parametrize("loss", [cross_entropy, soft_cross_entropy])
def test_gradients_are_the_difference_quotients(z, q, loss, T):
    y = Y if loss is cross_entropy else q
    numeric = differences(lambda: loss(z, y, T)[0].sum(), z)
    assert_close(loss(z, y, T)[1], numeric, 1e-6)


@pytest.mark.parametrize("T", [1e-6, 1e6])
@pytest.mark.parametrize("loss", [cross_entropy, soft_cross_entropy])
def test_the_ends_of_all_temperatures_compute_in_float32(z, q, loss, T):
    exact = loss(z, Y if loss is cross_entropy else q, T)
    y = Y if loss is cross_entropy else q.astype(np.float32)
    found = loss(z.astype(np.float32), y, T)
    assert found[0] == pytest.approx(exact[0], rel=1e-5)
    assert np.isfinite(found[1]).all()
    assert found[1].any()
    for beyond in (T / 2, 2 * T):
        if not 1e-6 <= beyond <= 1e6:
            with pytest.raises(ValueError, match="temperature must be in"):
                loss(z.astype(np.float32), y, beyond)


@pytest.mark.parametrize("T", [1, 20])
def test_sure_probabilities_are_labels(z, T):
    soft, hard = soft_cross_entropy(z, np.eye(4)[Y], T), cross_entropy(z, Y, T)
    assert_close(soft[0], hard[0], 1e-12)
    assert_close(soft[1], hard[1], 1e-12)


def test_the_student_that_is_its_teacher_has_no_gradient(z):
    q = oracles.softmax(z / T)
    assert abs(soft_cross_entropy(z, q, T)[1]).max() < 1e-15


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept_and_arguments_untouched(z, q, dtype):
    z, q = z.astype(dtype), q.astype(dtype)
    z.flags.writeable = q.flags.writeable = False
    found = [cross_entropy(z, Y, T), soft_cross_entropy(z, q, T), squared_error(z, q)]
    found.append(cross_entropy(z, Y))
    for costs, dz in found:
        assert (costs.shape, costs.dtype) == ((5,), np.dtype(dtype))
        assert (dz.shape, dz.dtype) == ((5, 4), np.dtype(dtype))


def test_huge_logits_are_finite():
    z = np.array([[1e4, -1e4]], np.float32)
    costs, dz = soft_cross_entropy(z, np.array([[0, 1]], np.float32))
    assert costs == pytest.approx(2e4)
    assert dz.tolist() == [[1, -1]]


@pytest.mark.parametrize(
    "wrong",
    [
        *(lambda q: q * 2, lambda q: q - 0.5, np.log),
        lambda q: 1.4 * np.eye(4)[Y] - 0.1,  # of sum 1, but some below 0
    ],
)
def test_soft_labels_that_are_no_probabilities_are_named(z, q, wrong):
    with pytest.raises(ValueError, match=r"^q must hold probabilities, .* logits take"):
        soft_cross_entropy(z, wrong(q))


@pytest.mark.parametrize("factor", [0.995, 0.99998, 1.00002, 1.005])
def test_soft_labels_of_another_sum_than_1_are_refused(z, q, factor):
    """The gradient of their cost isn't p - q, as difference quotients show."""
    dz = oracles.softmax(z) - factor * q
    numeric = differences(lambda: np.sum(naive(z, factor * q, 1)), z)
    assert abs(dz - numeric).max() > abs(factor - 1) / 100
    message = r"^q must hold probabilities, .* sum 1 up to 1e-05 .* a division"
    with pytest.raises(ValueError, match=message):
        soft_cross_entropy(z, factor * q)


def test_soft_labels_may_be_rounded(rng):
    q = rng.dirichlet(np.ones(1000), 50).astype(np.float32)
    z = rng.standard_normal(q.shape).astype(np.float32)
    exact = soft_cross_entropy(*(a.astype(np.float64) for a in (z, q)))
    for found, expected in zip(soft_cross_entropy(z, q), exact, strict=True):
        assert_close(found, expected, 1e-6)


def test_the_squared_error_is_the_loop(rng):
    out, target = rng.standard_normal((2, 3, 2, 3, 2))
    costs, dout = squared_error(out, target)
    for n in range(3):
        pairs = zip(out[n].ravel().tolist(), target[n].ravel().tolist(), strict=True)
        squares = [(a - b) ** 2 for a, b in pairs]
        assert costs[n] == pytest.approx(math.fsum(squares) / 12, rel=1e-12)
    numeric = differences(lambda: squared_error(out, target)[0].sum(), out)
    assert_close(dout, numeric, 1e-6)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.zeros((5, 1)), r"^target must have shape \(5, 4\)"),
        (np.zeros((5, 4), np.uint8), "^target must be float32 or float64"),
        (np.zeros((5, 4), np.float32), "^target must be float64, got float32"),
        (np.full((5, 4), np.nan), "^target must be finite"),
    ],
)
def test_targets_that_would_be_broadcast_or_lost_are_named(z, target, message):
    with pytest.raises((TypeError, ValueError), match=message):
        squared_error(z, target)


def costs(z, y):
    return cross_entropy(np.asarray(z), np.asarray(y))[0]


def gradient(z, y):
    return cross_entropy(np.asarray(z), np.asarray(y))[1]


@given(z=st.lists(st.lists(st.floats(-50, 50), min_size=4, max_size=4), min_size=1))
def test_the_values_are_the_loop(z):
    y = np.arange(len(z)) % 4
    alone = [
        oracles.cross_entropy([row], [label]) for row, label in zip(z, y, strict=True)
    ]
    assert costs(z, y) == pytest.approx(alone, rel=1e-12)


def test_the_gradient_is_softmax_minus_onehot(rng):
    z, y = rng.standard_normal((3, 4)), np.array([1, 0, 3])
    assert_close(gradient(z, y), oracles.softmax(z) - np.eye(4)[y], 1e-14)


@pytest.mark.parametrize("y", [0, 1])
def test_huge_logits_cost_finite_numbers(y):
    z = np.array([[1e4, -1e4, 0]], np.float32)
    assert costs(z, [y]) == pytest.approx([0, 2e4][y])
    assert gradient(z, [y]).tolist() == [[0, 0, 0], [1, -1, 0]][y : y + 1]


def test_each_row_has_a_scale_of_its_own():
    z = np.array([[1e4, 0], [0, 1], [-1e4, -1e4]], np.float32)
    assert costs(z, [0, 0, 0]) == pytest.approx([0, np.log1p(np.e), np.log(2)])


@pytest.mark.parametrize("gap", [20, 30, 60])
def test_a_right_and_certain_point_keeps_its_gradient(gap):
    # p_y - 1 would be exactly 0 in float32.
    dz = gradient(np.array([[gap, 0, 0]], np.float32), [0])
    expected = gradient(np.array([[gap, 0, 0]], np.float64), [0])
    assert dz[0, 0] < 0
    assert_close(dz, expected, 1e-5)


def test_the_cost_of_a_certain_point_is_zero_not_negative():
    assert costs(np.array([[90, 0]], np.float32), [0]) == 0
