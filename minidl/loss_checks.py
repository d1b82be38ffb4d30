"""What losses take beside labels: temperatures, probabilities, images."""

from math import inf
from typing import Any

from minidl.answers import ROUNDING
from minidl.backend import Array, get_array_module
from minidl.checks import (
    check_batch,
    check_device,
    check_floats,
    check_number,
    check_shape,
)


def check_temperature(temperature: Any) -> float:
    """Return T as Python's float; TypeError or ValueError unless 0 < T < inf."""
    ends = dict(open_low=True, open_high=True)
    return check_number("temperature", temperature, 0, inf, **ends)


def check_soft_labels(z: Array, q: Array) -> None:
    """Raise unless q holds probabilities (N, K), one row for each of the logits'."""
    check_batch("z", z, ndim=2)
    check_like("q", q, z)
    off = get_array_module(q).maximum(abs(q.sum(axis=1) - 1), -q.min(axis=1))
    if not off.max() <= ROUNDING:  # so that NaN is off, too
        raise ValueError(
            "q must hold probabilities, 0 or more and of sum 1 in each row, got "
            f"numbers from {float(q.min()):.3g} to {float(q.max()):.3g}: logits take "
            "a softmax"
        )


def check_target(out: Array, target: Array) -> None:
    """Raise unless target holds what out should be: finite floats of its shape."""
    check_batch("out", out)
    check_like("target", target, out)
    if not get_array_module(target).isfinite(target).all():
        raise ValueError("target must be finite, got NaN or infinity")


def check_like(name: str, a: Array, first: Array) -> None:
    """Raise unless a has the shape, the type and the place of another array."""
    check_floats(name, a)
    check_shape(name, a, first.shape)
    check_device(name, a, first)
    if a.dtype != first.dtype:
        raise TypeError(f"{name} must be {first.dtype}, got {a.dtype}")
