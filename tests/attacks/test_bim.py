"""BIM: many small steps, each followed by both clips."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, fgsm, model_gradient


def bim_by_loops(model, x, y, eps, alpha, steps, low, high):
    """BIM on z = flat(x) W + b, number by number, sharing no code with ours."""
    W, b = (p.data.tolist() for p in model.params)
    result = []
    for image, label in zip(x.reshape(len(x), -1).tolist(), y, strict=True):
        start, moved = list(image), list(image)
        for _ in range(steps):
            z = [
                sum(v * row[k] for v, row in zip(moved, W, strict=True)) + b[k]
                for k in range(len(b))
            ]
            total = sum(math.exp(value) for value in z)
            d = [math.exp(value) / total - (k == label) for k, value in enumerate(z)]
            for i, row in enumerate(W):
                slope = sum(w * dk for w, dk in zip(row, d, strict=True))
                v = moved[i] + math.copysign(alpha, slope)
                v = max(start[i] - eps, min(start[i] + eps, v))
                moved[i] = max(low, min(high, v))
        result.append(moved)
    return np.array(result).reshape(x.shape)


@pytest.mark.parametrize(
    ("eps", "alpha", "steps"),
    [(0.2, 0.025, 8), (0.1, 0.04, 7), (0.5, 0.5, 3), (0.3, 0.01, 1)],
)
@pytest.mark.parametrize("bounds", [(0, 1), (-0.1, 1.05)])
def test_the_trajectory_of_a_plain_loop(linear_model, x, y, eps, alpha, steps, bounds):
    x_adv = bim(model_gradient(linear_model), x, y, eps, alpha, steps, bounds)
    expected = bim_by_loops(linear_model, x, y, eps, alpha, steps, *bounds)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("eps", [0.3, 0.03])
@pytest.mark.parametrize("bounds", [(0, 1), None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_step_of_size_eps_is_fgsm_to_the_bit(cnn, x, y, eps, bounds, dtype):
    gradient, x = model_gradient(cnn.astype(dtype)), x.astype(dtype)
    one_step = bim(gradient, x, y, eps, eps, 1, bounds)
    assert_array_equal(one_step, fgsm(gradient, x, y, eps, bounds), strict=True)


def test_each_gradient_is_taken_where_the_last_step_ended(cnn, x, y):
    gradient, seen = model_gradient(cnn), []

    def recorded(x, y):
        seen.append(x.copy())
        return gradient(x, y)

    x_adv = bim(recorded, x, y, 0.1, 0.03, 4)
    ends = [bim(gradient, x, y, 0.1, 0.03, steps) for steps in (1, 2, 3, 4)]
    assert_array_equal(seen, [x, *ends[:3]])
    assert_array_equal(x_adv, ends[3])


def test_the_gradient_gets_the_labels(x, y):
    def gradient(x, labels):
        assert_array_equal(labels, y)
        return np.ones_like(x)

    bim(gradient, x, y, 0.1, 0.1, 2)


def test_steps_beyond_the_ball_end_on_its_surface(x, y):
    x_adv = bim(lambda x, y: np.ones_like(x), x, y, 0.1, 0.04, 5, bounds=None)
    assert_allclose(x_adv, x + 0.1, rtol=0, atol=1e-15)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_way_back_starts_at_the_clipped_pixel(y, direction):
    """Clipped at each step, not at the end: 0.9 -> 1.0 -> 0.8 and not 0.9 -> 0.9."""
    x = np.full((8, 2, 2, 1), 0.5 + direction * 0.4)
    slopes = iter([direction, -direction])
    x_adv = bim(lambda x, y: np.full_like(x, next(slopes)), x, y, 0.3, 0.2, 2)
    assert_allclose(x_adv, 0.5 + direction * 0.3, rtol=0, atol=1e-15)


def test_without_bounds_pixels_leave_the_range(x, y):
    x_adv = bim(lambda x, y: -np.ones_like(x), x, y, 2, 1, 2, bounds=None)
    assert_array_equal(x_adv, x - 1 - 1)


@pytest.mark.parametrize("bounds", [(0, 1), None])
@pytest.mark.parametrize("alpha", [0.01, 5])
def test_eps_0_returns_an_equal_copy_whatever_alpha(cnn, x, y, bounds, alpha):
    x_adv = bim(model_gradient(cnn), x, y, 0, alpha, 3, bounds)
    assert_array_equal(x_adv, x)
    assert not np.shares_memory(x_adv, x)


def test_every_step_raises_the_loss_of_a_linear_model(linear_model, x, y, cost):
    gradient = model_gradient(linear_model)
    losses = [cost(linear_model, x, y)]
    for steps in range(1, 6):
        x_adv = bim(gradient, x, y, 0.2, 0.02, steps)
        losses.append(cost(linear_model, x_adv, y))
    assert (np.diff(losses, axis=0) > 0).all()


def test_small_steps_raise_every_images_loss(cnn, x, y, cost):
    x_adv = bim(model_gradient(cnn), x, y, 1e-3, 1e-4, 10)
    assert (cost(cnn, x_adv, y) > cost(cnn, x, y)).all()
