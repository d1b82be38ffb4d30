"""Attributes that can't be set to what makes no sense, in a constructor or later.

    class Dropout(Layer):
        rate: float = number(0, 1, open_high=True)   # checked whenever it is assigned

    class MaxPool2D(Layer):
        size: int = fixed()                          # assigned once

    class Linear(Layer):
        W: Parameter = instance(Parameter)           # an array isn't one

    @dataclass
    class Adam(Optimizer):
        beta1: float = number(0, 1, default=0.9)     # with a field's default

A number becomes Python's: NumPy's would compute in another precision, so that training
had other bits once a checkpoint has brought it back.
"""

from collections.abc import Callable
from typing import Any

from minidl.checks import check_kind, check_number

NONE = object()  # where there is no default


def number(low: float, high: float, default: Any = NONE, **ends: bool) -> Any:
    """Return an attribute that holds a number; its limits are `check_number`'s."""

    def checked(name: str, value: Any) -> float:
        return check_number(name, value, low, high, **ends)

    return Setting(checked, default)


def fixed(checked: Callable[[str, Any], Any] = lambda name, value: value) -> Any:
    """Return an attribute that others depend on: it can be assigned once."""
    return Setting(checked, once=True)


def instance(kind: type) -> Any:
    """Return an attribute that holds an instance of a class."""

    def checked(name: str, value: Any) -> Any:
        check_kind(name, value, kind)
        return value

    return Setting(checked)


class Setting:
    """An attribute whose value lies in its object, and is checked on the way there."""

    def __init__(
        self,
        checked: Callable[[str, Any], Any],
        default: Any = NONE,
        once: bool = False,
    ) -> None:
        self.checked, self.default, self.once = checked, default, once

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, thing: object, owner: type) -> Any:
        values = {self.name: self.default} if thing is None else vars(thing)
        value = values.get(self.name, NONE)
        if value is NONE:
            raise AttributeError(f"{owner.__name__} has no {self.name} yet")
        return value

    def __set__(self, thing: object, value: Any) -> None:
        if self.once and self.name in vars(thing):
            kind = type(thing).__name__
            raise TypeError(
                f"{self.name} of {kind} can't be changed, got {value!r}: make a new "
                f"{kind} instead"
            )
        vars(thing)[self.name] = self.checked(self.name, value)
