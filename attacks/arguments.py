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
from attacks.threat import Threat
from minidl.answers import check_function
from minidl.backend import Array, get_array_module
from minidl.checks import (
    check_batch,
    check_bounds,
    check_choice,
    check_count,
    check_device,
    check_generator,
    check_images,
    check_labels,
    check_number,
    check_range,
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


def alone(check: Callable[..., Any], *limits: Any, **options: bool) -> Check:
    """Return a check of a value by itself: what it returns, or the value as it is."""

    def call(name: str, value: Any, given: Given) -> Any:
        found = check(name, value, *limits, **options)
        return value if found is None else found

    return call


def number(low: float, high: float = math.inf, open_low: bool = False) -> Check:
    """Return a check of a number up to another one, but not to infinity."""
    return alone(check_number, low, high, open_low, high == math.inf)


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
    if (change := check_number(name, value, open_low=True, open_high=True)) == 0:
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
    eps = given["eps"]
    return number(0, eps or math.inf, open_low=eps > 0)(name, value, given)


plain_function = alone(check_function, "bim or margin")  # checked where it is used
finite_bounds = alone(check_range)

# In this order: what costs nothing comes first, and what others depend on.
CHECKS: dict[str, Check] = {
    **dict.fromkeys(FUNCTIONS, alone(guarded)),
    "attack": plain_function,
    **dict.fromkeys(("steps", "searches", "queries", "rounds"), alone(check_count)),
    **dict.fromkeys(("epochs", "batch_size", "targets"), alone(check_count)),
    **dict.fromkeys(("samples", "tries"), alone(check_count)),
    **dict.fromkeys(("c", "lr", "step"), number(0, open_low=True)),
    **dict.fromkeys(("kappa", "mu", "overshoot"), number(0)),
    **dict.fromkeys(("gamma", "area"), number(0, 1, open_low=True)),
    "theta": nonzero,
    "stop_above": alone(check_number),
    "seed": alone(check_count, 0),
    "norm": alone(check_choice, BALLS),
    "bounds": alone(check_bounds),
    "rng": alone(check_generator),
    "restarts": restarts,
    "x": images(),
    "y": labels,
    "target": labels,
    "eps": radius,
    "alpha": step_size,
}
