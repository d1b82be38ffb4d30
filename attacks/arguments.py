"""What attacks accept: each argument is checked by its name, before any work is done.

`checked` stands in front of an attack, whose body is then its equation alone. It raises
TypeError or ValueError with the argument's name. Functions are wrapped (`functions`),
numbers become Python's own: NumPy's would widen float32.
"""

import inspect
import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar

from attacks.functions import FUNCTIONS, finite_images, guarded
from attacks.norms import BALLS
from attacks.threat import Threat, checked_bounds, checked_range
from minidl.answers import check_function
from minidl.backend import Array, get_array_module
from minidl.checks import (
    check_batch,
    check_choice,
    check_count,
    check_device,
    check_generator,
    check_images,
    check_labels,
    check_number,
)

Given: TypeAlias = dict[str, Any]  # all arguments of a call, by name
Check: TypeAlias = Callable[[str, Any, Given], Any]  # the value to work with
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def checked(
    **others: Check,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Let CHECKS look at a function's arguments, or `others` at those that they name.

    None passes where it is the default. Images that the function returns must be
    numbers: a gradient that is none moves them there.
    """

    def decorate(
        function: Callable[Parameters, Result],
    ) -> Callable[Parameters, Result]:
        signature, checks = inspect.signature(function), CHECKS | others
        own = {name: checks[name] for name in checks if name in signature.parameters}
        optional = {name for name in own if signature.parameters[name].default is None}

        @wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            for name, check in own.items():
                if not (given[name] is None and name in optional):
                    given[name] = check(name, given[name], given)
            result = function(*bound.args, **bound.kwargs)
            check_result(function.__name__, result, given.get("x"))
            return result

        return call

    return decorate


def check_result(attack: str, x_adv: Any, x: Any) -> None:
    """Raise ValueError if what an attack has made of x are images that hold NaN."""
    xp, shape = get_array_module(x_adv), getattr(x_adv, "shape", None)
    if shape == getattr(x, "shape", ()) and not xp.isfinite(x_adv).all():
        lost = int((~finite_images(x_adv)).sum())
        raise ValueError(
            f"{attack} made NaN of {lost} of {len(x_adv)} images: gradient must "
            "return finite numbers"
        )


def count(at_least: int) -> Check:
    """Return a check of a whole number."""

    def check(name: str, value: Any, given: Given) -> int:
        return check_count(name, value, at_least)

    return check


def number(
    low: float, high: float = math.inf, open_low: bool = False, open_high: bool = True
) -> Check:
    """Return a check of a number between two others."""

    def check(name: str, value: Any, given: Given) -> float:
        return check_number(name, value, low, high, open_low, open_high)

    return check


def unchanged(check: Callable[..., None], *limits: Any) -> Check:
    """Return a check of a value that stays what it is."""

    def call(name: str, value: Any, given: Given) -> Any:
        check(name, value, *limits)
        return value

    return call


def images(ndim: int | None = None, bounds: tuple[float, float] | None = None) -> Check:
    """Return a check of images, within these bounds or those of the call, if any."""

    def check(name: str, value: Any, given: Given) -> Array:
        check_batch(name, value, ndim)
        check_images(name, value, bounds or given.get("bounds"))
        return value

    return check


def labels(name: str, value: Any, given: Given) -> Array:
    """Return one class for each image."""
    check_labels(name, value, len(given["x"]))
    check_device(name, value, given["x"])
    return value


def nonzero(name: str, value: Any, given: Given) -> float:
    """Return a number that changes something."""
    change = check_number(name, value, open_low=True, open_high=True)
    if change == 0:
        raise ValueError(f"{name} must not be 0: no pixel would change")
    return change


def restarts(name: str, value: Any, given: Given) -> int:
    """Return a number of starts: without chance all would be the same."""
    starts = check_count(name, value)
    if starts > 1 and given["rng"] is None:
        raise ValueError(
            f"{name} must be 1 without rng, got {starts}: all would be the same"
        )
    return starts


def radius(name: str, value: Any, given: Given) -> float:
    """Return eps: no larger than the range of pixels has room for."""
    ball = Threat(given.get("norm", "Linf"), value, given["bounds"])
    ball.check_room(given["x"][0].size)
    return ball.eps


def step_size(name: str, value: Any, given: Given) -> float:
    """Return alpha: at most eps, and anything in a ball that has no room for a step."""
    if eps := given["eps"]:
        return number(0, eps, open_low=True, open_high=False)(name, value, given)
    return number(0)(name, value, given)


plain_function = unchanged(check_function, "bim or margin")  # checked where it is used
finite_bounds: Check = lambda name, value, given: checked_range(value)  # noqa: E731

# In this order: what costs nothing comes first, and what others depend on.
CHECKS: dict[str, Check] = {
    **dict.fromkeys(FUNCTIONS, lambda name, value, given: guarded(name, value)),
    "attack": plain_function,
    **dict.fromkeys(("steps", "searches", "queries", "rounds"), count(1)),
    **dict.fromkeys(("epochs", "batch_size"), count(1)),
    **dict.fromkeys(("c", "lr", "step"), number(0, open_low=True)),
    **dict.fromkeys(("kappa", "mu", "overshoot"), number(0)),
    **dict.fromkeys(("gamma", "area"), number(0, 1, True, False)),
    "theta": nonzero,
    "stop_above": number(-math.inf, open_high=False),
    "seed": count(0),
    "norm": unchanged(check_choice, BALLS),
    "bounds": lambda name, value, given: checked_bounds(value),
    "rng": unchanged(check_generator),
    "restarts": restarts,
    "x": images(),
    "y": labels,
    "target": labels,
    "eps": radius,
    "alpha": step_size,
}
