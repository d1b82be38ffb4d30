"""Which pass of a network is running: does a layer run twice in it?"""

import threading
from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Running(threading.local):
    """The number of the pass that is running in this thread, 0 if none is."""

    number = 0


class Latest(threading.local):
    """What a layer keeps of its latest run in this thread, and the pass it was in."""

    latest: Any = None
    number = 0


running, numbers = Running(), count(1)


def one_pass(forward: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Count each call as one pass, or as part of the pass that is running already."""

    @wraps(forward)
    def call(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
        if running.number:
            return forward(*args, **named)
        running.number = next(numbers)
        try:
            return forward(*args, **named)
        finally:
            running.number = 0

    return call


def runs_again(layer: Latest) -> bool:
    """Tell whether a layer that runs now has already run in the same pass."""
    number, before = running.number, layer.number
    layer.number = number
    return number == before > 0
