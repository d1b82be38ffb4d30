"""FGSM, BIM and MI-FGSM: steps along a sign, against loops and closed forms."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, clip_to_ball, fgsm, mi_fgsm, model_gradient
from attacks.mi_fgsm import unit_l1


def closed_form_gradient(model, x, y):
    """W (p - onehot(y)) of z = flat(x) W + b, in plain NumPy."""
    W, b = (p.data for p in model.params)
    z = x.reshape(len(x), -1) @ W + b
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return ((p - np.eye(W.shape[1])[y]) @ W.T).reshape(x.shape)


@pytest.mark.parametrize("eps", [0.03, 0.3, 1.0])
def test_fgsm_in_closed_form_on_a_linear_model(linear_model, x, y, eps):
    """Whatever the label: it isn't replaced by the prediction."""
    for labels in (y, *np.tile(np.arange(4)[:, None], 8)):
        x_adv = fgsm(model_gradient(linear_model), x, labels, eps)
        moved = x + eps * np.sign(closed_form_gradient(linear_model, x, labels))
        assert_array_equal(x_adv, np.minimum(np.maximum(moved, 0), 1))


@pytest.mark.parametrize("value", [-2.5, 1e-30, 0.0])
def test_only_the_gradients_sign_counts(x, y, value):
    x_adv = fgsm(lambda x, y: np.full_like(x, value), x, y, 0.25, bounds=None)
    assert_array_equal(x_adv, x + 0.25 * np.sign(value))


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
def test_bim_walks_as_a_plain_loop(linear_model, x, y, eps, alpha, steps, bounds):
    x_adv = bim(model_gradient(linear_model), x, y, eps, alpha, steps, bounds)
    expected = bim_by_loops(linear_model, x, y, eps, alpha, steps, *bounds)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-14)


def test_each_gradient_is_taken_where_the_last_step_ended(cnn, x, y):
    gradient, seen = model_gradient(cnn), []

    def recorded(x, labels):
        assert_array_equal(labels, y)
        seen.append(x.copy())
        return gradient(x, labels)

    x_adv = bim(recorded, x, y, 0.1, 0.03, 4)
    ends = [bim(gradient, x, y, 0.1, 0.03, steps) for steps in (1, 2, 3, 4)]
    assert_array_equal(seen, [x, *ends[:3]])
    assert_array_equal(x_adv, ends[3])


@pytest.mark.parametrize("direction", [1, -1])
def test_the_next_step_starts_at_the_clipped_pixel(y, direction):
    """Pixels are clipped at each step: 0.9 -> 1.0 -> 0.8, not 0.9 -> 1.1 -> 0.9."""
    x = np.full((8, 2, 2, 1), 0.5 + direction * 0.4)
    slopes = iter([direction, -direction])
    x_adv = bim(lambda x, y: np.full_like(x, next(slopes)), x, y, 0.3, 0.2, 2)
    assert_allclose(x_adv, 0.5 + direction * 0.3, rtol=0, atol=1e-15)


@pytest.mark.parametrize("alpha", [0, 0.01, 5])
def test_with_eps_0_any_step_size_is_accepted(cnn, x, y, alpha):
    """So attacks whose alpha is a part of eps can be run with eps = 0."""
    assert_array_equal(bim(model_gradient(cnn), x, y, 0, alpha, 3), x)
    for wrong in (-1, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"alpha must be in \[0, inf\), got"):
            bim(model_gradient(cnn), x, y, 0, wrong, 3)


@pytest.mark.parametrize("mu", [0.0, 0.9, 1.0])
def test_mi_fgsm_image_by_image(cnn, x, y, mu):
    """Algorithm 1 of Dong et al., one image at a time."""
    gradient, expected = model_gradient(cnn), []
    for n in range(len(x)):
        image, label = x[n : n + 1], y[n : n + 1]
        x_adv, g = image, 0
        for _ in range(6):
            slope = gradient(x_adv, label)
            g = mu * g + slope / np.abs(slope).sum()
            x_adv = clip_to_ball(x_adv + 0.05 * np.sign(g), image, 0.2).clip(0, 1)
        expected.append(x_adv)
    found = mi_fgsm(gradient, x, y, 0.2, 0.05, 6, mu)
    assert_allclose(found, np.concatenate(expected), atol=1e-12)


@pytest.mark.parametrize("size", [1e-38, 1, 3e38])
def test_mi_fgsm_takes_gradients_whose_sum_would_overflow(size, rng):
    g = rng.uniform(-1, 1, (2, 8, 8, 1)).astype(np.float32) * np.float32(size)
    expected = g / abs(g.astype(float)).sum(axis=(1, 2, 3), keepdims=True)
    assert_allclose(unit_l1(g), expected, rtol=1e-5)


def test_without_a_gradient_mi_fgsm_stays(x, y):
    found = mi_fgsm(lambda x, y: np.zeros_like(x), x, y, 0.2, 0.05, 6)
    assert_array_equal(found, x)
