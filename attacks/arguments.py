"""What attacks accept: each argument is checked by its name, before any work is done.

`checked` stands in front of an attack, whose body is then its equation alone. Functions
are wrapped (`functions`), numbers become Python's own: NumPy's would widen float32.
"""

import inspect
import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

from attacks.functions import FUNCTIONS, finite_images
from attacks.norms import BALLS
from attacks.threat import Threat, checked_bounds, checked_range
from minidl.answers import check_function
from minidl.backend import Array, get_array_module
from minidl.checks import (
    as_float,
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

    Images that it returns must be numbers: a gradient that is none moves them there.
    """

    def decorate(
        function: Callable[Parameters, Result],
    ) -> Callable[Parameters, Result]:
        signature, checks = inspect.signature(function), CHECKS | others
        own = {name: checks[name] for name in checks if name in signature.parameters}

        @wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            for name, check in own.items():
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


def function(name: str, value: Any, given: Given) -> Any:
    """Return a function that is shown copies, and whose results are checked."""
    return FUNCTIONS[name](name, value)


def count(name: str, value: Any, given: Given) -> int:
    """Return a whole number >= 1."""
    check_count(name, value)
    return int(value)


def seed(name: str, value: Any, given: Given) -> int:
    """Return a whole number >= 0."""
    check_count(name, value, 0)
    return int(value)


def number(
    low: float, high: float = math.inf, open_low: bool = False, open_high: bool = True
) -> Check:
    """Return a check of a number between two others."""

    def check(name: str, value: Any, given: Given) -> float:
        check_number(name, value, low, high, open_low, open_high)
        return as_float(value)

    return check


def nonzero(name: str, value: Any, given: Given) -> float:
    """Return a number that changes something."""
    check_number(name, value, -math.inf, math.inf, True, True)
    if value == 0:
        raise ValueError(f"{name} must not be 0: no pixel would change")
    return as_float(value)


def norm(name: str, value: Any, given: Given) -> str:
    """Return the norm of a ball that an attack can walk in."""
    check_choice(name, value, BALLS)
    return str(value)


def bounds(name: str, value: Any, given: Given) -> tuple[float, float] | None:
    """Return the range of pixels, or None if they may take any value."""
    return checked_bounds(value)


def finite_bounds(name: str, value: Any, given: Given) -> tuple[float, float]:
    """Return the range of pixels, for attacks that need one."""
    return checked_range(value)


def generator(name: str, value: Any, given: Given) -> np.random.Generator:
    """Return a random generator."""
    check_generator(name, value)
    return value


def optional_generator(
    name: str, value: Any, given: Given
) -> np.random.Generator | None:
    """Return a random generator, or None: then all restarts would be the same."""
    if value is not None:
        return generator(name, value, given)
    if given["restarts"] > 1:
        raise ValueError(
            f"restarts must be 1 without rng, got {given['restarts']}: all would be "
            "the same"
        )
    return None


def images(name: str, value: Any, given: Given) -> Array:
    """Return images within the bounds, if there are any."""
    check_images(name, value, given.get("bounds"))
    return value


def image_axes(name: str, value: Any, given: Given) -> Array:
    """Return images of four axes."""
    check_batch(name, value, ndim=4)
    return images(name, value, given)


def unit_images(name: str, value: Any, given: Given) -> Array:
    """Return images in [0, 1], where an attack has no other bounds."""
    return images(name, value, {"bounds": (0, 1)})


def plain_function(name: str, value: Any, given: Given) -> Any:
    """Return a function whose results are checked where they arise."""
    check_function(name, value, "bim or margin")
    return value


def labels(name: str, value: Any, given: Given) -> Array:
    """Return one class for each image."""
    check_labels(name, value, len(given["x"]))
    check_device(name, value, given["x"])
    return value


def radius(name: str, value: Any, given: Given) -> float:
    """Return eps: no larger than the range of pixels has room for."""
    # An infinite step times a gradient of 0 would be NaN.
    ball = Threat(given.get("norm", "Linf"), value, given["bounds"])
    ball.check_room(given["x"][0].size)
    return ball.eps


def step_size(name: str, value: Any, given: Given) -> float:
    """Return alpha: at most eps, and anything in a ball that has no room for a step."""
    most = given["eps"] or math.inf
    check_number(
        name, value, 0, most, open_low=given["eps"] > 0, open_high=math.isinf(most)
    )
    return as_float(value)


# In this order: what costs nothing comes first, and what others depend on.
CHECKS: dict[str, Check] = {
    **dict.fromkeys(FUNCTIONS, function),
    **dict.fromkeys(("steps", "restarts", "searches", "queries", "rounds"), count),
    **dict.fromkeys(("epochs", "batch_size"), count),
    **dict.fromkeys(("c", "lr", "step"), number(0, open_low=True)),
    **dict.fromkeys(("kappa", "mu", "overshoot"), number(0)),
    **dict.fromkeys(("gamma", "area"), number(0, 1, True, False)),
    "theta": nonzero,
    "stop_above": number(-math.inf, open_high=False),
    "seed": seed,
    "norm": norm,
    "bounds": bounds,
    "rng": generator,
    "x": images,
    "y": labels,
    "target": labels,
    "eps": radius,
    "alpha": step_size,
}
