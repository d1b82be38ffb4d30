"""The two clips, against loops over single pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import clip_to_ball, clip_to_bounds


@pytest.mark.parametrize("eps", [0, 0.1, 0.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_to_ball_pixel_by_pixel(rng, eps, dtype):
    x = rng.random((3, 4, 4, 2)).astype(dtype)
    x_adv = (x + rng.normal(0, 0.3, x.shape)).astype(dtype)
    expected = x_adv.copy()
    for i in np.ndindex(x.shape):
        if x_adv[i] > x[i] + dtype(eps):
            expected[i] = x[i] + dtype(eps)
        elif x_adv[i] < x[i] - dtype(eps):
            expected[i] = x[i] - dtype(eps)
    assert_array_equal(clip_to_ball(x_adv, x, eps), expected, strict=True)


@pytest.mark.parametrize("bounds", [(0, 1), (-0.25, 0.75)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_to_bounds_pixel_by_pixel(rng, bounds, dtype):
    x = rng.normal(0.5, 1, (3, 4, 4, 2)).astype(dtype)
    expected = x.copy()
    for i in np.ndindex(x.shape):
        expected[i] = max(bounds[0], min(bounds[1], x[i]))
    assert_array_equal(clip_to_bounds(x, bounds), expected, strict=True)


def test_no_bounds_no_clip(rng):
    x = rng.normal(0, 9, (3, 4, 4, 2))
    assert_array_equal(clip_to_bounds(x, None), x)


def test_the_order_of_the_clips_is_free_for_images_in_bounds(rng):
    x = rng.random((5, 4, 4, 1))
    x_adv = x + rng.normal(0, 1, x.shape)
    ball_first = clip_to_bounds(clip_to_ball(x_adv, x, 0.3), (0, 1))
    bounds_first = clip_to_ball(clip_to_bounds(x_adv, (0, 1)), x, 0.3)
    assert_array_equal(ball_first, bounds_first)


def test_for_others_the_last_clip_wins():
    x, x_adv = np.array([1.5]), np.array([1.5])
    assert clip_to_bounds(clip_to_ball(x_adv, x, 0.2), (0, 1)) == 1
    assert clip_to_ball(clip_to_bounds(x_adv, (0, 1)), x, 0.2) == 1.3


def test_clips_return_new_arrays(rng):
    x = rng.random((3, 4, 4, 1))
    x_adv = x + rng.normal(0, 1, x.shape)
    before = x_adv.copy()
    clip_to_ball(x_adv, x, 0.1)
    clip_to_bounds(x_adv, (0, 1))
    assert_array_equal(x_adv, before)


@pytest.mark.parametrize("clip", [clip_to_ball, clip_to_bounds])
def test_numpy_scalars_keep_float32(rng, clip):
    x = rng.random((3, 4, 4, 1), np.float32)
    one, two = np.float64(1), np.float64(2)
    arguments = (x, x, one) if clip is clip_to_ball else (x, (one, two))
    assert clip(*arguments).dtype == np.float32
