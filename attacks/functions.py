"""The functions that attacks are given: what they are shown, and what they return.

A gradient, loss, logits, vjp or predict may be anybody's. Each is wrapped once, when an
attack begins: from then on it is shown copies, which it must leave as they are, and
what it returns is refused by name unless an attack can follow it.
"""

from collections.abc import Callable
from typing import Any

from attacks.gradients import GradientFn
from attacks.norms import flat
from attacks.victims import VJP, Logits, LossFn, Predict, PredictProba
from minidl.answers import answer, check_function, check_rows, probabilities
from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_device, check_labels


def gradient_function(name: str, gradient: GradientFn) -> GradientFn:
    """Return a gradient function whose results are like x."""
    check_function(name, gradient, "model_gradient(model)")

    def checked(x: Array, y: Array) -> Array:
        g = answer(name, gradient, x, y)
        check_gradient(name, g, x, x.shape)
        return g

    return checked


def loss_function(name: str, loss: LossFn) -> LossFn:
    """Return a loss whose values are (N,), and whose gradient is like x and finite.

    No attack could follow NaN: the image would stay as it is and pass for robust.
    """
    check_function(name, loss, "model_loss(model)")

    def checked(x: Array, y: Array) -> tuple[Array, Array]:
        pair = answer(name, loss, x, y)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"{name} must return two arrays, values and gradient, got "
                f"{type(pair).__name__}"
            )
        values, gradient = pair
        check_gradient(name, gradient, x, x.shape)
        check_values(name, values, x)
        xp = get_array_module(x)
        # An infinite value is the best or the worst; a gradient leads nowhere then.
        lost = xp.isnan(values) | ~finite_images(gradient)
        if count := int(lost.sum()):
            raise ValueError(
                f"{name} must return numbers, got NaN for {count} of {len(x)} images"
            )
        return values, gradient

    return checked


def logits_function(name: str, logits: Logits) -> Logits:
    """Return a function whose logits are finite, (N, K)."""
    check_function(name, logits, "logits_of(network(model))")

    def checked(x: Array) -> Array:
        z = answer(name, logits, x)
        check_rows(name, z, len(x), "f")
        check_finite(name, z)
        return z

    return checked


def vjp_function(name: str, vjp: VJP) -> VJP:
    """Return a vjp whose results are finite, and one like x for each (N, K) of dz."""
    check_function(name, vjp, "vjp_of(network(model))")

    def checked(x: Array, dz: Array) -> Array:
        g = answer(name, vjp, x, dz)
        check_gradient(name, g, x, (*dz.shape[:-2], *x.shape))
        check_finite(name, g)
        return g

    return checked


def predict_function(name: str, predict: Predict) -> Predict:
    """Return a function whose classes are integers, (N,)."""
    check_function(name, predict, "model.predict")

    def checked(x: Array) -> Array:
        classes = answer(name, predict, x)
        check_labels(f"what {name} returns", classes, len(x))
        check_device(f"what {name} returns", classes, x)
        return classes

    return checked


def probability_function(name: str, predict_proba: PredictProba) -> PredictProba:
    """Return a function whose probabilities are some, (N, K)."""
    check_function(name, predict_proba, "model.predict_proba")
    return lambda x: probabilities(predict_proba, x, name)


def check_gradient(name: str, g: Any, x: Array, shape: tuple[int, ...]) -> None:
    """Raise TypeError or ValueError unless a gradient has x's shape, kind and device.

    A batch's mean would fit, too, and move all images the same way.
    """
    check_array(f"what {name} returns", g)
    if g.shape != shape:
        raise ValueError(
            f"{name} must return an array of shape {shape}, like x, got {g.shape}"
        )
    check_kind(name, g, x)


def check_values(name: str, values: Any, x: Array) -> None:
    """Raise TypeError or ValueError unless a loss has one value for each image."""
    if getattr(values, "shape", None) != (len(x),):
        got = getattr(values, "shape", type(values).__name__)
        raise ValueError(
            f"{name} must return a value for each of {len(x)} images, got {got}"
        )
    check_array(f"what {name} returns", values)
    check_kind(name, values, x)


def check_kind(name: str, a: Array, x: Array) -> None:
    """Raise TypeError unless an array holds floats, and lies where x does."""
    if a.dtype.kind != "f":
        raise TypeError(f"{name} must return floats, got {a.dtype}")
    if (own := get_array_module(a)) is not (other := get_array_module(x)):
        raise TypeError(
            f"{name} must return arrays where x lies, got {own.__name__}'s for "
            f"{other.__name__}'s"
        )


def check_finite(name: str, a: Array) -> None:
    """Raise ValueError for NaN or infinity: no way leads on from there."""
    if not get_array_module(a).isfinite(a).all():
        raise ValueError(f"{name} must return finite numbers, got NaN or infinity")


def finite_images(x: Array) -> Array:
    """Tell which images hold finite numbers only; (N,) bool."""
    finite: Array = get_array_module(x).isfinite(flat(x)).all(axis=1)
    return finite


FUNCTIONS: dict[str, Callable[[str, Any], Any]] = {
    "gradient": gradient_function,
    "loss": loss_function,
    "logits": logits_function,
    "vjp": vjp_function,
    "predict": predict_function,
    "predict_proba": probability_function,
}
