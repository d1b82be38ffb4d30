"""Validation: what public functions accept, and the errors for anything else.

Equations contain no validation. Entry points (`train`, `accuracy`, attacks, the
kernels' dispatch) call these checks before any work is done, most of them by rules
(`minidl/checks/rules.py`).
"""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module

PLAIN = (np.ndarray, np.memmap)
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))  # in native byte order


def is_a(kind: type, value: Any) -> bool:
    """Return whether value is a number of a kind; True and False don't count."""
    if type(value) in (int, float):  # isinstance(value, kind) is 20 times slower
        return kind is Real or type(value) is int
    return isinstance(value, kind) and not isinstance(value, bool)


def check_count(
    name: str, value: Any, at_least: int = 1, at_most: int | None = None
) -> int:
    """Return value as a Python int; raise unless it is an integer within the limits."""
    if not is_a(Integral, value):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    if at_most is not None and value > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {value}")
    return int(value)


@lru_cache(1000)
def interval(text: str) -> tuple[float, float, bool, bool]:
    """Return both ends of an interval like "(0, 1]", and whether each belongs to it."""
    low, high = map(float, text[1:-1].split(","))
    return low, high, text[0] == "[", text[-1] == "]"


def check_number(name: str, value: Any, within: str = "[-inf, inf]") -> float:
    """Return value as a Python float; raise unless it is a number in an interval.

    Numbers too large for a float become infinity.
    """
    if not is_a(Real, value):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = inf if value > 0 else -inf
    low, high, with_low, with_high = interval(within)
    at_end = (with_low and number == low) or (with_high and number == high)
    if not (low < number < high or at_end):
        raise ValueError(f"{name} must be in {within}, got {number}")
    return number


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Raise ValueError unless value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raise TypeError unless value is an instance of a class."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} must be of type {kind.__name__}, got {type(value).__name__}"
        )


def several(
    name: str, things: Any, check: Callable[[str, Any], Any], what: str
) -> tuple[Any, ...]:
    """Return things as a tuple, checked one by one; raise if there are none."""
    if isinstance(things, str) or not np.iterable(things):
        raise TypeError(f"{name} must be several {what}, got {things!r}")
    found = tuple(things)  # a generator would be empty the second time
    if not found:
        raise ValueError(f"{name} must be several {what}, got none")
    checked = (check(f"{name}[{i}]", thing) for i, thing in enumerate(found))
    return tuple(c if c is not None else t for c, t in zip(checked, found, strict=True))


def check_generator(name: str, value: Any) -> None:
    """Raise TypeError unless value is a random generator; a seed isn't one."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} must be a generator, such as numpy.random.default_rng(seed), "
            f"got {value!r}"
        )


def check_array(name: str, x: Any, what: str = "array") -> None:
    """Raise TypeError unless x is an array of NumPy or CuPy.

    Of subclasses only memmap passes: masked arrays and matrices compute differently.
    """
    if type(x) not in PLAIN and type(x) is not get_array_module(x).ndarray:
        kind = type(x)
        full = f"{kind.__module__}.{kind.__name__}".removeprefix("builtins.")
        raise TypeError(f"{name} must be a NumPy or CuPy {what}, got {full}")


def check_device(name: str, a: Array, first: Array) -> None:
    """Raise ValueError unless an array is on the same device as the first one."""
    if type(a) is not type(first) and device_of(a) != device_of(first):
        raise ValueError(
            f"{name} must be on the {device_of(first)}, as the other arrays, got one "
            f"on the {device_of(a)}: to_device moves it"
        )


def check_floats(name: str, x: Array) -> None:
    """Raise TypeError unless x is an array in float32 or float64."""
    check_array(name, x)
    if x.dtype not in FLOATS:
        raise TypeError(f"{name} must be float32 or float64, got {x.dtype}")


def check_float_type(name: str, dtype: Any) -> None:
    """Raise TypeError unless dtype is float32 or float64, in native byte order."""
    try:
        found = np.dtype(object if dtype is None else dtype)  # None would be float64
    except TypeError:
        found = np.dtype(object)
    if found.name not in FLOATS or not found.isnative:
        raise TypeError(f"{name} must be float32 or float64, got {dtype!r}")


def check_cast(name: str, x: Array, dtype: Any) -> Array:
    """Return numbers as floats of a type; ValueError if one becomes infinite.

    Tiny numbers become 0, whatever np.seterr says.
    """
    xp = get_array_module(x)
    with np.errstate(over="ignore", under="ignore"):
        found: Array = x.astype(dtype)
    over = xp.isinf(found) & xp.isfinite(x)
    if over.any():
        raise ValueError(
            f"{name} must be finite in {found.dtype}, got {float(x[over][0])}"
        )
    return found


def check_nonempty(name: str, x: Array) -> None:
    """Raise ValueError if an array is empty."""
    if x.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {x.shape}")


def check_batch(name: str, x: Array, ndim: int | None = None) -> None:
    """Raise unless x is a nonempty float32 or float64 array (of ndim axes)."""
    check_floats(name, x)
    if ndim is not None and x.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {x.shape}")
    check_nonempty(name, x)


def check_features(name: str, x: Array, D: int) -> None:
    """Raise unless x is a nonempty array of floats, with rows of D features."""
    check_batch(name, x)
    if x.shape[1:] != (D,):
        raise ValueError(f"{name} must have shape (N, {D}), got {x.shape}")


def check_shape(name: str, x: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless an array has this shape."""
    if x.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {x.shape}")


def check_bounds(name: str, bounds: Any) -> tuple[float, float] | None:
    """Return bounds as Python floats, or None; raise unless low < high."""
    if bounds is None:
        return None
    try:
        low, high = bounds
    except (TypeError, ValueError):  # not two values, or not iterable
        low = high = None
    if not (is_a(Real, low) and is_a(Real, high)):
        raise TypeError(
            f"{name} must be two numbers (low, high) or None, got {bounds!r}"
        )
    if not low < high:
        raise ValueError(f"{name} must be (low, high) with low < high, got {bounds}")
    return check_number(name, low), check_number(name, high)


def check_range(name: str, bounds: Any) -> tuple[float, float]:
    """Return bounds as Python floats; raise unless both are given and finite."""
    pair = check_bounds(name, bounds)
    if pair is None or not all(map(isfinite, pair)):
        raise ValueError(
            f"{name} must be (low, high), both finite, got {bounds}: they are needed"
        )
    return pair


def check_images(
    name: str, x: Array, bounds: tuple[float, float] | None = (0, 1)
) -> None:
    """Raise unless x is a batch of floating-point images within the pixel bounds."""
    check_batch(name, x)
    low, high = (x.dtype.type(float(extreme)) for extreme in (x.min(), x.max()))
    if not (isfinite(low) and isfinite(high)):  # NaN is neither below nor above
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    # As Python floats: np.float32(0.3) is above np.float64(0.3), but not above 0.3.
    if bounds is not None and (low < float(bounds[0]) or high > float(bounds[1])):
        raise ValueError(
            f"{name} must lie in [{bounds[0]:g}, {bounds[1]:g}], "
            f"got values from {low:.6g} to {high:.6g}"
        )


def check_stored_images(name: str, x: Array) -> None:
    """Raise unless x holds images: uint8 (0 to 255), or floats in [0, 1]."""
    check_array(name, x)
    if x.dtype == "uint8":
        check_nonempty(name, x)
    elif x.dtype in FLOATS:
        check_images(name, x)
    else:
        raise TypeError(
            f"{name} must be uint8 (0 to 255), or float32 or float64 in [0, 1], "
            f"got {x.dtype}"
        )


def check_label_array(name: str, y: Array, count: int) -> None:
    """Raise unless y holds `count` integers, one for each image."""
    check_array(name, y, "array of labels")
    if y.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integer labels, got {y.dtype}")
    check_shape(name, y, (count,))
    check_nonempty(name, y)


def check_labels(
    name: str,
    y: Array,
    count: int,
    classes: int | None = None,
    begins: bool = False,
) -> None:
    """Raise unless y holds `count` integer labels in 0 .. classes - 1.

    With `begins`, or without `classes`, labels on a GPU are read again: they may have
    changed since the last check.
    """
    check_label_array(name, y, count)
    low, high = range_of(y, fresh=begins or classes is None)
    if low < 0 or (classes is not None and high >= classes):
        limit = "0 or more" if classes is None else f"0 to {classes - 1}"
        raise ValueError(f"{name} must be {limit}, got {low} to {high}")


def check_logits(z: Array, y: Array) -> None:
    """Raise unless z holds logits (N, K), and y a label for each image."""
    check_batch("z", z, ndim=2)
    check_labels("y", y, *z.shape)
    check_device("y", y, z)


# The latest labels on a GPU and their range. Holding them keeps `is` reliable.
_latest: tuple[Any, tuple[int, int]] = (None, (0, 0))


def range_of(y: Array, fresh: bool) -> tuple[int, int]:
    """Return the smallest and the largest label.

    An attack asks for the range of the same labels at each step. Reading it from a GPU
    waits for all work there, so it is read once, when the attack begins (`fresh`).
    Until the attack ends, labels on a GPU mustn't be changed in place.
    """
    global _latest
    if device_of(y) == "cpu":
        return int(y.min()), int(y.max())
    latest = _latest  # another thread may replace it meanwhile
    if fresh or latest[0] is not y:
        latest = _latest = y, (int(y.min()), int(y.max()))
    return latest[1]


def check_weights(weights: Sequence[float] | Array | None, members: int) -> list[float]:
    """Return one weight per member, scaled to sum 1; raise if that is impossible."""
    if weights is None:
        return [1 / members] * members
    if isinstance(weights, np.ndarray):
        check_array("weights", weights)
    try:
        w = np.asarray(weights)
    except (TypeError, ValueError):  # on a GPU, or rows of different lengths
        w = np.asarray(None)
    if w.dtype.kind not in "iuf":  # "2", 2j and True would become numbers below
        raise TypeError(f"weights must be integers or floats, got {weights!r}")
    w = w.astype(np.float64)
    if w.shape != (members,):
        raise ValueError(
            f"weights must be {members} numbers, one per member, got shape {w.shape}"
        )
    if not ((w >= 0).all() and 0 < w.sum() < np.inf):
        raise ValueError(
            f"weights must be >= 0 with a positive, finite sum, got {weights}"
        )
    return (w / w.sum()).tolist()  # Python floats keep float32 probabilities float32
