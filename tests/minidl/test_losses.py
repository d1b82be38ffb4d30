"""The cross-entropy of the softmax, on logits."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import SoftmaxCrossEntropy
from tests import oracles
from tests.oracles import assert_close, differences


def cost(z, y):
    return SoftmaxCrossEntropy().forward(np.asarray(z), np.asarray(y))


def gradient(z, y):
    loss = SoftmaxCrossEntropy()
    loss.forward(np.asarray(z), np.asarray(y))
    return loss.backward()


@given(z=st.lists(st.lists(st.floats(-50, 50), min_size=4, max_size=4), min_size=1))
def test_the_value_is_the_loop(z):
    y = np.arange(len(z)) % 4
    assert cost(z, y) == pytest.approx(oracles.cross_entropy(z, y), rel=1e-12)


def test_equal_logits_cost_log_k():
    assert cost([[3.0, 3.0, 3.0, 3.0]], [2]) == pytest.approx(np.log(4))


def test_the_cost_is_the_mean_over_the_batch():
    z = [[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]]
    parts = [cost([row], [label]) for row, label in zip(z, [0, 0, 1], strict=True)]
    assert cost(z, [0, 0, 1]) == pytest.approx(np.mean(parts))


def test_each_images_cost_is_kept(rng):
    z, y = rng.standard_normal((4, 3)), np.array([0, 2, 1, 1])
    loss = SoftmaxCrossEntropy()
    loss.forward(z, y)
    alone = [cost(z[n : n + 1], y[n : n + 1]) for n in range(4)]
    np.testing.assert_allclose(loss.costs, alone, rtol=1e-12)


def test_the_gradient_is_the_difference_quotient(rng):
    z, y = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    numeric = differences(lambda: oracles.cross_entropy(z, y), z)
    assert_close(gradient(z, y), numeric, 1e-6)


def test_the_gradient_is_softmax_minus_onehot(rng):
    z, y = rng.standard_normal((3, 4)), np.array([1, 0, 3])
    expected = (oracles.softmax(z) - np.eye(4)[y]) / 3
    assert_close(gradient(z, y), expected, 1e-14)


def test_each_row_of_the_gradient_sums_to_zero(rng):
    z = rng.standard_normal((6, 10)).astype(np.float32)
    assert np.abs(gradient(z, np.arange(6)).sum(axis=1)).max() < 1e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(rng, dtype):
    z = rng.standard_normal((3, 4)).astype(dtype)
    value = cost(z, [0, 1, 2])
    assert isinstance(value, np.ndarray)
    assert (value.shape, value.dtype) == ((), np.dtype(dtype))
    assert gradient(z, [0, 1, 2]).dtype == dtype


@pytest.mark.parametrize("y", [0, 1])
def test_huge_logits_are_finite(y):
    z = np.array([[1e4, -1e4, 0]], np.float32)
    assert cost(z, [y]) == pytest.approx([0, 2e4][y])
    assert np.isfinite(gradient(z, [y])).all()


def test_each_row_has_a_scale_of_its_own():
    z = np.array([[1e4, 0], [0, 1], [-1e4, -1e4]], np.float32)
    expected = [0, np.log1p(np.exp(1)), np.log(2)]
    assert cost(z, [0, 0, 0]) == pytest.approx(np.mean(expected))


def test_a_wrong_and_certain_point_has_gradient_one():
    z = np.array([[1e4, 0]], np.float32)
    assert gradient(z, [1]).tolist() == [[1, -1]]


@pytest.mark.parametrize("gap", [20, 30, 60])
def test_a_right_and_certain_point_keeps_its_gradient(gap):
    # p_y - 1 would be exactly 0 in float32.
    dz = gradient(np.array([[gap, 0, 0]], np.float32), [0])
    expected = gradient(np.array([[gap, 0, 0]], np.float64), [0])
    assert dz[0, 0] < 0
    assert_close(dz, expected, 1e-5)


def test_the_cost_of_a_certain_point_is_zero_not_negative():
    assert cost(np.array([[90, 0]], np.float32), [0]) == 0


def test_logits_and_labels_are_untouched(rng):
    loss, z, y = SoftmaxCrossEntropy(), rng.standard_normal((3, 4)), np.array([1, 2, 3])
    z.flags.writeable = y.flags.writeable = False
    loss.forward(z, y)
    loss.backward()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0], [1], [2], [0]], r"^y must have shape \(4,\), got \(4, 1\)"),
        ([1], r"^y must have shape \(4,\), got \(1,\)"),
        (1, r"^y must have shape \(4,\), got \(\)"),
        ([0, 1, 2, 0, 1], r"^y must have shape \(4,\), got \(5,\)"),
        ([0, 1, 2, -1], "^y must be 0 to 2, got -1 to 2"),
        ([0, 1, 2, 3], "^y must be 0 to 2, got 0 to 3"),
        ([0.0, 1.0, 2.0, 0.0], "^y must hold integer labels, got float64"),
        ([True, False, True, True], "^y must hold integer labels, got bool"),
    ],
)
def test_labels_that_would_be_broadcast_are_named(y, message, rng):
    """Or indexed from behind: a plausible J comes out, of other labels."""
    with pytest.raises((TypeError, ValueError), match=message):
        cost(rng.standard_normal((4, 3)), y)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.zeros(3), r"^z must have 2 axes, got shape \(3,\)"),
        (np.zeros((4, 3, 1)), r"^z must have 2 axes, got shape \(4, 3, 1\)"),
        (np.zeros((0, 3)), r"^z must not be empty, got shape \(0, 3\)"),
        (np.zeros((4, 0)), r"^z must not be empty, got shape \(4, 0\)"),
        (np.zeros((4, 3), int), "^z must be float32 or float64, got int64"),
        ([[0.0, 1.0]], "^z must be a NumPy or CuPy array, got list"),
    ],
)
def test_what_are_no_logits_is_named(z, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SoftmaxCrossEntropy().forward(z, np.zeros(len(z), int))


def test_backward_can_be_called_again(rng):
    loss, z = SoftmaxCrossEntropy(), rng.standard_normal((3, 4))
    loss.forward(z, np.array([1, 2, 3]))
    first = loss.backward()
    kept = first.copy()
    assert np.array_equal(loss.backward(), kept)
    loss.forward(z * 2, np.array([0, 0, 0]))
    loss.backward()
    assert np.array_equal(first, kept)


def test_threads_share_a_loss(rng):
    loss, y = SoftmaxCrossEntropy(), np.array([1, 0, 3])
    z = rng.standard_normal((3, 4))
    J = loss.forward(z, y)
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(
            RuntimeError, match=r"^backward of the loss needs a forward"
        ):
            executor.submit(loss.backward).result()
        executor.submit(loss.forward, z * 5, y[::-1]).result()
        assert_close(loss.backward(), gradient(z, y), 1e-15)
        assert loss.costs.mean() == J
        found = executor.submit(loss.backward).result()
        assert_close(found, gradient(z * 5, y[::-1]), 1e-15)


@pytest.mark.parametrize(
    "copy", [deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))]
)
def test_a_copy_of_a_loss_has_seen_nothing(copy):
    loss = SoftmaxCrossEntropy()
    loss.forward(np.zeros((1, 2)), np.array([0]))
    with pytest.raises(RuntimeError, match=r"^backward of the loss needs a forward"):
        copy(loss).backward()
