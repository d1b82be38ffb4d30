"""Validation of a loss's targets other than labels: probabilities and images."""

from minidl.backend import Array, get_array_module
from minidl.checks.answers import check_sums
from minidl.checks.rules import Given, axes

EXACT = 1e-5  # tolerated error of a row's sum; a softmax in float32 has 1e-6

rows, any_axes = axes("N K"), axes("...")


def soft_labels(name: str, q: Array, given: Given) -> Array:
    """Return probabilities (N, K), one row for each row of logits.

    For a row of another sum than 1, p - q isn't the gradient of its cost.
    """
    check_type(name, rows(name, q, given), given["z"])
    check_sums(f"{name} must hold", q, EXACT)
    return q


def images_like(name: str, target: Array, given: Given) -> Array:
    """Return the target of `out`, finite floats of the same shape."""
    check_type(name, any_axes(name, target, given), given["out"])
    if not get_array_module(target).isfinite(target).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return target


def check_type(name: str, a: Array, first: Array) -> None:
    """Raise TypeError unless two arrays have the same type."""
    if a.dtype != first.dtype:
        raise TypeError(f"{name} must be {first.dtype}, got {a.dtype}")
