"""The cross-entropy of the softmax, on logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import cross_entropy
from tests import oracles
from tests.oracles import assert_close, differences


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


def test_the_gradient_is_the_difference_quotient_of_the_sum(rng):
    z, y = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    numeric = differences(lambda: 5 * oracles.cross_entropy(z, y), z)
    assert_close(gradient(z, y), numeric, 1e-6)


def test_the_gradient_is_softmax_minus_onehot(rng):
    z, y = rng.standard_normal((3, 4)), np.array([1, 0, 3])
    assert_close(gradient(z, y), oracles.softmax(z) - np.eye(4)[y], 1e-14)


def test_each_row_of_the_gradient_sums_to_zero(rng):
    z = rng.standard_normal((6, 10)).astype(np.float32)
    assert np.abs(gradient(z, np.arange(6)).sum(axis=1)).max() < 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept_and_arguments_untouched(rng, dtype):
    z, y = rng.standard_normal((3, 4)).astype(dtype), np.array([0, 1, 2])
    z.flags.writeable = y.flags.writeable = False
    values, dz = cross_entropy(z, y)
    assert (values.shape, values.dtype) == ((3,), np.dtype(dtype))
    assert (dz.shape, dz.dtype) == ((3, 4), np.dtype(dtype))


@pytest.mark.parametrize("y", [0, 1])
def test_huge_logits_are_finite(y):
    z = np.array([[1e4, -1e4, 0]], np.float32)
    assert costs(z, [y]) == pytest.approx([0, 2e4][y])
    assert np.isfinite(gradient(z, [y])).all()


def test_each_row_has_a_scale_of_its_own():
    z = np.array([[1e4, 0], [0, 1], [-1e4, -1e4]], np.float32)
    assert costs(z, [0, 0, 0]) == pytest.approx([0, np.log1p(np.e), np.log(2)])


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
    assert costs(np.array([[90, 0]], np.float32), [0]) == 0
