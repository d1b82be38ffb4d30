"""Attributes whose values are checked, in a constructor and at later assignments.

    class Dropout(Layer):
        rate: float = setting("[0, 1)")              # checked whenever it is assigned

    class MaxPool2D(Layer):
        size: int = fixed("count")                   # can be assigned only once

    @dataclass
    class Adam(Optimizer):
        beta1: float = setting("[0, 1)", 0.9)        # with a field's default

A rule (`rules.py`) describes the accepted values. A number becomes a Python number: a
NumPy number would compute in another precision, and training would have other bits
after a checkpoint has restored it.
"""

from typing import Any

from minidl.checks.rules import Given, Rule, check_of

NONE = object()  # means that there is no default


def setting(rule: Rule, default: Any = NONE) -> Any:
    """Return an attribute that accepts the values that a rule accepts."""
    return Setting(rule, default)


def fixed(rule: Rule = object) -> Any:
    """Return an attribute that can be assigned only once: others depend on it."""
    return Setting(rule, once=True)


class Setting:
    """An attribute whose value is checked, and then stored in its object."""

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
