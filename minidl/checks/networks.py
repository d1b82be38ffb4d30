"""Validation of networks: shapes, weights and inputs."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module
from minidl.checks import check_array, check_batch, check_cast
from minidl.checks.answers import check_floats_like, check_function

Shape = tuple[int, ...]
TINY = float(np.finfo(np.float32).tiny)


def check_input(x: Array, input_shape: Shape, params: Sequence[Any]) -> None:
    """Raise unless x is a batch of floating-point inputs on the parameters' device.

    All parameters must have one type and device, and none may occur twice.
    """
    check_batch("x", x)
    if x.shape[1:] != input_shape:
        expected = ", ".join(map(str, ("N", *input_shape)))
        raise ValueError(f"x must have shape ({expected}), got {x.shape}")
    if len({(p.data.dtype, type(p.data)) for p in params}) > 1:
        kinds = {f"{p.data.dtype} on the {device_of(p.data)}" for p in params}
        raise ValueError(
            "layers must have parameters of one type on one device, got "
            f"{', '.join(sorted(kinds))}: the network's astype or to_device moves all"
        )
    if len(set(params)) < len(params):
        raise ValueError(
            "layers must have parameters of their own, got one in two places, whose "
            "gradient would be the last one's alone"
        )
    if params and device_of(x) != (own := device_of(params[0].data)):
        raise ValueError(
            f"x is on the {device_of(x)}, the network on the {own}: to_device moves "
            "either"
        )


def check_ends_in_logits(model: Any) -> None:
    """Raise ValueError unless a network ends in logits."""
    if len(output_shape := model.shapes[-1]) != 1:
        raise ValueError(
            f"a classifier's output must have shape (N, K), {model} ends in "
            f"{output_shape} for each image"
        )
    if model.last.gives_probabilities:
        raise ValueError(
            f"a classifier must end in logits, {model} ends in {model.last}: leave it "
            "out, because losses and predict_proba take the softmax themselves"
        )


def check_numbers(z: Array) -> None:
    """Raise ValueError if logits contain NaN; the message says in how many rows."""
    if count := int(get_array_module(z).isnan(z).any(axis=1).sum()):
        raise ValueError(
            f"logits must be numbers, got NaN for {count} of {len(z)} images"
        )


def initial_weights(
    initializer: Callable[..., Array], shape: Shape, rng: np.random.Generator
) -> Array:
    """Return an initializer's weights as float32.

    Raises TypeError or ValueError unless it returns finite floats in this shape.
    """
    check_function("initializer", initializer, "minidl.he")
    weights = initializer(shape, rng)
    check_floats_like("initializer", weights, weights, shape, kinds="iuf")
    return check_cast("what initializer returns", weights, np.float32)


def check_channels(mean: Any, std: Any) -> tuple[Array, Array]:
    """Return both as arrays; ValueError if they have different numbers of channels."""
    pair = per_channel("mean", mean), per_channel("std", std, low=TINY)
    if len({shape for a in pair for shape in a.shape}) > 1:
        raise ValueError(
            f"mean and std must have the same number of channels, got {mean} and {std}"
        )
    return pair


def per_channel(name: str, values: Any, low: float = -inf) -> Array:
    """Return a number, or one per channel, as a read-only array.

    Raises TypeError or ValueError unless all are finite in float32 and at least `low`.
    """
    if isinstance(values, np.ndarray):
        check_array(name, values)
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.ndim > 1 or array.size == 0:
        raise TypeError(f"{name} must be a number, or one per channel, got {values!r}")
    largest = np.finfo(np.float32).max
    if not ((low <= array) & (abs(array) <= largest)).all():
        limit = "finite" if low == -inf else "above 0 and finite"
        raise ValueError(f"{name} must be {limit} in float32, got {values!r}")
    array = array.astype(np.float64)
    array.flags.writeable = False
    return array
