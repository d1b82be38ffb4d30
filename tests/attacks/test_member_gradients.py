"""Adv. 1 follows one member's gradient, Adv. 2 the sum of all members' gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, input_gradient, member_gradient, sum_gradient


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
    expected = bim(sum_gradient(members), x, y, 0.1, 0.05, 3)
    assert_array_equal(bim(gradient, x, y, 0.1, 0.05, 3), expected)


@pytest.mark.parametrize(
    ("i", "message"), [(-1, "at least 0, got -1"), (3, "0 to 2, got 3")]
)
def test_an_i_without_a_member_is_refused_at_once(members, i, message):
    with pytest.raises(ValueError, match=f"^i must be {message}$"):
        member_gradient(members, i)
