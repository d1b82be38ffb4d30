"""im2col, col2im and the convolution's three products, in each implementation."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import kernels
from tests import oracles
from tests.minidl.conftest import compiled_im2col
from tests.oracles import assert_close

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}


class Case(NamedTuple):
    """One convolution."""

    x_shape: tuple[int, int, int, int]
    window: tuple[int, int]
    stride: int
    pad: int
    filters: int = 2
    dtype: type = np.float64

    def arrays(self):
        """Images, filters and an output's gradient, all random."""
        rng = np.random.default_rng(7)
        x = rng.standard_normal(self.x_shape)
        W = rng.standard_normal((*self.window, self.x_shape[3], self.filters))
        sizes = (
            oracles.output_size(size, window, self.stride, self.pad)
            for size, window in zip(self.x_shape[1:3], self.window, strict=True)
        )
        dout = rng.standard_normal((len(x), *sizes, self.filters))
        return [a.astype(self.dtype) for a in (x, W, dout)]

    @property
    def steps(self):
        return self.stride, self.pad


def input_grad(x, dout, W, case):
    dx, dW = kernels.conv2d_grads(x, dout, W, *case.steps, param_grads=False)
    assert dW is None
    return dx


def weight_grad(x, dout, W, case):
    dx, dW = kernels.conv2d_grads(x, dout, W, *case.steps, input_grad=False)
    assert dx is None
    return dW


CASES = {
    "3x3": Case((2, 5, 6, 2), (3, 3), 1, 0),
    "3x3 same": Case((2, 5, 4, 3), (3, 3), 1, 1),
    "1x1": Case((2, 3, 3, 4), (1, 1), 1, 0),
    "not square": Case((1, 6, 5, 2), (2, 4), 1, 1),
    "stride": Case((2, 7, 8, 1), (3, 2), 2, 0),
    "stride over the window": Case((2, 8, 7, 1), (2, 2), 3, 1),
    "pixels left over": Case((1, 6, 6, 1), (3, 3), 2, 0),
    "more padding than window": Case((1, 2, 3, 1), (2, 2), 1, 3),
    "whole image": Case((2, 4, 3, 2), (4, 3), 1, 0),
    "one number": Case((1, 1, 1, 1), (1, 1), 1, 0, filters=1),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


@st.composite
def convolutions(draw):
    """Any small convolution whose window fits."""
    window = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride, pad = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    size = [draw(st.integers(max(1, k - 2 * pad), 7)) for k in window]
    images, channels = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Case(
        (images, *size, channels),
        window,
        stride,
        pad,
        filters=draw(st.integers(1, 3)),
        dtype=draw(st.sampled_from([np.float32, np.float64])),
    )


def test_im2col_is_the_loop(each_way, case):
    x, _, _ = case.arrays()
    col = kernels.im2col(x, case.window, *case.steps)
    assert np.array_equal(col, oracles.im2col(x, case.window, *case.steps))


def test_col2im_is_the_loop(each_way, case, rng):
    x, _, _ = case.arrays()
    col = rng.standard_normal(oracles.im2col(x, case.window, *case.steps).shape)
    back = kernels.col2im(col, x.shape, case.window, *case.steps)
    assert_close(back, oracles.col2im(col, x.shape, case.window, *case.steps), 1e-14)


def test_conv2d_and_its_gradients_are_the_loops(each_way, case):
    x, W, dout = case.arrays()
    out = kernels.conv2d(x, W, None, *case.steps)
    assert_close(out, oracles.conv2d(x, W, *case.steps), 1e-13)
    rows, filters = dout.reshape(-1, case.filters), W.reshape(-1, case.filters)
    expected = oracles.col2im(rows @ filters.T, x.shape, case.window, *case.steps)
    assert_close(input_grad(x, dout, W, case), expected, 1e-13)
    col = oracles.im2col(x, case.window, *case.steps)
    expected = (col.T @ rows).reshape(W.shape)
    assert_close(weight_grad(x, dout, W, case), expected, 1e-13)


@given(case=convolutions())
def test_conv2d_is_the_loop_for_any_shape(each_implementation, case):
    x, W, _ = case.arrays()
    out = kernels.conv2d(x, W, None, *case.steps)
    assert_close(out, oracles.conv2d(x, W, *case.steps), TOLERANCE[case.dtype])


@given(case=convolutions())
def test_col2im_is_the_adjoint_of_im2col(each_implementation, case):
    x, _, _ = case.arrays()
    col = kernels.im2col(x, case.window, *case.steps)
    c = np.random.default_rng(8).standard_normal(col.shape).astype(case.dtype)
    back = kernels.col2im(c, x.shape, case.window, *case.steps)
    scale = np.linalg.norm(col) * np.linalg.norm(c)
    assert abs(np.vdot(col, c) - np.vdot(x, back)) <= TOLERANCE[case.dtype] * scale


@given(case=convolutions())
def test_both_gradients_are_adjoints_of_conv2d(each_implementation, case):
    # <conv(x, W), dout> is linear in x and in W: both gradients give it back.
    x, W, dout = case.arrays()
    value = np.vdot(kernels.conv2d(x, W, None, *case.steps), dout)
    dx = input_grad(x, dout, W, case)
    dW = weight_grad(x, dout, W, case)
    tolerance = TOLERANCE[case.dtype] * np.abs(x).sum() * np.abs(W).sum()
    assert abs(np.vdot(dx, x) - value) <= tolerance
    assert abs(np.vdot(dW, W) - value) <= tolerance


def test_a_batch_of_many_blocks_is_the_batch_image_by_image(monkeypatch):
    windows = pytest.importorskip("minidl.kernels.cpu.windows", reason="no Numba")
    case = Case((7, 6, 6, 2), (3, 3), 1, 1)
    x, W, dout = case.arrays()
    monkeypatch.setattr(windows, "BLOCK_BYTES", 3 * 6 * 6 * 9 * 2 * 8)  # 3 + 3 + 1
    with compiled_im2col():
        out = kernels.conv2d(x, W, None, *case.steps)
        dx, dW = kernels.conv2d_grads(x, dout, W, *case.steps)
    with kernels.use("reference"):
        assert_close(out, kernels.conv2d(x, W, None, *case.steps), 1e-14)
        assert_close(dW, weight_grad(x, dout, W, case), 1e-13)
        assert_close(dx, input_grad(x, dout, W, case), 1e-14)


@pytest.mark.parametrize(
    ("size", "images"), [(2 * 10 * 4, [2, 2, 1]), (1, [1, 1, 1, 1, 1])]
)
def test_columns_stay_within_the_block_or_are_those_of_one_image(
    monkeypatch, size, images
):
    windows = pytest.importorskip("minidl.kernels.cpu.windows", reason="no Numba")
    monkeypatch.setattr(windows, "BLOCK_BYTES", size)
    blocks = list(windows.column_blocks(slice(0, 5), (2, 5), np.float32))
    assert [len(work) for _, work in blocks] == images
    assert [n for block, _ in blocks for n in range(5)[block]] == list(range(5))


def test_one_integer_is_a_square_window(each_implementation, rng):
    x = rng.standard_normal((1, 5, 6, 1))
    square = kernels.im2col(x, (3, 3))
    assert np.array_equal(kernels.im2col(x, 3), square)
    assert np.array_equal(kernels.im2col(x, np.int64(3)), square)
    assert np.array_equal(
        kernels.col2im(square, x.shape, 3), kernels.col2im(square, x.shape, (3, 3))
    )


def test_an_infinite_weight_leaves_the_missing_bias_zero(each_implementation):
    out = kernels.conv2d(np.ones((1, 3, 3, 1)), np.full((3, 3, 1, 2), np.inf))
    assert np.isposinf(out).all()
