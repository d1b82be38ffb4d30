"""Winograd's convolution: the same oracles as im2col's, any size, both paddings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import kernels
from tests import oracles
from tests.oracles import assert_close

pytest.importorskip("numba", reason="no Numba")
from minidl.kernels.cpu import winograd, winograd_blocks, winograd_transforms

# Of the largest entry. The transforms' factors of up to 25 cost float32 a digit.
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}

B_T = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
A_T = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]


def arrays(N, H, W, C, F, pad, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, H, W, C))
    weights = rng.standard_normal((3, 3, C, F))
    dout = rng.standard_normal((N, H + 2 * pad - 2, W + 2 * pad - 2, F))
    return [a.astype(dtype) for a in (x, weights, dout)]


@st.composite
def convolutions(draw):
    pad = draw(st.integers(0, 1))
    size = st.integers(3 - 2 * pad, 11)
    count = st.integers(1, 4)
    shape = (draw(count), draw(size), draw(size), draw(count), draw(count), pad)
    return (*arrays(*shape, draw(st.sampled_from([np.float32, np.float64]))), pad)


def grads(x, dout, W, pad, algorithm="winograd"):
    return kernels.conv2d_grads(x, dout, W, 1, pad, algorithm)


def double(*arrays):
    return [a.astype(np.float64) for a in arrays]


@given(case=convolutions())
def test_forward_is_the_loop_and_both_gradients_are_im2cols(case):
    x, W, dout, pad = case
    with kernels.use("numba"):
        out = kernels.conv2d(x, W, None, 1, pad, "winograd")
        dx, dW = grads(x, dout, W, pad)
    with kernels.use("reference"):
        expected_dx, expected_dW = grads(*double(x, dout, W), pad)
    assert {a.dtype for a in (out, dx, dW)} == {x.dtype}
    tolerance = TOLERANCE[x.dtype.type]
    assert_close(out, oracles.conv2d(*double(x, W), 1, pad), tolerance)
    assert_close(dx, expected_dx, tolerance)
    assert_close(dW, expected_dW, tolerance)


@pytest.mark.parametrize("size", [(26, 32, 0), (16, 64, 1), (8, 128, 1)])
def test_the_papers_sizes_in_float32(size):
    H, C, pad = size
    x, W, dout = arrays(9, H, H, C, C, pad, np.float32)
    W /= np.float32(3 * C**0.5)
    with kernels.use("numba"):
        out = kernels.conv2d(x, W, None, 1, pad, "winograd")
        dx, dW = grads(x, dout, W, pad)
    with kernels.use("reference"):
        expected = kernels.conv2d(*double(x, W), None, 1, pad)
        expected_dx, expected_dW = grads(*double(x, dout, W), pad)
    assert_close(out, expected, 1e-4)
    assert_close(dx, expected_dx, 1e-4)
    assert_close(dW, expected_dW, 1e-4)


@pytest.mark.parametrize("relu", [False, True])
def test_bias_and_relu(each_way, relu, rng):
    x, W, _ = arrays(2, 7, 6, 3, 2, 1, np.float64)
    b = rng.standard_normal(2)
    out = kernels.conv2d(x, W, b, 1, 1, "winograd", relu)
    expected = oracles.conv2d(x, W, 1, 1) + b
    assert_close(out, np.maximum(expected, 0) if relu else expected, 1e-12)
    assert (out.min() == 0) == relu


def test_uncompiled_gradients(each_way):
    x, W, dout = arrays(2, 6, 5, 2, 3, 1, np.float64)
    dx, dW = grads(x, dout, W, 1)
    with kernels.use("reference"):
        expected = grads(x, dout, W, 1)
    assert_close(dx, expected[0], 1e-12)
    assert_close(dW, expected[1], 1e-12)


def test_a_batch_of_many_blocks(monkeypatch):
    x, W, dout = arrays(7, 9, 9, 2, 3, 1, np.float64)
    with kernels.use("numba"):
        whole = kernels.conv2d(x, W, None, 1, 1, "winograd"), *grads(x, dout, W, 1)
        monkeypatch.setattr(winograd_blocks, "BLOCK_BYTES", 1)  # one image at a time
        parts = kernels.conv2d(x, W, None, 1, 1, "winograd"), *grads(x, dout, W, 1)
    for a, b in zip(whole, parts, strict=True):
        assert_close(a, b, 1e-14)


@pytest.mark.parametrize(
    ("kernel", "matrix"),
    [
        ("b_transposed", B_T),
        ("b", np.transpose(B_T)),
        ("a_transposed", A_T),
        ("a", np.transpose(A_T)),
    ],
)
def test_each_transform_is_its_matrix(kernel, matrix, rng):
    matrix = np.array(matrix)
    vectors = rng.standard_normal((matrix.shape[1], 2))
    result = getattr(winograd_transforms, kernel).py_func(tuple(vectors))
    assert_close(np.array(result), matrix @ vectors, 1e-14)


def test_the_matrices_multiply_polynomials():
    # In one dimension: A^T [(G g) * (B^T d)] is the correlation of d with g.
    rng = np.random.default_rng(1)
    d, g = rng.standard_normal(6), rng.standard_normal(3)
    out = np.array(A_T) @ ((winograd.G @ g) * (np.array(B_T) @ d))
    assert_close(out, np.correlate(d, g, "valid"), 1e-13)


def test_after_relu_the_gradient_is_zero_where_nothing_came_through(each_way):
    x, W, dout = arrays(2, 6, 5, 2, 3, 1, np.float64)
    x = np.maximum(x, 0)
    dx, _ = winograd.conv2d_grads(x, dout, W, 1, 1, False, True)
    du, _ = winograd.conv2d_grads(x, dout, W, 1, 1, False, True, after_relu=True)
    assert (x == 0).any()
    assert np.array_equal(du, np.where(x > 0, dx, 0))
