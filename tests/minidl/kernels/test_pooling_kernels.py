"""Max pooling and its gradient, in each implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import kernels
from tests import oracles


@st.composite
def poolings(draw):
    """Images of few different values, which have many ties, with size and stride."""
    size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    shape = (
        draw(st.integers(1, 3)),
        draw(st.integers(size, 8)),
        draw(st.integers(size, 8)),
        draw(st.integers(1, 3)),
    )
    seed, dtype = draw(st.integers(0, 9)), draw(st.sampled_from(["f4", "f8"]))
    x = np.random.default_rng(seed).integers(-2, 3, shape).astype(dtype)
    return x, size, stride


@given(pooling=poolings())
def test_maxima_and_first_positions_are_the_loops(each_implementation, pooling):
    x, size, stride = pooling
    out, argmax = kernels.max_pool(x, size, stride)
    expected, positions = oracles.max_pool(x, size, stride)
    assert np.array_equal(out, expected)
    assert np.array_equal(argmax, positions)
    assert out.dtype == x.dtype


@given(pooling=poolings())
def test_the_gradient_is_the_loop(each_implementation, pooling):
    x, size, stride = pooling
    out, argmax = kernels.max_pool(x, size, stride)
    dout = np.arange(1, out.size + 1, dtype=x.dtype).reshape(out.shape)
    dx = kernels.max_pool_grad(dout, argmax, x.shape, size, stride)
    assert np.array_equal(dx, oracles.max_pool_grad(dout, x, size, stride))
    assert dx.dtype == x.dtype


def test_the_uncompiled_kernels_agree(each_way, rng):
    x = rng.integers(-2, 3, (2, 6, 7, 2)).astype(np.float32)
    out, argmax = kernels.max_pool(x, 3, 2)
    dx = kernels.max_pool_grad(out, argmax, x.shape, 3, 2)
    assert np.array_equal(out, oracles.max_pool(x, 3, 2)[0])
    assert np.array_equal(dx, oracles.max_pool_grad(out, x, 3, 2))


def test_overlapping_windows_add_up(each_way):
    x = np.zeros((1, 3, 3, 1))
    x[0, 1, 1, 0] = 1  # the maximum of all four windows
    out, argmax = kernels.max_pool(x, 2, 1)
    dx = kernels.max_pool_grad(np.ones_like(out), argmax, x.shape, 2, 1)
    assert dx[0, :, :, 0].tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]


def test_the_first_of_equals_wins_row_by_row(each_way):
    x = np.array([[0, 7, 7], [7, 0, 0], [7, 7, 7]], np.float64).reshape(1, 3, 3, 1)
    _, argmax = kernels.max_pool(x, 3, 3)
    assert argmax.item() == 1


def test_all_negative_windows_keep_their_maximum(each_way):
    x = np.array([[-3, -1], [-2, -4]], np.float32).reshape(1, 2, 2, 1)
    out, argmax = kernels.max_pool(x, 2, 2)
    assert (out.item(), argmax.item()) == (-1, 1)


def test_the_last_position_of_the_largest_window_fits(each_way):
    x = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    out, argmax = kernels.max_pool(x, 16, 16)
    assert (out.item(), argmax.item()) == (255, 255)
    dx = kernels.max_pool_grad(out, argmax, x.shape, 16, 16)
    assert dx[0, 15, 15, 0] == 255


def test_images_that_are_not_contiguous(each_way, rng):
    x = rng.standard_normal((2, 3, 6, 6)).transpose(0, 2, 3, 1)
    out, argmax = kernels.max_pool(x, 2, 2)
    expected, positions = oracles.max_pool(x, 2, 2)
    assert np.array_equal(out, expected)
    assert np.array_equal(argmax, positions)
    dout = np.asfortranarray(out)
    dx = kernels.max_pool_grad(dout, argmax, x.shape, 2, 2)
    assert np.array_equal(dx, oracles.max_pool_grad(out, x, 2, 2))


def test_the_result_is_no_view_of_the_images(each_way):
    x = np.ones((1, 2, 2, 1))
    out, _ = kernels.max_pool(x, 1, 1)
    assert not np.shares_memory(out, x)


def test_a_window_larger_than_the_image_is_named(each_implementation):
    with pytest.raises(ValueError, match="3x3 window doesn't fit into an image of 2x2"):
        kernels.max_pool(np.zeros((1, 2, 2, 1)), 3, 1)


def test_gradients_of_another_shape_are_refused(each_implementation):
    """Compiled code would read beyond the arrays."""
    _, argmax = kernels.max_pool(np.ones((2, 4, 4, 3)), 2, 2)
    with pytest.raises(ValueError, match=r"latest output, \(2, 2, 2, 3\), got \(5, 2"):
        kernels.max_pool_grad(np.ones((5, 2, 2, 3)), argmax, (2, 4, 4, 3), 2, 2)
    with pytest.raises(ValueError, match=r"latest output, \(2, 3\), got \(5, 3\)"):
        kernels.relu_grad(np.ones((5, 3)), np.ones((2, 3)))


def test_relus_gradient_has_the_type_of_dout(each_implementation):
    dx = kernels.relu_grad(np.ones((2, 3), np.float32), np.ones((2, 3)))
    assert dx.dtype == np.float32
