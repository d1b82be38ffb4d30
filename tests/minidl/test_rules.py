"""Each word of the rules by which functions declare their arguments."""

from inspect import signature

import numpy as np
import pytest

from minidl import ReLU
from minidl.checks.rules import checked, nonempty

X, W = np.zeros((2, 6, 6, 3)), np.zeros((3, 3, 3, 9))
Y = np.array([0, 1])


@checked(a="N D", b="D M", c="(0, 1]", n="count 2..4", rng="generator")
def call(a, b=None, *, c=0.5, n=2, rng=None):
    """Document."""
    return a, b, c, n, rng


def taken(rule, value):
    return checked(value=rule)(lambda value: value)(value)


@pytest.mark.parametrize(
    ("rule", "value", "kind"),
    [
        ("count", np.int64(3), int),
        ("count 0..", 0, int),
        ("[0, 1)", np.float32(0.5), float),
        ("number", 10**400, float),
        ("bounds", (0, np.float64(1)), tuple),
        (("a", "b"), "b", str),
        ({"a": 1}, "a", str),
        (ReLU, ReLU(), ReLU),
        ("N H W C", X, np.ndarray),
        ("N H W C", X[:0], np.ndarray),
        ("...", np.float64(0)[...], np.ndarray),
        (lambda name, value, given: name, 3, str),
    ],
)
def test_what_is_taken_becomes_pythons(rule, value, kind):
    assert type(taken(rule, value)) is kind


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ("count", 0, "at least 1, got 0"),
        ("count 1..16", 17, "at most 16, got 17"),
        ("(0, 1]", 0.0, r"in \(0, 1\], got 0.0"),
        (("a", "b"), "c", "one of a, b, got 'c'"),
        (ReLU, ReLU, "of type ReLU, got type"),
        ("generator", 0, "a generator, .* got 0"),
        ("N H W C", X.astype(int), "float32 or float64, got int64"),
        ("N H W C", X[0], r"have shape \(N, H, W, C\), got \(6, 6, 3\)"),
        ("N H W C", X[:, :0], r"have shape .*: only N may be 0"),
        ("N", X, r"have shape \(N,\), got"),
        (nonempty("N H W C"), X[:0], "not be empty, got"),
        ("images", X.astype(int), "uint8 .* got int64"),
    ],
)
def test_what_is_refused(rule, value, message):
    with pytest.raises((TypeError, ValueError), match=f"^value must (be )?{message}"):
        taken(rule, value)


def test_both_bounds_are_pythons_floats():
    assert [*map(type, taken("bounds", (0, np.int64(1))))] == [float, float]


def test_a_letter_is_one_size_in_the_whole_call():
    f = checked(W="KH KW C F", x="N H W C", y="labels")(lambda x, W, y: "worked")
    assert f(X, W, Y) == "worked"
    for x in (X[..., :2], np.zeros((1, 3, 9, 4))):
        with pytest.raises(ValueError, match=r"^x must have shape \(.*, 3\), got"):
            f(x, W, Y)
    with pytest.raises(ValueError, match=r"^y must have shape \(2,\), got \(3,\)"):
        f(X, W, np.arange(3))
    same = checked(a="...", b="...")(lambda a, b: "worked")
    assert same(X, X) == "worked"
    with pytest.raises(ValueError, match=r"^b must have shape \(2, 6, 6, 3\), got"):
        same(X, X[:1])


def test_arguments_find_their_parameters():
    a, b = np.zeros((2, 3)), np.zeros((3, 4))
    assert call(a)[1:] == (None, 0.5, 2, None)
    assert call(b=b, a=a, c=1, n=np.int8(4))[2:] == (1.0, 4, None)
    assert call(a, b)[1] is b
    assert list(signature(call).parameters) == ["a", "b", "c", "n", "rng"]
    assert call.__doc__ == "Document."


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        ((), {}, "missing a required argument: 'a'"),
        ((X, X, 0.5), {}, "too many positional arguments"),
        ((X,), {"a": X}, "multiple values for argument 'a'"),
        ((X,), {"d": 1}, "unexpected keyword argument 'd'"),
    ],
)
def test_others_are_pythons_own_errors(args, named, message):
    with pytest.raises(TypeError, match=message):
        call(*args, **named)


def test_none_passes_only_where_it_is_the_default():
    with pytest.raises(TypeError, match=r"^c must be a number, got None"):
        call(np.zeros((2, 3)), c=None)


@pytest.mark.parametrize("rules", [{"value": "cuont"}, {"valeu": "count"}])
def test_a_rule_that_makes_no_sense_is_an_error_at_once(rules):
    with pytest.raises(ValueError, match=r"^rules? must be .*(cuont|valeu)"):
        checked(**rules)(lambda value: value)
