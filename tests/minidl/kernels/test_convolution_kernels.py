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


def test_conv2d_is_the_loop(each_way, case):
    x, W, _ = case.arrays()
    out = kernels.conv2d(x, W, None, *case.steps)
    assert_close(out, oracles.conv2d(x, W, *case.steps), 1e-13)


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


def test_conv2d_input_grad_is_the_loop(each_way, case):
    x, W, dout = case.arrays()
    dx = input_grad(x, dout, W, case)
    dcol = dout.reshape(-1, case.filters) @ W.reshape(-1, case.filters).T
    expected = oracles.col2im(dcol, x.shape, case.window, *case.steps)
    assert_close(dx, expected, 1e-13)


def test_conv2d_weight_grad_is_the_loop(each_way, case):
    x, W, dout = case.arrays()
    dW = weight_grad(x, dout, W, case)
    col = oracles.im2col(x, case.window, *case.steps)
    expected = (col.T @ dout.reshape(-1, case.filters)).reshape(W.shape)
    assert_close(dW, expected, 1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(each_way, dtype):
    case = Case((2, 4, 4, 2), (3, 2), 1, 1, dtype=dtype)
    x, W, dout = case.arrays()
    col = kernels.im2col(x, case.window, *case.steps)
    results = [
        col,
        kernels.col2im(col, x.shape, case.window, *case.steps),
        kernels.conv2d(x, W, None, *case.steps),
        weight_grad(x, dout, W, case),
        input_grad(x, dout, W, case),
    ]
    assert {r.dtype for r in results} == {np.dtype(dtype)}


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed": lambda a: a[::-1].copy()[::-1],
    "every other": lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
}


@pytest.mark.parametrize(
    "case",
    [Case((2, 5, 4, 3), (3, 2), 2, 1), Case((2, 5, 4, 8), (3, 3), 1, 1, 8)],
    ids=["im2col", "Winograd"],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same(each_way, layout, case):
    x, W, dout = case.arrays()
    x_, dout_ = LAYOUTS[layout](x), LAYOUTS[layout](dout)
    for function, a, b in [
        (lambda x: kernels.im2col(x, case.window, *case.steps), x, x_),
        (lambda x: kernels.conv2d(x, W, None, *case.steps), x, x_),
        (
            lambda x: weight_grad(x, dout, W, case),
            x,
            x_,
        ),
        (
            lambda d: input_grad(x, d, W, case),
            dout,
            dout_,
        ),
    ]:
        assert np.array_equal(a, b)
        assert_close(function(b), function(a), 1e-14)


def test_col2im_takes_a_transposed_matrix(each_way, rng):
    col = rng.standard_normal((18, 9))
    expected = kernels.col2im(col, (2, 5, 5, 1), 3)
    assert np.array_equal(
        kernels.col2im(np.asfortranarray(col), (2, 5, 5, 1), 3), expected
    )


def test_a_batch_of_many_blocks_is_the_batch_image_by_image(monkeypatch):
    windows = pytest.importorskip("minidl.kernels.cpu.windows", reason="no Numba")
    case = Case((7, 6, 6, 2), (3, 3), 1, 1)
    x, W, dout = case.arrays()
    image_bytes = 6 * 6 * 9 * 2 * 8
    monkeypatch.setattr(windows, "BLOCK_BYTES", 3 * image_bytes)  # 3 + 3 + 1 images
    with compiled_im2col():
        out = kernels.conv2d(x, W, None, *case.steps)
        dW = weight_grad(x, dout, W, case)
        dx = input_grad(x, dout, W, case)
    with kernels.use("reference"):
        assert_close(out, kernels.conv2d(x, W, None, *case.steps), 1e-14)
        expected = weight_grad(x, dout, W, case)
        assert_close(dW, expected, 1e-13)
        expected = input_grad(x, dout, W, case)
        assert_close(dx, expected, 1e-14)


def test_columns_stay_within_the_block(monkeypatch):
    windows = pytest.importorskip("minidl.kernels.cpu.windows", reason="no Numba")
    x = np.zeros((5, 4), np.float32)
    monkeypatch.setattr(windows, "BLOCK_BYTES", 2 * 10 * x.itemsize)
    blocks = [
        (block, work.shape)
        for block, work in windows.column_blocks(slice(0, 5), (2, 5), x.dtype)
    ]
    assert blocks == [
        (slice(0, 2), (2, 2, 5)),
        (slice(2, 4), (2, 2, 5)),
        (slice(4, 5), (1, 2, 5)),
    ]


def test_an_image_larger_than_a_block_is_one_block(monkeypatch):
    windows = pytest.importorskip("minidl.kernels.cpu.windows", reason="no Numba")
    monkeypatch.setattr(windows, "BLOCK_BYTES", 1)
    x = np.zeros((3, 4))
    assert [
        len(work) for _, work in windows.column_blocks(slice(0, 3), (9,), x.dtype)
    ] == [1, 1, 1]


def test_one_integer_is_a_square_window(each_implementation, rng):
    x = rng.standard_normal((1, 5, 6, 1))
    square = kernels.im2col(x, (3, 3))
    assert np.array_equal(kernels.im2col(x, 3), square)
    assert np.array_equal(kernels.im2col(x, np.int64(3)), square)
    assert np.array_equal(
        kernels.col2im(square, x.shape, 3), kernels.col2im(square, x.shape, (3, 3))
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": (3, 0)}, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": (3,)}, "kernel_size must be one or two integers"),
        ({"kernel_size": 2.5}, "kernel_size must be an integer, got 2.5"),
        ({"kernel_size": (3, "3")}, "kernel_size must be an integer, got '3'"),
        ({"kernel_size": 3, "stride": 0}, "stride must be at least 1, got 0"),
        ({"kernel_size": 3, "pad": -1}, "pad must be at least 0, got -1"),
    ],
)
def test_a_window_that_cannot_be_is_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.im2col(np.zeros((1, 5, 5, 1)), **arguments)
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.col2im(np.zeros((9, 9)), (1, 5, 5, 1), **arguments)


def test_a_window_larger_than_the_image_is_named(each_implementation):
    message = "3x3 window doesn't fit into an image of 2x5 with padding 0"
    with pytest.raises(ValueError, match=message):
        kernels.im2col(np.zeros((1, 2, 5, 1)), 3)


@pytest.mark.parametrize("shape", [(1, 5, 5, 3), (5, 5, 2), (1, 1, 5, 5, 2)])
def test_images_must_have_the_filters_channels(shape):
    with pytest.raises(ValueError, match=r"x must have shape \(N, H, W, 2\), got"):
        kernels.conv2d(np.zeros(shape), np.zeros((3, 3, 2, 4)))


MISFITS = {  # what backward gets, of x (4, 8, 8, C) and 8 filters
    "larger": (4, 28, 28, 8),
    "more images": (5, 6, 6, 8),
    "fewer images": (3, 6, 6, 8),
    "as many numbers": (4, 6 * 6, 1, 8),
}


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("shape", MISFITS.values(), ids=MISFITS)
def test_a_gradient_of_another_shape_is_refused(each_implementation, channels, shape):
    """Compiled code would read beyond the arrays."""
    x, W = np.ones((4, 8, 8, channels)), np.ones((3, 3, channels, 8))
    with pytest.raises(ValueError, match=r"^dout must have the shape of the latest"):
        kernels.conv2d_grads(x, np.ones(shape), W)


@pytest.mark.parametrize("channels", [1, 8])
def test_a_pooled_gradient_of_another_shape_is_refused(each_implementation, channels):
    x, W = np.ones((4, 8, 8, channels)), np.ones((3, 3, channels, 8))
    out, argmax = kernels.conv2d_pool(x, W, np.zeros(8))
    with pytest.raises(ValueError, match=r"latest output, \(4, 3, 3, 8\), got \(4, 6"):
        kernels.conv2d_grads(x, np.ones((4, 6, 6, 8)), W, argmax=argmax)
    dx, _ = kernels.conv2d_grads(x, np.ones_like(out), W, argmax=argmax)
    assert dx.shape == x.shape


@pytest.mark.parametrize("function", [kernels.conv2d, kernels.conv2d_pool])
def test_other_channels_and_small_images_are_refused(each_implementation, function):
    x, W, b = np.ones((1, 8, 8, 16)), np.ones((3, 3, 8, 8)), np.zeros(8)
    with pytest.raises(ValueError, match=r"^x must have shape \(N, H, W, 8\), got"):
        function(x, W, b)
    with pytest.raises(ValueError, match="window doesn't fit into an image of"):
        kernels.conv2d_pool(np.ones((1, 3, 3, 8)), W, b)


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("dtype", [int, np.float16, bool])
def test_what_is_no_float_is_refused(each_implementation, channels, dtype):
    """The weights would take its type, and become 0."""
    x, W = np.ones((1, 6, 6, channels)), np.ones((3, 3, channels, 8))
    for function in (kernels.conv2d, lambda *a: kernels.conv2d_pool(*a, np.zeros(8))):
        with pytest.raises(TypeError, match=r"^x must be float32 or float64, got"):
            function(x.astype(dtype), W)
    with pytest.raises(TypeError, match=r"^dout must be float32 or float64, got"):
        kernels.conv2d_grads(x, np.ones((1, 4, 4, 8), dtype), W)
    with pytest.raises(TypeError, match=r"^x must be float32 or float64, got"):
        kernels.dropout_mask(x.astype(dtype), 0.4, 0)


@pytest.mark.parametrize("channels", [1, 8])
def test_no_images_no_output(each_implementation, channels):
    x, W = np.ones((0, 8, 8, channels)), np.ones((3, 3, channels, 8))
    out = kernels.conv2d(x, W)
    assert out.shape == (0, 6, 6, 8)
    dx, dW = kernels.conv2d_grads(x, out, W)
    assert dx.shape == x.shape
    assert np.array_equal(dW, np.zeros_like(W))
    assert kernels.matmul(np.ones((0, 3)), np.ones((3, 2))).shape == (0, 2)
    assert kernels.im2col(x, 3).shape == (0, 9 * channels)


@pytest.mark.parametrize("channels", [1, 8])
def test_filters_in_any_layout(each_implementation, channels):
    """As PyTorch keeps them: (F, C, KH, KW)."""
    rng = np.random.default_rng(3)
    x, theirs = rng.random((2, 6, 6, channels)), rng.random((8, channels, 3, 3))
    W = theirs.transpose(2, 3, 1, 0)
    out = kernels.conv2d(x, W)
    assert_close(out, kernels.conv2d(x, W.copy()), 1e-13)
    found = kernels.conv2d_grads(x, out, W)
    for a, b in zip(found, kernels.conv2d_grads(x, out, W.copy()), strict=True):
        assert_close(a, b, 1e-13)


def test_an_infinite_weight_leaves_the_missing_bias_zero(each_implementation):
    out = kernels.conv2d(np.ones((1, 3, 3, 1)), np.full((3, 3, 1, 2), np.inf))
    assert np.isposinf(out).all()
