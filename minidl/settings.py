"""Attributes that can't be set to what makes no sense, in a constructor or later.

    class Dropout(Layer):
        rate: float = setting("[0, 1)")              # checked whenever it is assigned

    class MaxPool2D(Layer):
        size: int = fixed("count")                   # assigned once

    @dataclass
    class Adam(Optimizer):
        beta1: float = setting("[0, 1)", 0.9)        # with a field's default

What one takes is said by a rule (`rules.py`). A number becomes Python's: NumPy's would
compute in another precision, so that training had other bits once a checkpoint has
brought it back.
"""

from typing import Any

from minidl.rules import Given, Rule, check_of

NONE = object()  # where there is no default


def setting(rule: Rule, default: Any = NONE) -> Any:
    """Return an attribute that holds what a rule lets in."""
    return Setting(rule, default)


def fixed(rule: Rule = object) -> Any:
    """Return an attribute that others depend on: it can be assigned once."""
    return Setting(rule, once=True)


class Setting:
    """An attribute whose value lies in its object, and is checked on the way there."""

    def __init__(self, rule: Rule, default: Any = NONE, once: bool = False) -> None:
        self.check, self.default, self.once = check_of(rule), default, once

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
        if value is not None or self.default is not None:
            value = self.check(self.name, value, Given())
        vars(thing)[self.name] = value
