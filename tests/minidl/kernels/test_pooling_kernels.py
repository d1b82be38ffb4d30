"""Max pooling and its gradient, in each implementation."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import kernels
from tests import oracles


@st.composite
def poolings(draw):
    """Images of few different values, with many ties and NaN, with size and stride."""
    size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    shape = (
        draw(st.integers(1, 3)),
        draw(st.integers(size, 8)),
        draw(st.integers(size, 8)),
        draw(st.integers(1, 3)),
    )
    seed, dtype = draw(st.integers(0, 9)), draw(st.sampled_from(["f4", "f8"]))
    x = np.random.default_rng(seed).integers(-2, 3, shape).astype(dtype)
    if draw(st.booleans()):
        x[x == 0] = np.nan
    return x, size, stride


@given(pooling=poolings())
def test_maxima_first_positions_and_gradients_are_the_loops(each_way, pooling):
    x, size, stride = pooling
    out, argmax = kernels.max_pool(x, size, stride)
    expected, positions = oracles.max_pool(x, size, stride)
    assert np.array_equal(out, expected, equal_nan=True)
    assert np.array_equal(argmax, positions)
    dout = np.arange(1, out.size + 1, dtype=x.dtype).reshape(out.shape)
    dx = kernels.max_pool_grad(dout, argmax, x.shape, size, stride)
    assert np.array_equal(dx, oracles.max_pool_grad(dout, x, size, stride))
    assert out.dtype == dx.dtype == x.dtype


def windows_with(size, value, count):
    """One image for each choice of `count` places in a window; and the places."""
    places = list(combinations(range(size * size), count))
    x = np.zeros((len(places), size * size, 1), np.float32)
    for image, chosen in zip(x, places, strict=True):
        image[list(chosen)] = value
    return x.reshape(-1, size, size, 1), places


@pytest.mark.parametrize("value", [7, np.inf, np.nan])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [2, 3])
def test_the_first_of_equals_wins_also_across_rows(each_way, size, count, value):
    x, places = windows_with(size, value, count)
    out, argmax = kernels.max_pool(x, size, size)
    assert argmax.ravel().tolist() == [chosen[0] for chosen in places]
    assert np.array_equal(out.ravel(), np.full(len(x), value), equal_nan=True)
    dx = kernels.max_pool_grad(np.ones_like(out), argmax, x.shape, size, size)
    assert np.array_equal(dx.reshape(len(x), -1).argmax(axis=1), argmax.ravel())
    assert dx.sum() == len(x)


def test_the_first_of_equals_wins_behind_a_convolution_too(each_way, rng):
    """Constant images, black images and dead units tie everywhere."""
    W = rng.standard_normal((3, 3, 8, 8)).astype(np.float32)
    for x, b in ((0, 1), (0, -1), (1, -1000)):
        x = np.full((2, 6, 6, 8), x, np.float32)
        _, argmax = kernels.conv2d_pool(x, W, np.full(8, b, np.float32), relu=True)
        assert not argmax.any()


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_nan_stays_one_behind_a_convolution(each_way, channels, place):
    x = np.zeros((1, 8, 8, channels), np.float32)
    x[0, 4 + place // 2, 4 + place % 2, 0] = np.nan
    W, b = np.ones((3, 3, channels, 8), np.float32), np.zeros(8, np.float32)
    for relu in (False, True):
        out = kernels.conv2d(x, W, b, 1, 1, relu=relu)
        assert np.isnan(out[0, 3 + place // 2 : 6, 3 + place % 2 : 6]).all()
        pooled, _ = kernels.conv2d_pool(x, W, b, 1, 1, relu=relu)
        assert np.array_equal(
            np.isnan(pooled), np.isnan(oracles.max_pool(out, 2, 2)[0])
        )


ODD = [((7, 5), 2, 2), ((8, 7), 3, 3), ((9, 9), 2, 3), ((6, 8), 3, 2)]


@pytest.mark.parametrize(("image", "size", "stride"), ODD)
def test_pixels_in_no_window_have_gradient_0(
    each_way, monkeypatch, image, size, stride
):
    x = np.arange(np.prod(image) * 4, dtype=np.float32).reshape(2, *image, 2)
    out, argmax = kernels.max_pool(x, size, stride)
    # Fresh memory is often 0 by chance.
    full = np.full
    monkeypatch.setattr(np, "empty", lambda *shape: full(shape[0], np.nan, shape[1]))
    dx = kernels.max_pool_grad(out, argmax, x.shape, size, stride)
    assert np.array_equal(dx, oracles.max_pool_grad(out, x, size, stride))


def test_pixels_in_no_window_have_gradient_0_behind_a_convolution(each_way, rng):
    """Of 5x5 outputs 4x4 lie in windows; the others have no gradient."""
    x, W = rng.random((2, 7, 7, 8)), rng.standard_normal((3, 3, 8, 8))
    out, argmax = kernels.conv2d_pool(x, W, np.zeros(8))
    dout = rng.random(out.shape)
    dx, dW = kernels.conv2d_grads(x, dout, W, argmax=argmax)
    spread = oracles.max_pool_grad(dout, kernels.conv2d(x, W), 2, 2)
    assert not spread[:, 4:].any()
    expected = kernels.conv2d_grads(x, spread, W)
    for a, b in zip((dx, dW), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_last_position_of_the_largest_window_fits(each_way):
    x = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    out, argmax = kernels.max_pool(x, 16, 16)
    assert (out.item(), argmax.item()) == (255, 255)
    dx = kernels.max_pool_grad(out, argmax, x.shape, 16, 16)
    assert dx[0, 15, 15, 0] == 255


def test_the_result_is_no_view_of_the_images(each_way):
    x = np.ones((1, 2, 2, 1))
    out, _ = kernels.max_pool(x, 1, 1)
    assert not np.shares_memory(out, x)


def test_relus_gradient_has_the_type_of_dout(each_implementation):
    dx = kernels.relu_grad(np.ones((2, 3), np.float32), np.ones((2, 3)))
    assert dx.dtype == np.float32
