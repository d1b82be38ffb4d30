"""The functions that attacks are given: what they are shown, and what they return.

A gradient, loss, logits, vjp or predict may be anybody's. Each is wrapped once, when an
attack begins: from then on it is shown copies, which it must leave as they are, and
what it returns is refused by name unless an attack can follow it.
"""

from collections.abc import Callable
from typing import Any

from attacks.norms import flat
from minidl.answers import answer, check_function, check_probabilities, check_rows
from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_device, check_labels


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
    """Raise TypeError or ValueError unless there is one gradient for each image.

    A batch's mean would fit, too, and move all images the same way.
    """
    check_floats_like(name, g, x, x.shape)


def check_loss(name: str, pair: Any, x: Array, y: Array) -> None:
    """Raise TypeError or ValueError unless these are values (N,), and a gradient.

    No attack could follow NaN: the image would stay as it is and pass for robust.
    """
    check_values_and_gradient(name, pair, x, y)
    values, gradient = pair
    # An infinite value is the best or the worst; a gradient leads nowhere then.
    lost = get_array_module(x).isnan(values) | ~finite_images(gradient)
    if count := int(lost.sum()):
        raise ValueError(
            f"{name} must return numbers, got NaN for {count} of {len(x)} images"
        )


def check_values_and_gradient(name: str, pair: Any, x: Array, y: Array) -> None:
    """Raise TypeError or ValueError unless these are (N,), and like x, or like z."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(
            f"{name} must return two arrays, values and gradient, got "
            f"{type(pair).__name__}"
        )
    check_floats_like(name, pair[0], x, x.shape[:1])
    check_floats_like(name, pair[1], x, x.shape)


def check_logits(name: str, z: Any, x: Array) -> None:
    """Raise TypeError or ValueError unless these are finite logits, (N, K)."""
    check_rows(name, z, len(x), "f")
    check_finite(name, z)


def check_vjp(name: str, g: Any, x: Array, dz: Array) -> None:
    """Raise TypeError or ValueError unless there is one gradient for each of dz."""
    check_floats_like(name, g, x, (*dz.shape[:-2], *x.shape))
    check_finite(name, g)


def check_classes(name: str, classes: Any, x: Array) -> None:
    """Raise TypeError or ValueError unless there is one class for each image."""
    check_labels(f"what {name} returns", classes, len(x))
    check_device(f"what {name} returns", classes, x)


def check_floats_like(name: str, a: Any, x: Array, shape: tuple[int, ...]) -> None:
    """Raise TypeError or ValueError unless these are floats, and lie where x does."""
    check_array(f"what {name} returns", a)
    check_device(f"what {name} returns", a, x)
    if a.shape != shape:
        raise ValueError(
            f"{name} must return an array of shape {shape} for {len(x)} images, "
            f"got {a.shape}"
        )
    if a.dtype.kind != "f":
        raise TypeError(f"{name} must return floats, got {a.dtype}")


def check_finite(name: str, a: Array) -> None:
    """Raise ValueError for NaN or infinity: no way leads on from there."""
    if not get_array_module(a).isfinite(a).all():
        raise ValueError(f"{name} must return finite numbers, got NaN or infinity")


def finite_images(x: Array) -> Array:
    """Tell which images hold finite numbers only; (N,) bool."""
    return get_array_module(x).isfinite(flat(x)).all(axis=1)


# An example of each, and the check of what it returns.
FUNCTIONS: dict[str, tuple[str, Callable[..., None]]] = {
    "gradient": ("model_gradient(model)", check_gradient),
    "loss": ("model_loss(model)", check_loss),
    "loss of logits": ("margin", check_values_and_gradient),
    "logits": ("logits_of(network(model))", check_logits),
    "vjp": ("vjp_of(network(model))", check_vjp),
    "predict": ("model.predict", check_classes),
    "predict_proba": (
        "model.predict_proba",
        lambda name, p, x: check_probabilities(name, p, len(x)),
    ),
}
