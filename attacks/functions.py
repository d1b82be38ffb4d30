"""Checks on the functions that attacks are given: gradient, loss, logits, predict ...

Users write such functions too. `guarded` wraps each once, when an attack begins. A
wrapped function gets copies, which it must not change, and a result that no attack can
follow raises an error with the function's name.
"""

from collections.abc import Callable
from typing import Any

from attacks.norms import flat
from minidl.backend import Array, get_array_module
from minidl.checks import check_device, check_labels
from minidl.checks.answers import (
    answer,
    check_finite,
    check_floats_like,
    check_function,
    check_pair,
    check_probabilities,
    check_rows,
)


def guarded(
    name: str, function: Callable[..., Any], kind: str = ""
) -> Callable[..., Any]:
    """Return a function whose results are checked; TypeError unless it is a function.

    FUNCTIONS has the check under the function's `kind`, or by default its name.
    """
    example, check = FUNCTIONS[kind or name]
    check_function(name, function, example)

    def call(*arguments: Array) -> Any:
        answered = answer(name, function, *arguments)
        check(name, answered, *arguments)
        return answered

    return call


def check_gradient(name: str, g: Any, x: Array, y: Array | None = None) -> None:
    """Raise unless there is one gradient for each image, finite or not.

    The mean over a batch would broadcast, and move all images the same way.
    """
    check_floats_like(name, g, x, x.shape, finite=False)


def check_loss(name: str, pair: Any, x: Array, y: Array) -> None:
    """Raise unless these are values (N,), and a gradient that an attack can follow.

    With NaN an image would stay as it is and count as robust. Values may be infinite,
    as the best or the worst; gradients must be finite.
    """
    values, gradient = check_pair(name, pair, x, len(x), finite=False)
    lost = get_array_module(x).isnan(values) | ~finite_images(gradient)
    if count := int(lost.sum()):
        raise ValueError(
            f"{name} must return numbers, got NaN for {count} of {len(x)} images"
        )


def check_logits(name: str, z: Any, x: Array) -> None:
    """Raise unless these are finite logits, (N, K)."""
    check_rows(name, z, len(x), "f")
    check_finite(name, z)


def check_classes(name: str, classes: Any, x: Array) -> None:
    """Raise unless there is one class for each image."""
    check_labels(f"what {name} returns", classes, len(x))
    check_device(f"what {name} returns", classes, x)


def finite_images(x: Array) -> Array:
    """Tell which images hold finite numbers only; (N,) bool."""
    return get_array_module(x).isfinite(flat(x)).all(axis=1)


# For each function an example, and its check of (name, result, *arguments).
FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "gradient": ("model_gradient(model)", check_gradient),
    "loss": ("model_loss(model)", check_loss),
    "loss of logits": (
        "margin",
        lambda name, pair, z, y: check_pair(name, pair, z, len(z), finite=False),
    ),
    "logits": ("logits_of(network(model))", check_logits),
    "vjp": (
        "vjp_of(network(model))",
        lambda name, g, x, dz: check_floats_like(
            name, g, x, (*dz.shape[:-2], *x.shape)
        ),
    ),
    "predict": ("model.predict", check_classes),
    "predict_proba": (
        "model.predict_proba",
        lambda name, p, x: check_probabilities(name, p, len(x)),
    ),
}
