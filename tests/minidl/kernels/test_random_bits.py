"""The counter-based generator, and the dropout masks made from it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import kernels
from minidl.kernels.random_bits import drop_threshold, random_bits
from tests import oracles

# First outputs of the reference implementation in C at seed 1234567, which the
# authors of other implementations use as their test vector.
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]


def test_the_generator_and_its_oracle_give_the_published_numbers():
    bits = random_bits(1234567, 5, np)
    assert bits.dtype == np.uint64
    assert bits.tolist() == oracles.splitmix64(1234567, 5) == PUBLISHED


@given(seed=st.integers(0, 2**64 - 1), size=st.integers(0, 40))
def test_the_generator_is_the_oracle(seed, size):
    assert random_bits(seed, size, np).tolist() == oracles.splitmix64(seed, size)


@pytest.mark.parametrize(
    ("rate", "threshold"), [(0, 0), (0.5, 2**23), (0.25, 2**22), (0.1, 1677722)]
)
def test_the_threshold_is_the_rate_of_24_bits(rate, threshold):
    assert drop_threshold(rate) == threshold


def oracle_mask(shape, rate, seed):
    """An entry is dropped where the top 24 of its 64 bits are below the rate."""
    kept = [
        0.0 if (bits >> 40) < round(rate * 2**24) else 1 / (1 - rate)
        for bits in oracles.splitmix64(seed, math.prod(shape))
    ]
    return np.array(kept).reshape(shape)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mask_is_the_oracle_in_each_implementation(each_way, rate, seed, dtype):
    mask = kernels.dropout_mask(np.zeros((4, 2, 5, 3), dtype).T, rate, seed)
    assert mask.dtype == dtype
    assert np.array_equal(mask, oracle_mask((3, 5, 2, 4), rate, seed).astype(dtype))


def test_bits_at_the_threshold_are_kept_in_each_implementation(each_way):
    [bits] = oracles.splitmix64(3, 1)
    for more, kept in ((0, True), (1, False)):
        rate = ((bits >> 40) + more) / 2**24
        assert kernels.dropout_mask(np.zeros(1), rate, 3).any() == kept
