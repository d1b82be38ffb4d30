"""Each refusal names the argument, what it got and what it takes."""

import math

import numpy as np
import pytest

from minidl import checks


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(1)])
def test_counts(value):
    checks.check_count("n", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "n must be at least 1, got 0"),
        (-2, "n must be at least 1, got -2"),
        (1.0, "n must be an integer, got 1.0"),
        (True, "n must be an integer, got True"),
        ("3", "n must be an integer, got '3'"),
        (None, "n must be an integer, got None"),
    ],
)
def test_what_is_no_count(value, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        checks.check_count("n", value)


def test_a_count_from_zero_on():
    checks.check_count("n", 0, at_least=0)
    with pytest.raises(ValueError, match="n must be at least 0, got -1"):
        checks.check_count("n", -1, at_least=0)


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.25), np.int64(1)])
def test_numbers_of_a_closed_interval(value):
    checks.check_number("r", value, 0, 1)


@pytest.mark.parametrize(
    ("value", "open_ends", "interval"),
    [
        (1.5, {}, r"\[0, 1\]"),
        (-0.5, {}, r"\[0, 1\]"),
        (math.nan, {}, r"\[0, 1\]"),
        (math.inf, {}, r"\[0, 1\]"),
        (0, {"open_low": True}, r"\(0, 1\]"),
        (1, {"open_high": True}, r"\[0, 1\)"),
        (1, {"open_low": True, "open_high": True}, r"\(0, 1\)"),
    ],
)
def test_numbers_outside_an_interval(value, open_ends, interval):
    with pytest.raises(
        ValueError, match=f"^r must be in {interval}, got {float(value)}"
    ):
        checks.check_number("r", value, 0, 1, **open_ends)


def test_an_open_end_excludes_only_itself():
    checks.check_number("r", 1, 0, 1, open_low=True)
    checks.check_number("r", 0, 0, 1, open_high=True)


@pytest.mark.parametrize("value", ["1", None, True, [1], 1j])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^r must be a number, got"):
        checks.check_number("r", value, 0, 1)


def test_choices():
    checks.check_choice("c", "b", ("a", "b"))
    with pytest.raises(ValueError, match=r"^c must be one of a, b, got 'd'$"):
        checks.check_choice("c", "d", {"a": 1, "b": 2})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches(dtype):
    checks.check_batch("x", np.zeros((2, 3), dtype))
    checks.check_batch("x", np.zeros((2, 3), dtype), ndim=2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0], "x must be a NumPy or CuPy array, got list"),
        (np.zeros(3, np.float16), "x must be float32 or float64, got float16"),
        (np.zeros(3, int), "x must be float32 or float64, got int64"),
        (np.zeros((2, 2), complex), "x must be float32 or float64, got complex128"),
        (np.zeros(3), r"x must have 2 axes, got shape \(3,\)"),
        (np.zeros((0, 3)), r"x must not be empty, got shape \(0, 3\)"),
    ],
)
def test_what_is_no_batch(x, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        checks.check_batch("x", x, ndim=2)


def image(*values):
    return np.array(values, np.float64).reshape(1, 1, -1, 1)


def test_images():
    checks.check_images("x", image(0, 1))
    checks.check_images("x", image(-1, 1), (-1, 1))
    checks.check_images("x", image(-5, 300), None)


@pytest.mark.parametrize(
    ("x", "bounds", "message"),
    [
        (image(0, 1.25), (0, 1), r"x must lie in \[0, 1\], got values from 0 to 1.25"),
        (image(-2, 1), (-1, 1), r"x must lie in \[-1, 1\], got values from -2 to 1"),
        (image(0, math.nan), (0, 1), "x must be finite, got NaN or infinity"),
        (image(0, math.nan), None, "x must be finite, got NaN or infinity"),
        (image(0, math.inf), None, "x must be finite, got NaN or infinity"),
        (image(-math.inf, math.inf), None, "x must be finite, got NaN or infinity"),
        (image(0)[:0], None, "x must not be empty, .*"),
    ],
)
def test_what_is_no_image(x, bounds, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        checks.check_images("x", x, bounds)


def test_stored_images_are_bytes_or_floats():
    checks.check_stored_images("x", np.full((1, 1, 1, 1), 255, np.uint8))
    checks.check_stored_images("x", image(0, 1))
    message = r"^x must be uint8 \(0 to 255\), or float32 or float64 in \[0, 1\], got"
    for dtype in (np.float16, np.int64, bool):
        with pytest.raises(TypeError, match=message):
            checks.check_stored_images("x", np.zeros((1, 1, 1, 1), dtype))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int32])
def test_labels(dtype):
    checks.check_labels("y", np.array([0, 2], dtype), 2, classes=3)
    checks.check_labels("y", np.array([0, 200], dtype), 2)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "y must be a NumPy or CuPy array of labels, got list"),
        (np.array([0.0, 1.0]), "y must hold integer labels, got float64"),
        (np.array([True, False]), "y must hold integer labels, got bool"),
        (np.array([0, 1, 2]), r"y must have shape \(2,\), got \(3,\)"),
        (np.array([[0, 1]]), r"y must have shape \(2,\), got \(1, 2\)"),
        (np.array([[0], [1]]), r"y must have shape \(2,\), got \(2, 1\)"),
        (np.array([0, 1], object), "y must hold integer labels, got object"),
        (np.array([0, 3]), "y must be 0 to 2, got 0 to 3"),
        (np.array([-1, 2]), "y must be 0 to 2, got -1 to 2"),
    ],
)
def test_what_are_no_labels(y, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        checks.check_labels("y", y, 2, classes=3)


def test_no_labels_are_named():
    with pytest.raises(ValueError, match=r"^y must not be empty, got shape \(0,\)$"):
        checks.check_labels("y", np.zeros(0, int), 0)


CHECKS_OF_ARRAYS = [
    checks.check_array,
    checks.check_floats,
    checks.check_batch,
    checks.check_images,
    checks.check_stored_images,
    lambda name, x: checks.check_labels(name, x, len(x)),
]


@pytest.mark.parametrize("check", CHECKS_OF_ARRAYS)
@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("MaskedArray", lambda x: np.ma.masked_array(x, x > 0)),
        ("matrix", np.asmatrix),
        ("rec.*array", lambda x: x.view(np.recarray)),
        ("char.*array", lambda x: np.char.array(["0", "1"])),
    ],
)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_arrays_that_compute_differently_are_named(check, kind, make):
    with pytest.raises(
        TypeError, match=rf"^x must be a NumPy or CuPy .* got .*{kind}$"
    ):
        check("x", make(np.zeros(2)))


def test_a_memmap_is_an_array(tmp_path):
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(2, 3, 3, 1))
    checks.check_stored_images("x", x)
    checks.check_labels("y", x[:, 0, 0, 0], 2)
    checks.check_batch("x", x.astype(np.float32))


def test_another_librarys_array_is_named():
    class Tensor:
        """As PyTorch's: it has a dtype, which isn't NumPy's."""

        __module__ = "torch"
        dtype = object()

    x = Tensor()
    for kind in ("floats", "batch", "images", "stored_images"):
        check = getattr(checks, f"check_{kind}")
        with pytest.raises(TypeError, match=r"NumPy or CuPy array, got torch.*Tensor$"):
            check("x", x)
    with pytest.raises(TypeError, match=r"array of labels, got torch.*Tensor$"):
        checks.check_labels("y", x, 4)
