"""Counts a function's products, by letting it compute with numbers that count them.

Such a number has no value; it knows only the arguments that it depends on. A product
counts if its factors depend on different arguments. Products within one argument, or
with constants, belong to a transform and are free. Once NumPy or `math` has made plain
numbers of them, nothing more is counted: the count is a lower bound.
"""

import builtins
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

MAKERS = ["array", "asarray", "empty", "full", "ones", "zeros"]
MAKERS += ["empty_like", "full_like", "ones_like", "zeros_like"]
NUMBERS = ("float16", "float32", "float64", "int64")


class Counted:
    """A number that depends on the arguments of some names."""

    def __init__(self, count: list[int], of: frozenset[str]) -> None:
        self.count, self.of = count, of

    def joined(self, other: Any) -> "Counted":
        """Return a sum, which depends on both terms; arrays add number by number."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        return Counted(self.count, self.of | getattr(other, "of", frozenset()))

    def times(self, other: Any) -> "Counted":
        """Count a product unless its factors share one argument or one is constant."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        made_of: frozenset[str] = getattr(other, "of", frozenset())
        self.count[0] += bool(made_of) and len(self.of | made_of) > 1
        return self.joined(other)

    __add__ = __radd__ = __sub__ = __rsub__ = joined
    __mul__ = __rmul__ = __truediv__ = times

    def __neg__(self) -> "Counted":
        return self

    __pos__ = __neg__

    def __float__(self) -> float:
        """Return some number, where NumPy or `math` asks for a plain one."""
        return 1.0


class Numbers(np.ndarray):
    """An array of counted numbers, unaffected by a change of type."""

    def astype(self, *type: Any, **how: Any) -> Any:
        """Return a copy."""
        return self.copy()


class Untyped(ModuleType):
    """NumPy with arrays that hold any numbers, regardless of the requested type."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if name in NUMBERS:
            return unchanged
        if name not in MAKERS:
            return found

        before_type = 2 if name.startswith("full") else 1

        def make(*arguments: Any, dtype: Any = None, **how: Any) -> Any:
            kept = arguments[:before_type]
            return found(*kept, dtype=object, **how).view(Numbers)

        return make


def unchanged(number: Any = 0.0) -> Any:
    """Return a number as it is, in place of a conversion to Python's or NumPy's own."""
    return number


def untyped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function, and its module's others, so that numbers aren't converted."""
    if not isinstance(function, FunctionType):
        return function
    ours, numpy = function.__globals__, Untyped("numpy")

    def imported(name: str, *rest: Any) -> Any:
        return numpy if name == "numpy" else __import__(name, *rest)

    own = {"float": unchanged, "__import__": imported}
    space: dict[str, Any] = {**ours, "__builtins__": {**vars(builtins), **own}}

    def in_space(f: FunctionType) -> FunctionType:
        return FunctionType(
            f.__code__, space, f.__name__, f.__defaults__, f.__closure__
        )

    for name, value in ours.items():
        known = getattr(value, "__name__", None)
        if value is np:
            space[name] = numpy
        elif known in (*MAKERS, *NUMBERS) and value is getattr(np, known):
            space[name] = getattr(numpy, known)
        elif isinstance(value, FunctionType) and value.__globals__ is ours:
            space[name] = in_space(value)
    return in_space(function)


def at_most(
    most: int, function: Callable[..., Any], sizes: Mapping[str, int]
) -> str | None:
    """Return what is wrong if a function of vectors takes more than `most` products.

    A function that can't work with counted numbers passes; a line is printed.
    """
    count = [0]
    vectors = [
        np.array([Counted(count, frozenset({name})) for _ in range(size)]).view(Numbers)
        for name, size in sizes.items()
    ]
    failed = ""
    try:
        untyped(function)(*vectors)
    except Exception as error:
        failed = f"check couldn't count its products ({type(error).__name__}: {error})"
    if count[0] > most:
        names = " and ".join(sizes)
        return f"it takes {count[0]} products of numbers of {names}: {most} are enough"
    if failed:
        print(failed)
    return None
