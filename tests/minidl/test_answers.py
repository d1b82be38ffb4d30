"""What a user's function may return; one that returns something else is named."""

import numpy as np
import pytest

from minidl.checks.answers import (
    answer,
    check_floats_like,
    check_function,
    check_pair,
    check_probabilities,
    probabilities,
)

X = np.zeros((4, 3))
P = np.eye(3)[[0, 1, 1, 2]]
NAN, SURE = P * np.nan, P.copy()
SURE[2] = np.nan


def refused(message, check, *arguments):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        check("f", *arguments)


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (None, "what f returns must be a NumPy or CuPy array, got NoneType"),
        (X.tolist(), "what f returns must be .* got list"),
        (np.ma.masked_array(X), "what f returns must be .* got numpy.ma.*MaskedArray"),
        (X[:1], r"f must return an array of shape \(4, 3\), got \(1, 3\)"),
        (X[..., None], r"f must return an array of shape \(4, 3\), got \(4, 3, 1\)"),
        (X.astype(int), "f must return floats, got int64"),
        (X.astype(complex), "f must return floats, got complex128"),
        (X > 0, "f must return floats, got bool"),
        (X + np.inf, "f must return finite numbers, got NaN or infinity"),
        (SURE, "f must return finite numbers, got NaN or infinity"),
    ],
)
def test_floats_like_others(a, message):
    refused(message, check_floats_like, a, X, (4, 3))
    refused(message, check_pair, (X[:, 0], a), X, 4)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (X, "f must return two arrays, values and gradient, got ndarray"),
        ([X[:, 0], X], "f must return two arrays, .* got list"),
        ((X[:, 0], X, X), "f must return two arrays, .* got tuple"),
        ((X[:1, 0], X), r"f must return an array of shape \(4,\), got \(1,\)"),
        ((NAN[:, 0], X), "f must return finite numbers"),
    ],
)
def test_values_and_their_gradient(pair, message):
    refused(message, check_pair, pair, X, 4)


def test_infinity_is_refused_only_where_it_is_said():
    check_floats_like("f", X + np.inf, X, (4, 3), finite=False)
    check_floats_like("f", X.astype(int), X, (4, 3), kinds="if")
    assert check_pair("f", (NAN[:, 0], X), X, 4, finite=False)[1] is X


@pytest.mark.parametrize(
    ("p", "message"),
    [
        (P.tolist(), "what f returns must be .* got list"),
        (P[:, 0], r"f must return an array \(N, K\), N = 4, K >= 2, got \(4,\)"),
        (P[:3], r"f must return an array \(N, K\), .* got \(3, 3\)"),
        (P[:, :1], r"f must return an array \(N, K\), .* got \(4, 1\)"),
        (P == 1, "f must return floats, got bool"),
        (NAN, "f must return finite numbers, got others for 4 of 4"),
        (SURE, "f must return finite numbers, got others for 1 of 4"),
        (np.log(P + 1e-9), "f must return probabilities"),
        (1.6 * P - 0.2, "f must return probabilities, .* from -0.2 to 1.4"),
        (P / 2, "f must return probabilities, 0 or more and of sum 1"),
    ],
)
def test_answers_that_are_not_probabilities(p, message):
    """argmax would return a class for each of them."""
    refused(message, check_probabilities, p, 4)
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        probabilities(lambda x: p, X, "f")


@pytest.mark.parametrize(
    "p", [P.astype(int), (P + 0.31 / 3).astype(np.float16) / np.float16(1.31)]
)
def test_probabilities_may_be_rounded(p):
    found = probabilities(lambda x: p, X)
    np.testing.assert_array_equal(found, p)
    assert found.dtype == (np.float32 if p.dtype == np.float16 else np.float64)


@pytest.mark.parametrize("function", [None, 0.5, X])
def test_a_value_that_is_not_a_function(function):
    kind = type(function).__name__
    refused(
        f"f must be a function, such as g, got {kind}", check_function, function, "g"
    )


@pytest.mark.parametrize("changed", [0, 1])
def test_a_function_gets_copies_and_leaves_them_as_they_are(changed):
    x, y = X.copy(), np.arange(4)

    def in_place(*arguments):
        arguments[changed][:] = 7

    with pytest.raises(ValueError, match=r"^f must leave its arguments as they are"):
        answer("f", in_place, x, y)
    assert np.array_equal(x, X)
    assert y.tolist() == [0, 1, 2, 3]
    assert answer("f", lambda x, y: (x is not X, y), X, y)[0]


@pytest.mark.parametrize("lost", [NAN, SURE, np.array(["a", "b"])])
def test_nan_and_text_are_only_changed_if_they_are(lost):
    """NaN differs from itself, unlike its bytes."""

    def in_place(x):
        x[0] = x[-1]

    assert answer("f", lambda x: 3, lost) == 3
    if lost is NAN:
        assert answer("f", in_place, lost) is None  # the same bytes
    else:
        with pytest.raises(ValueError, match=r"^f must leave its arguments as they"):
            answer("f", in_place, lost)


def test_answers_are_copies():
    """The next call may overwrite what a function has returned."""
    x, y = X + 1, np.arange(4)
    values, (classes, name) = answer("f", lambda: (x, (y, "others pass")))
    x[:], y[:] = 7, 7
    assert (values == 1).all()
    assert classes.tolist() == [0, 1, 2, 3]
    assert name == "others pass"
