"""Each layer's own numbers, by loops and by hand, and how it is printed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import (
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    ReLU,
    Round,
    Softmax,
    Upsample2D,
    kernels,
)
from minidl.layers import softmax
from tests import oracles
from tests.oracles import assert_close


def test_linear_is_the_loop(rng):
    layer, x = Linear(4, 3, rng=rng).astype(np.float64), rng.standard_normal((5, 4))
    layer.b.data[:] = rng.standard_normal(3)
    expected = oracles.linear(x, layer.W.data, layer.b.data)
    assert_close(layer.forward(x), expected, 1e-14)


def test_linears_biases_begin_at_zero(rng):
    layer = Linear(40, 30, rng=rng)
    assert layer.b.data.tolist() == [0] * 30
    assert layer.params == (layer.W, layer.b)
    assert {p.data.dtype for p in layer.params} == {np.dtype(np.float32)}


@pytest.mark.parametrize("bias", [np.zeros(1), np.zeros(4), np.zeros((1, 3))])
def test_linears_bias_of_another_shape_is_named(rng, bias):
    layer = Linear(4, 3, rng=rng).astype(np.float64)
    layer.b.data = bias
    with pytest.raises(ValueError, match=r"^b must have shape \(3,\), got"):
        layer.forward(np.zeros((2, 4)))


def test_relu_of_0_and_of_the_smallest_numbers():
    layer, x = ReLU(), np.array([[5e-324, 0.0, -5e-324]])
    assert layer.forward(x).tolist() == [[5e-324, 0, 0]]
    assert layer.backward(np.full((1, 3), 7.0)).tolist() == [[7, 0, 0]]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-12)]
)
@given(z=st.lists(st.lists(st.floats(-300, 300), min_size=3, max_size=3), min_size=1))
def test_softmax_is_the_layer_and_the_loop(dtype, tolerance, z):
    z = np.array(z, dtype)
    p = Softmax().forward(z)
    assert p.dtype == dtype
    assert np.array_equal(p, softmax(z))
    assert_close(p, oracles.softmax(z), tolerance)


def test_softmax_of_huge_logits_is_finite():
    z = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4]], np.float32)
    third = np.float32(1) / np.float32(3)
    assert softmax(z).tolist() == [[1, 0, 0], [third] * 3]


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (1, 1), (2, 3)])
def test_pooling_is_the_loop(each_implementation, rng, size, stride):
    layer = MaxPool2D(size, stride)
    x = rng.integers(-3, 3, (2, 6, 7, 2)).astype(np.float64)
    out = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    assert np.array_equal(out, oracles.max_pool(x, size, stride or size)[0])
    expected = oracles.max_pool_grad(dout, x, size, stride or size)
    assert np.array_equal(layer.backward(dout), expected)


def test_pooling_is_the_papers_2x2_by_default():
    assert MaxPool2D().output_shape((24, 24, 32)) == (12, 12, 32)
    assert (MaxPool2D().size, MaxPool2D().stride) == (2, 2)


def test_the_largest_window_of_pooling():
    assert MaxPool2D(16).output_shape((33, 16, 2)) == (2, 1, 2)
    with pytest.raises(ValueError, match=r"^size must be at most 16, got 17"):
        MaxPool2D(17)


def test_layers_are_printed_with_their_settings():
    layers = MaxPool2D(3), MaxPool2D(3, 2), Upsample2D(), Upsample2D(3), Round(4)
    pooling = ["MaxPool2D(3x3)", "MaxPool2D(3x3, stride=2)"]
    upsampling = ["Upsample2D(2x2)", "Upsample2D(3x3)"]
    assert list(map(repr, layers)) == [*pooling, *upsampling, "Round(4)"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_upsampling_is_the_loop(rng, size):
    layer, x = Upsample2D(size), rng.standard_normal((2, 3, 4, 2))
    out = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    assert np.array_equal(out, oracles.upsample(x, size))
    expected = oracles.upsample_grad(dout, x.shape, size)
    assert_close(layer.backward(dout), expected, 1e-15)


@pytest.mark.parametrize("levels", [2, 4, 9])
def test_rounding_takes_the_nearest_level(rng, levels):
    x = rng.random((3, 40)).astype(np.float32)
    grid = [k / (levels - 1) for k in range(levels)]
    nearest = [[min(grid, key=lambda g: abs(g - v)) for v in row] for row in x.tolist()]
    assert np.array_equal(Round(levels).forward(x), np.float32(nearest))


@pytest.mark.parametrize("levels", [1, 65537, 2**130])
def test_a_number_of_levels_that_cannot_be_told_apart_is_refused(levels):
    with pytest.raises(ValueError, match=r"^levels must be at (least 2|most 65536), g"):
        Round(levels)
    x = np.array([[0.3, 0.7]], np.float32)
    assert_close(Round(65536).forward(x), x, 2e-5)


def test_rounding_leaves_levels_as_they_are():
    x = np.linspace(0, 1, 256, dtype=np.float32)[None]
    assert np.array_equal(Round(256).forward(x), x)


def test_flatten_keeps_the_order_of_numbers():
    layer, x = Flatten(), np.arange(24.0).reshape(2, 2, 3, 2)
    out = layer.forward(x)
    assert out.tolist() == [list(range(12)), list(range(12, 24))]
    assert np.array_equal(layer.backward(out), x)


def test_dropout_forgets_the_mask_in_evaluation(rng):
    layer, x = Dropout(0.5), rng.standard_normal((8, 8))
    layer.forward(x, np.random.default_rng(0))
    assert np.array_equal(layer.forward(x), x)
    dout = rng.standard_normal((8, 8))
    assert np.array_equal(layer.backward(dout), dout)


def test_dropouts_mask_is_the_kernels_at_the_generators_next_number():
    layer, x = Dropout(0.3), np.ones((5, 6), np.float32)
    one, two = np.random.default_rng(4), np.random.default_rng(4)
    for _ in range(2):
        expected = kernels.dropout_mask(x, 0.3, int(two.integers(2**63)))
        assert np.array_equal(layer.forward(x, one), expected)
