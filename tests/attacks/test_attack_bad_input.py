"""Arguments that make no sense: the error names argument, value and what is taken."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import bim, fgsm, input_gradient, model_gradient

GOOD = {"eps": 0.1, "alpha": 0.05, "steps": 2, "bounds": (0, 1)}


def no_gradient(x, y):
    pytest.fail("bad input must be refused before any gradient is computed")


def attack_fgsm(x, y, **changes):
    settings = GOOD | changes
    return fgsm(no_gradient, x, y, settings["eps"], settings["bounds"])


def attack_bim(x, y, **changes):
    return bim(no_gradient, x, y, **GOOD | changes)


ATTACKS = pytest.mark.parametrize("attack", [attack_fgsm, attack_bim])


@ATTACKS
@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.zeros(7, int), ValueError, r"y must have shape \(8,\), got \(7,\)"),
        (np.zeros((8, 4), int), ValueError, r"y must have shape \(8,\), got \(8, 4\)"),
        (np.arange(8) - 1, ValueError, "y must be 0 or more, got -1 to 6"),
        (np.zeros(8), TypeError, "y must hold integer labels, got float64"),
        ([0] * 8, TypeError, "y must be a NumPy or CuPy array of labels, got list"),
    ],
)
def test_labels(attack, x, y, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        attack(x, y)


@pytest.mark.parametrize("run", [fgsm, lambda g, x, y, eps: bim(g, x, y, eps, eps, 1)])
def test_labels_that_the_network_does_not_know(run, cnn, x, y):
    y[3] = 4
    with pytest.raises(ValueError, match=r"^y must be 0 to 3, got \d to 4$"):
        run(model_gradient(cnn), x, y, 0.1)


@ATTACKS
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x + 1, ValueError, r"x must lie in \[0, 1\], got values from 1.*"),
        (lambda x: -x, ValueError, r"x must lie in \[0, 1\], got values from -0.9.*"),
        (lambda x: x.astype(np.float16), TypeError, "x must be float.*, got float16"),
        (lambda x: x.astype(int), TypeError, "x must be float32 or.*, got int64"),
        (lambda x: x * np.nan, ValueError, "x must be finite, got NaN or infinity"),
        (lambda x: x / 0, ValueError, "x must be finite, got NaN or infinity"),
        (lambda x: x[:0], ValueError, r"x must not be empty, got shape \(0, 6, 6, 2\)"),
        (lambda x: x.tolist(), TypeError, "x must be a NumPy or CuPy array, got list"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_images(attack, x, y, change, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        attack(change(x), y)


def test_one_nan_among_many_pixels(x, y):
    x[5, 2, 3, 1] = np.nan
    with pytest.raises(ValueError, match="x must be finite"):
        attack_bim(x, y)


@ATTACKS
def test_images_just_outside_bounds_of_their_own(attack, x, y):
    with pytest.raises(ValueError, match=r"x must lie in \[0.25, 1\], got values from"):
        attack(x, y, bounds=(0.25, 1))


@ATTACKS
@pytest.mark.parametrize(
    ("eps", "error", "message"),
    [
        (-0.1, ValueError, r"eps must be in \[0, inf\), got -0.1"),
        (np.nan, ValueError, r"eps must be in \[0, inf\), got nan"),
        (np.inf, ValueError, r"eps must be in \[0, inf\), got inf"),
        ("0.1", TypeError, "eps must be a number, got '0.1'"),
        (None, TypeError, "eps must be a number, got None"),
        (True, TypeError, "eps must be a number, got True"),
    ],
)
def test_eps(attack, x, y, eps, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        attack(x, y, eps=eps)


@pytest.mark.parametrize(
    ("eps", "alpha", "error", "message"),
    [
        (0.1, 0.2, ValueError, r"alpha must be in \(0, 0.1\], got 0.2"),
        (0.1, 0, ValueError, r"alpha must be in \(0, 0.1\], got 0.0"),
        (0.1, -0.1, ValueError, r"alpha must be in \(0, 0.1\], got -0.1"),
        (0, -1, ValueError, r"alpha must be in \[0, inf\), got -1.0"),
        (0, np.inf, ValueError, r"alpha must be in \[0, inf\), got inf"),
        (0.1, np.nan, ValueError, r"alpha must be in \(0, 0.1\], got nan"),
        (0.1, "fast", TypeError, "alpha must be a number, got 'fast'"),
    ],
)
def test_alpha(x, y, eps, alpha, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        attack_bim(x, y, eps=eps, alpha=alpha)


def test_without_room_a_step_may_be_0(x, y):
    """An attack whose steps are a part of eps can be shown eps = 0."""
    assert_array_equal(bim(lambda x, y: x, x, y, 0, 0, 2), x)


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (0, ValueError, "steps must be at least 1, got 0"),
        (-3, ValueError, "steps must be at least 1, got -3"),
        (2.0, TypeError, "steps must be an integer, got 2.0"),
        (True, TypeError, "steps must be an integer, got True"),
    ],
)
def test_steps(x, y, steps, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        attack_bim(x, y, steps=steps)


@ATTACKS
@pytest.mark.parametrize(
    ("bounds", "error", "message"),
    [
        ((1, 0), ValueError, r"bounds must be .* with low < high, got \(1, 0\)"),
        ((0, 0), ValueError, r"bounds must be .* with low < high, got \(0, 0\)"),
        ((0, np.nan), ValueError, r"bounds must be .* low < high, got \(0, nan\)"),
        ((0,), TypeError, r"bounds must be two numbers .* or None, got \(0,\)"),
        ((0, 1, 2), TypeError, r"bounds must be two .* or None, got \(0, 1, 2\)"),
        (1, TypeError, "bounds must be two numbers .* or None, got 1"),
        (("low", "high"), TypeError, r"bounds must be two numbers .*, got \('low.*"),
        (("0", "1"), TypeError, r"bounds must be two numbers .*, got \('0', '1'\)"),
    ],
)
def test_bounds(attack, x, y, bounds, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        attack(x, y, bounds=bounds)


def test_unclipped_images_may_have_any_finite_value(x, y):
    fgsm(lambda x, y: x, 10 * x - 5, y, 0.1, bounds=None)
    with pytest.raises(ValueError, match="x must be finite"):
        attack_fgsm(x * np.inf, y, bounds=None)


def test_another_number_of_channels(cnn, x, y):
    with pytest.raises(ValueError, match=r"x must have shape \(N, 6, 6, 2\), .* 1\)"):
        fgsm(model_gradient(cnn), x[..., :1], y, 0.1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: (255 * x).astype(np.uint8), TypeError, "float64, got uint8"),
        (lambda x: x.astype(np.float16), TypeError, "float64, got float16"),
        (lambda x: x[:0], ValueError, "x must not be empty"),
    ],
)
def test_images_that_have_no_gradient(cnn, x, y, change, error, message):
    """Used alone, input_gradient would differentiate by 0..255 without a word."""
    x = change(x)
    with pytest.raises(error, match=message):
        input_gradient(cnn, x, y[: len(x)])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(9, int), r"y must have shape \(8,\), got \(9,\)"),
        (np.arange(8), "y must be 0 to 3, got 0 to 7"),
        (-np.arange(8), "y must be 0 to 3, got -7 to 0"),
    ],
)
def test_labels_that_have_no_gradient(cnn, x, y, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        input_gradient(cnn, x, y)
