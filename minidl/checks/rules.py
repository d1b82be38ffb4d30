"""Argument checks, declared as rules: one mechanism for all functions.

    @checked(x="N H W C", W="KH KW C F", stride="count", rate="[0, 1)", rng="generator")
    def layer(x, W, stride=1, rate=0.5, rng=None): ...

A rule describes the values that a parameter accepts:

    "N H W C"      an array of floats with these axes; "..." is any shape, shared by all
    "[0, 1)"       a number in this interval, converted to a Python float
    "count"        an integer >= 1; "count 0.." and "count 1..16" set other limits
    "generator"    or another of WORDS
    ("a", "b")     one of these strings
    Sequential     an instance of this class
    check          a function (name, value, given) that returns the value to use

A letter stands for one size in a call; only N may be 0. All arrays must be on one
device. None is accepted where it is the default. Before any work begins, other values
raise a TypeError or ValueError that names argument, value and what is accepted.
"""

from collections.abc import Callable, Collection
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

from minidl.backend import Array
from minidl.checks import (
    FLOATS,
    check_bounds,
    check_choice,
    check_count,
    check_device,
    check_floats,
    check_generator,
    check_kind,
    check_labels,
    check_nonempty,
    check_number,
    check_shape,
    check_stored_images,
    interval,
)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
NEEDED = Parameter.empty


class Given(dict[str, Any]):
    """The arguments of a call by name, and the sizes that its letters stand for."""

    __slots__ = ("first", "sizes")
    first: Array | None  # the first array: all others must be on its device
    sizes: dict[str, Any]


Check: TypeAlias = Callable[[str, Any, Given], Any]  # returns the value to use
Rule: TypeAlias = str | type | Collection[str] | Check


class Arguments:
    """Binds a call's arguments to a function's parameters, and checks them by rules.

    Rules may be a table for many functions: those for other names are ignored.
    """

    def __init__(self, function: Callable[..., Any], rules: dict[str, Rule]) -> None:
        self.signature = signature(function)
        found = self.signature.parameters.values()
        self.places = [p.name for p in found if p.kind != Parameter.KEYWORD_ONLY]
        self.defaults = {p.name: p.default for p in found}
        items = list(self.defaults.items())
        rests = {i: dict(items[i:]) for i in range(len(self.places) + 1)}
        # The defaults of all but the first i arguments, if each of them has one.
        self.rests = {i: r for i, r in rests.items() if NEEDED not in r.values()}
        self.checks = [
            (name, check_of(rule), self.defaults[name] is None)
            for name, rule in rules.items()
            if name in self.defaults
        ]

    def __call__(self, args: tuple[Any, ...], named: dict[str, Any]) -> Given:
        """Return all arguments by name, in order, as the rules return them."""
        given = Given(zip(self.places, args))  # noqa: B905 - more are refused below
        given.first, given.sizes = None, {}
        rest = self.rests.get(len(args))
        if named or rest is None:
            rest = self.named(args, named)
        given.update(rest)
        for name, check, optional in self.checks:
            value = given[name]
            if value is not None or not optional:
                given[name] = check(name, value, given)
        return given

    def named(self, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """Return arguments not given by position; raise Python's own TypeErrors."""
        free = list(self.defaults)[len(args) :]
        rest = {name: named.get(name, self.defaults[name]) for name in free}
        misfits = not named.keys() <= rest.keys() or len(args) > len(self.places)
        if misfits or any(value is NEEDED for value in rest.values()):
            self.signature.bind(*args, **named)
        return rest


def checked(
    **rules: Rule,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Check a function's arguments by rules, in the rules' order, before it runs."""

    def decorate(
        function: Callable[Parameters, Result],
    ) -> Callable[Parameters, Result]:
        arguments = Arguments(function, rules)
        run: Any = function
        if strange := rules.keys() - arguments.defaults.keys():
            raise ValueError(f"rules must be of parameters, got {strange}")

        @wraps(function)
        def call(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
            result: Result = run(**arguments(args, named))
            return result

        return call

    return decorate


def unchecked(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a function without its checks, for arguments that others have passed."""
    return function.__wrapped__  # type: ignore[attr-defined]


def check_of(rule: Rule) -> Check:
    """Return the check that a rule stands for."""
    if isinstance(rule, type):
        return alone(check_kind, rule)
    if not isinstance(rule, str):
        return alone(check_choice, rule) if isinstance(rule, Collection) else rule
    if rule in WORDS:
        return WORDS[rule]
    if rule[0] in "[(":
        return number_in(rule)
    kind, _, limits = rule.partition(" ")
    return integer(*limits.split("..")) if kind == "count" else axes(rule)


def alone(check: Callable[..., Any], *limits: Any) -> Check:
    """Return a check that sees the value alone, and may return one to use instead."""

    def call(name: str, value: Any, given: Given) -> Any:
        found = check(name, value, *limits)
        return value if found is None else found

    return call


# Every call of a kernel runs the next three, so the usual case returns first.


def integer(least: str = "1", most: str = "") -> Check:
    """Return a check of an integer between limits, of which `most` may be missing."""
    low, high = int(least), int(most) if most else None

    def check(name: str, value: Any, given: Given) -> int:
        if type(value) is int and low <= value and (high is None or value <= high):
            return value
        return check_count(name, value, low, high)

    return check


def number_in(within: str) -> Check:
    """Return a check of a number in an interval."""
    low, high = interval(within)[:2]

    def check(name: str, value: Any, given: Given) -> float:
        if type(value) is float and low < value < high:
            return value
        return check_number(name, value, within)

    return check


def axes(rule: str) -> Check:
    """Return a check of an array of floats whose axes have the letters' sizes."""
    letters = rule.split()
    if rule != "..." and not rule.isupper():
        words = ", ".join(WORDS)
        raise ValueError(f"rule must be axes, an interval, or {words}, got {rule!r}")

    def check(name: str, a: Array, given: Given) -> Array:
        if type(a) is not np.ndarray or a.dtype not in FLOATS:
            check_floats(name, a)
        if given.first is None:
            given.first = a
        elif type(a) is not type(given.first):
            check_device(name, a, given.first)
        sizes, shape = given.sizes, a.shape
        if rule == "...":
            if sizes.setdefault(rule, shape) != shape:
                check_shape(name, a, sizes[rule])
            return a
        if len(letters) == len(shape):
            for letter, size in zip(letters, shape):  # noqa: B905 - equally long
                known = sizes.setdefault(letter, size)
                if known != size or (size == 0 and letter != "N"):
                    break
            else:
                return a
        raise ValueError(f"{name} must have shape {misfit(letters, sizes, shape)}")

    return check


def misfit(letters: list[str], sizes: dict[str, Any], shape: tuple[int, ...]) -> str:
    """Return the expected shape, with sizes where they are known, and the given one."""
    wanted = ", ".join(str(sizes.get(letter, letter)) for letter in letters)
    comma = "," if len(letters) == 1 else ""
    only = ": only N may be 0" if 0 in shape else ""
    return f"({wanted}{comma}), got {shape}{only}"


def both(first: Check, then: Callable[[str, Any], object]) -> Check:
    """Return a check that is followed by another one of the same value."""

    def check(name: str, value: Any, given: Given) -> Any:
        then(name, value := first(name, value, given))
        return value

    return check


def nonempty(rule: str) -> Check:
    """Return a check of a nonempty array with these axes."""
    return both(axes(rule), check_nonempty)


def labels(name: str, y: Array, given: Given) -> Array:
    """Return integer labels, one for each of the images x and on their device."""
    check_labels(name, y, len(given["x"]), begins=True)
    check_device(name, y, given["x"])
    return y


WORDS: dict[str, Check] = {
    "bounds": alone(check_bounds),
    "count": integer(),
    "generator": alone(check_generator),
    "images": alone(check_stored_images),
    "labels": labels,
    "number": number_in("[-inf, inf]"),
}
