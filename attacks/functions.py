"""The functions that attacks are given: what they are shown, and what they return.

A gradient, loss, logits, vjp or predict may be anybody's. Each is wrapped once, when an
attack begins: from then on it is shown copies, which it must leave as they are, and
what it returns is refused by name unless an attack can follow it.
"""

from collections.abc import Callable
from typing import Any

from attacks.norms import flat
from minidl.answers import (
    answer,
    check_finite,
    check_floats_like,
    check_function,
    check_pair,
    check_probabilities,
    check_rows,
)
from minidl.backend import Array, get_array_module
from minidl.checks import check_device, check_labels


def guarded(
    name: str, function: Callable[..., Any], kind: str = ""
) -> Callable[..., Any]:
    """Return a function whose answers are checked; TypeError unless it is one.

    It is what its name says in FUNCTIONS, or another `kind`.
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

    A batch's mean would fit, too, and move all images the same way.
    """
    check_floats_like(name, g, x, x.shape, finite=False)


def check_loss(name: str, pair: Any, x: Array, y: Array) -> None:
    """Raise unless these are values (N,), and a gradient that an attack can follow.

    With NaN the image would stay as it is and pass for robust. An infinite value is
    the best or the worst; a gradient leads nowhere then.
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


# An example of each, and the check (name, what it returned, what it was given).
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
