"""Calls of a user's functions, and checks of what they return.

A function gets copies of our arrays, and we keep copies of its own, which it may
overwrite at its next call. If it returns anything that can't be used, an error names
the function.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module
from minidl.checks import check_array, check_device

ROUNDING = 0.01  # tolerated error of a row's sum, 1; float16 has 0.001


def answer(name: str, function: Callable[..., Any], *arguments: Array) -> Any:
    """Return a copy of what function(copies) returns; ValueError if it changes those.

    Read-only views wouldn't protect arguments: PyTorch's tensors ignore the flag. On a
    GPU, where comparing would mean waiting, changes go unnoticed and do no harm.
    """
    copies = [copy_of(a) for a in arguments]
    answered = function(*copies)
    for a, copy in zip(arguments, copies, strict=True):
        if device_of(a) == "cpu" and differ(a, copy):
            raise ValueError(
                f"{name} must leave its arguments as they are, got one of shape "
                f"{a.shape} changed in place: let it work on a copy"
            )
    return kept(answered)


def differ(a: Array, b: Array) -> bool:
    """Tell whether two arrays differ; where both are NaN, their bytes decide."""
    return not np.array_equal(a, b) and a.tobytes() != b.tobytes()


def kept(answered: Any) -> Any:
    """Return copies of the arrays that a function has returned, also in a tuple.

    A function may write each answer into the same work array. On a GPU, where a copy is
    one more kernel, images and gradients are not copied: use them before the next call.
    Half precision becomes single, because an attack's sums over pixels would overflow.
    """
    if isinstance(answered, tuple):
        return tuple(map(kept, answered))
    if not isinstance(answered, get_array_module(answered).ndarray):
        return answered
    copy = answered.ndim <= 2 or device_of(answered) == "cpu"
    return wide(answered, copy)


def wide(a: Array, copy: bool = False) -> Array:
    """Return floats in half precision as float32, and any others as they are."""
    real = a.dtype.kind == "f"
    dtype = np.result_type(a.dtype, np.float32) if real else a.dtype
    return a.astype(dtype, copy=copy)


def copy_of(a: Array) -> Array:
    """Return a copy; GPU labels themselves, as `range_of` knows them by identity."""
    return a if a.dtype.kind in "iu" and device_of(a) == "gpu" else a.copy()


def check_function(name: str, function: Any, example: str) -> None:
    """Raise TypeError unless this is a function; a model itself isn't."""
    if not callable(function):
        raise TypeError(
            f"{name} must be a function, such as {example}, got "
            f"{type(function).__name__}"
        )


def check_classifier(name: str, classifier: Any) -> None:
    """Raise TypeError unless it has a method predict_proba."""
    if not callable(getattr(classifier, "predict_proba", None)):
        raise TypeError(f"{name} must have predict_proba, got {classifier!r}")


# Checks of what a function has returned; `name` is the function's.


def check_floats_like(
    name: str,
    a: Any,
    x: Array,
    shape: tuple[int, ...],
    finite: bool = True,
    kinds: str = "f",
) -> None:
    """Raise TypeError or ValueError unless these are floats on the device of x."""
    check_array(f"what {name} returns", a)
    check_device(f"what {name} returns", a, x)
    if a.shape != shape:
        raise ValueError(f"{name} must return an array of shape {shape}, got {a.shape}")
    if a.dtype.kind not in kinds:
        raise TypeError(f"{name} must return floats, got {a.dtype}")
    if finite:
        check_finite(name, a)


def check_finite(name: str, a: Array) -> None:
    """Raise ValueError if an array contains NaN or infinity."""
    if not get_array_module(a).isfinite(a).all():
        raise ValueError(f"{name} must return finite numbers, got NaN or infinity")


def check_pair(
    name: str, pair: Any, x: Array, count: int, finite: bool = True
) -> tuple[Array, Array]:
    """Return a function's values (count,) and their gradient, like x; else raise."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(
            f"{name} must return two arrays, values and gradient, got "
            f"{type(pair).__name__}"
        )
    for a, shape in zip(pair, ((count,), x.shape), strict=True):
        check_floats_like(name, a, x, shape, finite)
    return pair


def check_rows(name: str, z: Any, count: int, kinds: str = "iuf") -> None:
    """Raise unless a function has returned numbers (N, K), with K >= 2 classes."""
    check_array(f"what {name} returns", z)
    if z.ndim != 2 or len(z) != count or z.shape[1] < 2:
        raise ValueError(
            f"{name} must return an array (N, K), N = {count}, K >= 2, got {z.shape}"
        )
    if z.dtype.kind not in kinds:
        raise TypeError(f"{name} must return floats, got {z.dtype}")


def probabilities(
    predict_proba: Callable[[Array], Array], x: Array, name: str = "predict_proba"
) -> Array:
    """Return predict_proba(x), (N, K): numbers >= 0 with sum 1 in each row.

    They are float32 or float64, as sums of several classifiers' would lose digits in
    half precision. Raises TypeError or ValueError for anything else: logits,
    log-probabilities, classes, or NaN, which argmax would read as class 0.
    """
    check_array("x", x)
    p: Array = answer(name, predict_proba, x)
    check_probabilities(name, p, len(x))
    return p.astype(get_array_module(p).result_type(p, np.float32), copy=False)


def check_probabilities(name: str, p: Any, count: int) -> None:
    """Raise unless a function has returned probabilities (N, K)."""
    check_rows(name, p, count)
    check_sums(f"{name} must return", p)


def check_sums(must: str, p: Array, rounding: float = ROUNDING) -> None:
    """Raise ValueError, which begins with `must`, unless rows are probabilities.

    If they are, it waits for a GPU only once.
    """
    xp, sums = get_array_module(p), p.sum(axis=1)
    off = xp.maximum(abs(sums - 1), -p.min(axis=1))
    if not off.max() <= rounding:  # NaN fails this, too
        if lost := int((~xp.isfinite(p).all(axis=1)).sum()):
            raise ValueError(
                f"{must} finite numbers, got others for {lost} of {len(p)} images"
            )
        raise ValueError(
            f"{must} probabilities, 0 or more and of sum 1 up to {rounding:g} for each "
            f"image, got numbers from {float(p.min()):.3g} to {float(p.max()):.3g} "
            f"with sums from {float(sums.min()):.6g} to {float(sums.max()):.6g}: "
            "logits take a softmax, log-probabilities an exp, others a division"
        )
