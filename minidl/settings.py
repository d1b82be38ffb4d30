"""Attributes that can't be set to what makes no sense, in a constructor or later.

    class Dropout(Layer):
        rate: float = number(0, 1, open_high=True)   # checked whenever it is assigned

    class MaxPool2D(Layer):
        size: int = fixed()                          # assigned once

    class Linear(Layer):
        W: Parameter = instance(Parameter)           # an array isn't one

A number becomes Python's: NumPy's would compute in another precision, so that training
had other bits once a checkpoint has brought it back.
"""

from typing import Any

from minidl.checks import check_kind, check_number


def number(low: float, high: float, **ends: bool) -> Any:
    """Return an attribute that holds a number; its limits are `check_number`'s."""
    return Number(low, high, ends)


def fixed() -> Any:
    """Return an attribute that others depend on: it can be assigned once."""
    return Fixed()


def instance(kind: type) -> Any:
    """Return an attribute that holds an instance of a class."""
    return Instance(kind)


class Setting:
    """An attribute whose value lies in its object, and is checked on the way there."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Number(Setting):
    """See `number`."""

    def __init__(self, low: float, high: float, ends: dict[str, bool]) -> None:
        self.low, self.high, self.ends = low, high, ends

    def __set__(self, thing: object, value: Any) -> None:
        check_number(self.name, value, self.low, self.high, **self.ends)
        vars(thing)[self.name] = float(value)


class Fixed(Setting):
    """See `fixed`."""

    def __set__(self, thing: object, value: Any) -> None:
        if self.name in vars(thing):
            kind = type(thing).__name__
            raise TypeError(
                f"{self.name} of {kind} can't be changed, got {value!r}: make a new "
                f"{kind} instead"
            )
        vars(thing)[self.name] = value


class Instance(Setting):
    """See `instance`."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __set__(self, thing: object, value: Any) -> None:
        check_kind(self.name, value, self.kind)
        vars(thing)[self.name] = value
