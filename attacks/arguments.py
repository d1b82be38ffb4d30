"""What attacks accept: each argument is checked by its name before any work is done.

`checked` decorates an attack, whose body is then its equation alone. It raises
TypeError or ValueError with the argument's name. It also wraps functions (`functions`)
and turns NumPy's numbers into Python's, because NumPy's would widen float32.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from attacks.functions import FUNCTIONS, finite_images, guarded
from attacks.norms import BALLS
from attacks.threat import Threat
from minidl.backend import Array, get_array_module
from minidl.checks import (
    check_batch,
    check_count,
    check_images,
    check_number,
    check_range,
)
from minidl.checks.answers import check_function
from minidl.checks.rules import Arguments, Check, Given, Rule, alone

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def checked(
    **others: Rule,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Check a function's arguments by RULES, which `others` override by name.

    The images that it returns must be finite: a NaN in a gradient would end up there.
    """

    def decorate(
        function: Callable[Parameters, Result],
    ) -> Callable[Parameters, Result]:
        arguments = Arguments(function, RULES | others)
        run: Any = function

        @wraps(function)
        def call(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
            given = arguments(args, named)
            result: Result = run(**given)
            check_result(function.__name__, result, given.get("x"))
            return result

        return call

    return decorate


def check_result(attack: str, x_adv: Any, x: Any) -> None:
    """Raise ValueError if an attack returned images like x that are not finite."""
    xp, shape = get_array_module(x_adv), getattr(x_adv, "shape", None)
    if shape == getattr(x, "shape", ()) and not xp.isfinite(x_adv).all():
        lost = int((~finite_images(x_adv)).sum())
        raise ValueError(
            f"{attack} made NaN of {lost} of {len(x_adv)} images: gradient must "
            "return finite numbers"
        )


def images(ndim: int | None = None, bounds: tuple[float, float] | None = None) -> Check:
    """Return a check of images against these bounds, or else the call's, if any."""

    def check(name: str, value: Any, given: Given) -> Array:
        check_batch(name, value, ndim)
        check_images(name, value, bounds or given.get("bounds"))
        return value

    return check


def nonzero(name: str, value: Any, given: Given) -> float:
    """Return a finite number other than 0."""
    if (change := check_number(name, value, "(-inf, inf)")) == 0:
        raise ValueError(f"{name} must not be 0: no pixel would change")
    return change


def restarts(name: str, value: Any, given: Given) -> int:
    """Return the number of restarts; more than one needs rng to differ."""
    starts = check_count(name, value)
    if starts > 1 and given["rng"] is None:
        raise ValueError(
            f"{name} must be 1 without rng, got {starts}: all would be the same"
        )
    return starts


def radius(name: str, value: Any, given: Given) -> float:
    """Return eps; raise if the ball is larger than the range of pixels."""
    ball = Threat(given.get("norm", "Linf"), value, given["bounds"])
    ball.check_room(given["x"][0].size)
    return ball.eps


def step_size(name: str, value: Any, given: Given) -> float:
    """Return alpha, in (0, eps]; if eps is 0, any alpha >= 0."""
    eps = given["eps"]
    return check_number(name, value, f"(0, {eps}]" if eps > 0 else "[0, inf)")


plain_function = alone(check_function, "bim or margin")  # checked where it is used
finite_bounds = alone(check_range)
COUNTS = ("steps", "searches", "queries", "rounds", "epochs", "batch_size", "targets")

# In this order: cheap checks first, and an argument before those that depend on it.
RULES: dict[str, Rule] = {
    **dict.fromkeys(FUNCTIONS, alone(guarded)),
    "attack": plain_function,
    **dict.fromkeys((*COUNTS, "samples", "tries"), "count"),
    **dict.fromkeys(("c", "lr", "step"), "(0, inf)"),
    **dict.fromkeys(("kappa", "mu", "overshoot"), "[0, inf)"),
    **dict.fromkeys(("gamma", "area"), "(0, 1]"),
    "theta": nonzero,
    "stop_above": "number",
    "seed": "count 0..",
    "norm": BALLS,
    "bounds": "bounds",
    "rng": "generator",
    "restarts": restarts,
    "x": images(),
    **dict.fromkeys(("y", "target"), "labels"),
    "eps": radius,
    "alpha": step_size,
}
