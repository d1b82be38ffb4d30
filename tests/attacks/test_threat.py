"""The ball: clips and steps, against loops and equations; what is inside."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import Threat, clip_to_ball, clip_to_bounds, distance, fgsm

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.mark.parametrize("eps", [0, 0.1, np.float64(0.5)])
@DTYPES
def test_clip_to_ball_pixel_by_pixel(rng, eps, dtype):
    x = rng.random((3, 4, 4, 2)).astype(dtype)
    x_adv = (x + rng.normal(0, 0.3, x.shape)).astype(dtype)
    before, expected = x_adv.copy(), x_adv.copy()
    for i in np.ndindex(x.shape):
        if x_adv[i] > x[i] + dtype(eps):
            expected[i] = x[i] + dtype(eps)
        elif x_adv[i] < x[i] - dtype(eps):
            expected[i] = x[i] - dtype(eps)
    assert_array_equal(clip_to_ball(x_adv, x, eps), expected, strict=True)
    assert_array_equal(x_adv, before)  # a clip returns a new array


@pytest.mark.parametrize("bounds", [(0, 1), (np.float64(-0.25), np.float64(0.75))])
@DTYPES
def test_clip_to_bounds_pixel_by_pixel(rng, bounds, dtype):
    x = rng.normal(0.5, 1, (3, 4, 4, 2)).astype(dtype)
    before, expected = x.copy(), x.copy()
    for i in np.ndindex(x.shape):
        expected[i] = max(bounds[0], min(bounds[1], x[i]))
    assert_array_equal(clip_to_bounds(x, bounds), expected, strict=True)
    assert_array_equal(clip_to_bounds(x, None), before)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("alpha", [0.05, 0.3])
@DTYPES
def test_a_step_is_its_equation(rng, norm, dtype, alpha):
    """project(x_adv + alpha direction(g)), the ball first and then the range."""
    x = rng.random((4, 3, 3, 2)).astype(dtype)
    x_adv = (x + rng.uniform(-0.02, 0.02, x.shape)).astype(dtype).clip(0, 1)
    g = rng.standard_normal(x.shape).astype(dtype)
    g[0] = 0
    length = np.sqrt((g * g).sum((1, 2, 3), keepdims=True))
    up = np.sign(g) if norm == "Linf" else g / np.where(length > 0, length, 1)
    r = x_adv + alpha * up - x
    if norm == "Linf":
        r = r.clip(-0.2, 0.2)
    else:
        r *= np.minimum(1, 0.2 / np.sqrt((r * r).sum((1, 2, 3), keepdims=True)))
    found = Threat(norm, 0.2).step(x_adv, g, x, alpha)
    assert found.dtype == dtype
    assert_allclose(found, (x + r).clip(0, 1), atol=1e-6)
    each = np.full((4, 1, 1, 1), alpha, dtype)  # a step size for each image
    assert_array_equal(Threat(norm, 0.2).step(x_adv, g, x, each), found)


def test_a_perturbation_of_bytes_is_not_rounded(rng):
    x = rng.integers(20, 230, (3, 2, 2, 1)).astype(np.uint8)
    r = rng.normal(size=x.shape).astype(np.float32)
    inside = Threat("L2", 10, None).project(x + 100 * r, x) - x
    length = np.sqrt((r * r).sum(axis=(1, 2, 3), keepdims=True))
    assert_allclose(inside, 10 * r / length, rtol=1e-4)


@pytest.mark.parametrize("alpha", [2.5, np.full((3, 1, 1, 1), 2.5)])
def test_a_step_from_bytes_is_not_rounded(rng, alpha):
    x = rng.integers(20, 230, (3, 2, 2, 1)).astype(np.uint8)
    g = rng.normal(size=x.shape).astype(np.float32)
    ball, real = Threat("L2", 2, None), x.astype(np.float32)
    expected = ball.step(real, g, real, alpha) - real
    assert_allclose(ball.step(real, g, x, alpha) - real, expected, atol=1e-4)
    assert_allclose(ball.step(x, g, real, alpha) - real, expected, atol=1e-4)


def test_l0_has_no_projection():
    x = np.zeros((2, 2, 2, 1))
    with pytest.raises(ValueError, match="norm must be one of Linf, L2, got 'L0'"):
        Threat("L0", 3).project(x, x)


def test_for_others_the_last_clip_wins():
    x, x_adv = np.array([1.5]), np.array([1.5])
    assert clip_to_bounds(clip_to_ball(x_adv, x, 0.2), (0, 1)) == 1
    assert clip_to_ball(clip_to_bounds(x_adv, (0, 1)), x, 0.2) == 1.3


@pytest.mark.parametrize("number", [float, np.float32, np.float64])
def test_bounds_may_be_numpys_numbers(number):
    """float32(0.3) is above float64(0.3), but not above the bound 0.3."""
    bounds = (number(0), number(0.3))
    x, y = np.full((2, 2, 2, 1), 0.2, np.float32), np.zeros(2, int)
    x_adv = fgsm(lambda x, y: np.ones_like(x), x, y, 0.2, bounds)
    assert_array_equal(x_adv, np.float32(0.3))
    Threat("Linf", 0.2, bounds).check(x_adv, x)
    assert_array_equal(fgsm(lambda x, y: x, x_adv, y, 0.2, bounds), x_adv)


def test_images_of_another_shape_are_refused():
    x = np.zeros((2, 2, 2, 1))
    with pytest.raises(ValueError, match=r"x_adv must have shape \(2, 2, 2, 1\), got"):
        Threat("Linf", 1).check(x[:1], x)


@pytest.mark.parametrize("norm", ["Linf", "L2", "L0"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_nan_and_infinity_are_outside_of_each_ball(norm, wrong):
    x = np.zeros((2, 2, 2, 1))
    x_adv = x.copy()
    x_adv[1, 0, 0, 0] = wrong
    with np.errstate(invalid="ignore"):
        assert_array_equal(Threat(norm, 3, None).contains(x_adv, x), [True, False])


def test_a_pixel_of_nan_counts_as_changed():
    assert_array_equal(distance(np.array([[np.nan, 0]]), np.zeros((1, 2)), "L0"), 1)


@pytest.mark.parametrize("norm", ["Linf", "L2", "L0"])
def test_distances_of_bytes_are_refused(norm):
    """1 - 2 is 255 there."""
    one, two = np.full((1, 2, 2, 1), 1, np.uint8), np.full((1, 2, 2, 1), 2, np.uint8)
    with pytest.raises(TypeError, match="x_adv and x must be floats, got uint8 and"):
        distance(one, two, norm)
    assert distance(one.astype(np.float32), two, "Linf") == 1


@pytest.mark.parametrize("size", [8, 1e-4])
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("others", [np.float16, np.uint8, np.float64])
def test_halves_are_measured_in_single_precision(norm, others, size):
    """In float16 the first sum of squares is infinite, and the second 0."""
    x = np.zeros((1, 32, 32, 3), others)
    x_adv = np.full(x.shape, size, np.float16)
    exact, value = x_adv.astype(float), float(np.float16(size))
    expected = value * (np.sqrt(3072) if norm == "L2" else 1)
    assert_allclose(distance(x_adv, x, norm), [expected], rtol=1e-6)
    inside, outside = (Threat(norm, share * expected, None) for share in (1.001, 0.999))
    assert inside.contains(x_adv, x)
    assert not Threat(norm, 0.5 * expected, None).contains(x_adv, x)
    assert_allclose(outside.project(x_adv, x), 0.999 * exact, rtol=1e-6)
    assert_allclose(outside.direction(x_adv), exact / expected, rtol=1e-6)


def test_rounding_grows_with_the_pixels(rng):
    """Float32 numbers near 255 are 1.5e-5 apart: x + 0.01 is off by as much."""
    x = rng.uniform(0, 255, (4, 6, 6, 2)).astype(np.float32)
    threat = Threat("Linf", 0.01, (0, 255))
    x_adv = fgsm(lambda x, y: x - 100, x, np.zeros(4, int), 0.01, (0, 255))
    assert distance(x_adv, x, "Linf").max() > 0.01 + 2e-6
    threat.check(x_adv, x)
    with pytest.raises(ValueError, match="left the threat model"):
        threat.check(x_adv - np.float32(0.022), x)


def test_the_tolerance_is_a_millionth_of_each_images_largest_pixel(rng):
    """Or of 1; and ten millionths of eps."""
    x = rng.uniform(-1, 1, (3, 4, 4, 2)) * np.array([0.5, 3, 200]).reshape(3, 1, 1, 1)
    largest = np.maximum(abs(x).max(axis=(1, 2, 3)), 1)
    for norm in ("Linf", "L2"):
        found = Threat(norm, 0.5, None).reach(x)
        assert_allclose(found - 0.5, 1e-5 * 0.5 + 1e-6 * largest, rtol=1e-6)


@pytest.mark.parametrize("targeted", [False, True])
def test_only_labels_tell_who_is_fooled(targeted):
    """Lists of equal numbers are equal, and a column meets each of the others."""
    threat, y, predicted = Threat("Linf", 0.1, None, targeted), np.arange(3), np.ones(3)
    predicted = predicted.astype(int)
    expected = [bool((p == k) == targeted) for p, k in zip(predicted, y, strict=True)]
    assert threat.fooled(predicted, y).tolist() == expected
    wrong = [y.tolist(), y[:, None], y[:2], y / 2, np.eye(3)[y]]
    for other in wrong:
        with pytest.raises((TypeError, ValueError), match=r"^predicted must"):
            threat.fooled(other, y)
    for other in (y.tolist(), y[:, None], y / 2, y[:0]):
        with pytest.raises((TypeError, ValueError), match=r"^y must"):
            threat.fooled(predicted, other)


def test_the_largest_allowed_distance_is_inside():
    x = np.zeros((1, 2, 2, 1))
    threat = Threat("Linf", 0.5, None)
    edge = x + threat.reach(x)
    assert threat.contains(edge, x)
    assert not threat.contains(np.nextafter(edge, 1), x)


def test_a_threat_says_whether_it_is_targeted():
    assert str(Threat("Linf", 0.5)).startswith("untargeted, ")
    assert str(Threat("Linf", 0.5, targeted=True)).startswith("targeted, ")


def test_l0_counts_without_tolerance():
    x = np.full((1, 2, 2, 1), 1e7)
    x_adv = x.copy()
    x_adv[0, 0] += 1  # two of them
    assert not Threat("L0", 1, None).contains(x_adv, x)


@pytest.mark.parametrize(("norm", "most"), [("Linf", 1), ("L2", 6)])
def test_no_ball_is_larger_than_all_images(norm, most):
    """36 pixels from 0 to 1 are at most 6 apart in L2."""
    Threat(norm, most).check_room(36)
    Threat(norm, 9 * most, None).check_room(36)
    with pytest.raises(ValueError, match=f"eps must be at most {most}, the largest"):
        Threat(norm, 1.01 * most).check_room(36)
