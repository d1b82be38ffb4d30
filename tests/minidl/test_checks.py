"""Each error names the argument, its value and what is accepted."""

from decimal import Decimal
from math import inf, nan

import numpy as np
import pytest

from minidl import checks


def image(*values):
    return np.array(values, np.float64).reshape(1, 1, -1, 1)


def zeros(*shape, dtype=np.float64):
    return np.zeros(shape, dtype)


FINE = {
    "count": [(1,), (7,), (np.int64(3),), (np.uint8(1),), (0, 0)],
    "number": [
        *((value, "[0, 1]") for value in (0, 0.5, 1, np.float32(0.25), np.int64(1))),
        *((1, "(0, 1]"), (0, "[0, 1)"), (10**400,)),
    ],
    "choice": [("b", ("a", "b"))],
    "batch": [(zeros(2, 3, dtype=np.float32),), (zeros(2, 3), 2)],
    "images": [(image(0, 1),), (image(-1, 1), (-1, 1)), (image(-5, 300), None)],
    "stored_images": [(np.full((1, 1, 1, 1), 255, np.uint8),), (image(0, 1),)],
    "labels": [
        *((np.array([0, 2], dtype), 2, 3) for dtype in (np.int64, np.uint8, np.int32)),
        (np.array([0, 200]), 2),
    ],
}
COUNT, NUMBER = "must be an integer, got {}", "must be a number, got {}"
CLOSED, FINITE = r"must be in \[0, 1\], got {}", "must be finite, got NaN or infinity"
STORED = r"must be uint8 \(0 to 255\), or float32 or float64 in \[0, 1\], got {}"
Y = np.array([0, 1])
REFUSED = {
    "count": [
        ((0,), "must be at least 1, got 0"),
        ((-2,), "must be at least 1, got -2"),
        ((-1, 0), "must be at least 0, got -1"),
        ((17, 1, 16), "must be at most 16, got 17"),
        *(((value,), COUNT.format(value)) for value in (1.0, True, None)),
        (("3",), COUNT.format("'3'")),
    ],
    "number": [
        *(((v, "[0, 1]"), CLOSED.format(float(v))) for v in (1.5, -0.5, nan, inf)),
        ((0, "(0, 1]"), r"must be in \(0, 1\], got 0.0"),
        ((1, "[0, 1)"), r"must be in \[0, 1\), got 1.0"),
        ((1, "(0, 1)"), r"must be in \(0, 1\), got 1.0"),
        ((-(10**400), "[0, inf]"), r"must be in \[0, inf\], got -inf"),
        *(((value,), NUMBER.format(".*")) for value in ("1", None, True, [1])),
        *(((value,), NUMBER.format(".*")) for value in (1j, Decimal(1))),
    ],
    "choice": [(("d", {"a": 1, "b": 2}), "must be one of a, b, got 'd'")],
    "batch": [
        (([1.0], 2), "must be a NumPy or CuPy array, got list"),
        *(
            ((zeros(2, 2, dtype=kind), 2), f"must be float32 or float64, got {kind}")
            for kind in ("float16", "int64", "complex128")
        ),
        ((zeros(3), 2), r"must have 2 axes, got shape \(3,\)"),
        ((zeros(0, 3), 2), r"must not be empty, got shape \(0, 3\)"),
    ],
    "images": [
        ((image(0, 1.25),), r"must lie in \[0, 1\], got values from 0 to 1.25"),
        ((image(-2, 1), (-1, 1)), r"must lie in \[-1, 1\], got values from -2 to 1"),
        ((image(0, nan), (0, 1)), FINITE),
        *(((image(low, high), None), FINITE) for low, high in ((0, nan), (-inf, 0))),
        ((image(0)[:0],), "must not be empty, .*"),
    ],
    "stored_images": [
        ((zeros(1, 1, 1, 1, dtype=kind),), STORED.format(kind))
        for kind in ("float16", "int64", "bool")
    ]
    + [((zeros(0, 1, 1, 1, dtype=np.uint8),), "must not be empty, .*")],
    "labels": [
        (([0, 1], 2), "must be a NumPy or CuPy array of labels, got list"),
        *(
            ((Y.astype(kind), 2), f"must hold integer labels, got {kind}")
            for kind in ("float64", "bool", "object")
        ),
        ((np.arange(3), 2), r"must have shape \(2,\), got \(3,\)"),
        ((Y[None], 2), r"must have shape \(2,\), got \(1, 2\)"),
        ((Y[:, None], 2), r"must have shape \(2,\), got \(2, 1\)"),
        ((3 * Y, 2, 3), "must be 0 to 2, got 0 to 3"),
        ((Y - 1, 2, 3), "must be 0 to 2, got -1 to 0"),
        ((Y - 1, 2), "must be 0 or more, got -1 to 0"),
        ((Y[:0], 0), r"must not be empty, got shape \(0,\)"),
    ],
}


def cases(table):
    return [(kind, case) for kind, cases in table.items() for case in cases]


@pytest.mark.parametrize(("kind", "arguments"), cases(FINE))
def test_what_is_taken(kind, arguments):
    getattr(checks, f"check_{kind}")("x", *arguments)


@pytest.mark.parametrize(("kind", "case"), cases(REFUSED))
def test_what_is_refused(kind, case):
    arguments, message = case
    with pytest.raises((TypeError, ValueError), match=f"^x {message}"):
        getattr(checks, f"check_{kind}")("x", *arguments)


def test_numbers_become_pythons():
    assert type(checks.check_count("x", np.int64(3))) is int
    assert type(checks.check_number("x", np.float32(0.25))) is float
    assert checks.check_number("x", 10**400) == inf


CHECKS_OF_ARRAYS = [
    checks.check_array,
    checks.check_floats,
    checks.check_batch,
    checks.check_images,
    checks.check_stored_images,
    lambda name, x: checks.check_labels(name, x, 2),
]


class Tensor:
    """As PyTorch's: it has a dtype, which isn't NumPy's."""

    dtype = object()


@pytest.mark.parametrize("check", CHECKS_OF_ARRAYS)
@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("MaskedArray", lambda x: np.ma.masked_array(x, x > 0)),
        ("matrix", np.asmatrix),
        ("rec.*array", lambda x: x.view(np.recarray)),
        ("char.*array", lambda x: np.char.array(["0", "1"])),
        ("test_checks.Tensor", lambda x: Tensor()),
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
