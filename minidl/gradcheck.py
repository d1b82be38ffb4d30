"""Is a backward pass the derivative of its forward pass? Central differences tell.

    df/dx_i  ~  (f(x + h e_i) - f(x - h e_i)) / 2 h,    error O(h^2) + O(rounding / h)

In float64 with h = 1e-5 both errors are near 1e-10, so that a correct derivative
agrees to 1e-7 or better and a wrong one doesn't. Kinks (ReLU at 0, ties in max
pooling) have no derivative: keep x away from them, as random inputs do.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, device_of, get_array_module, to_device
from minidl.checks import check_array
from minidl.checks.answers import answer, check_floats_like, check_function
from minidl.checks.layers import check_layers, check_signatures
from minidl.checks.rules import Given, alone, axes, both, checked, nonempty
from minidl.kernels.arguments import check_writeable
from minidl.layer_passes import one_pass
from minidl.layers import Layer

Scalar: TypeAlias = Callable[[], float]  # a function of arrays changed from outside

any_axes = axes("...")
scalar = alone(check_function, "lambda: float((x**2).sum())")
of_x = alone(check_function, "lambda x: float((x**2).sum())")


def check_float64(name: str, x: Array) -> None:
    """Raise TypeError unless x is an array in float64: h would drown in float32."""
    check_array(name, x)
    if x.dtype != np.float64:
        raise TypeError(f"{name} must be float64, got {x.dtype}")


def in_float64(name: str, x: Array, given: Given) -> Array:
    """Return an array in float64, of the same shape as the call's other arrays."""
    check_float64(name, x)
    return any_axes(name, x, given)


@checked(f=scalar, x=both(in_float64, check_writeable), h="(0, inf)")
def numerical_gradient(f: Scalar, x: Array, h: float = 1e-5) -> Array:
    """Return df/dx, element by element, where f() reads x.

    Shapes: x any, float64, restored after use; result like x.
    Raises TypeError unless x is float64: h would drown in float32's rounding. Raises
    ValueError if x is read-only.
    """
    gradient = get_array_module(x).empty_like(x)
    for i in np.ndindex(x.shape):
        value = float(x[i])  # on a GPU x[i] is a view, which would change with x
        try:
            x[i] = value + h
            above = float(f())  # a copy: f may reuse its result's array
            x[i] = value - h
            below = float(f())
        finally:
            x[i] = value
        gradient[i] = (above - below) / (2 * h)
    return gradient


@checked(f=of_x, x=in_float64, direction=in_float64, h="(0, inf)")
def directional_derivative(
    f: Callable[[Array], float], x: Array, direction: Array, h: float = 1e-5
) -> float:
    """Return the slope of f at x along a direction: <df/dx, direction>.

    One slope costs two evaluations, whatever the size of x, so it can check whole
    networks. Shapes: x and direction equal, both float64. Raises TypeError or
    ValueError for others.
    """
    above, below = float(f(x + h * direction)), float(f(x - h * direction))
    return (above - below) / (2 * h)


@checked(a=nonempty("..."), b=nonempty("..."))
def relative_error(a: Array, b: Array) -> float:
    """Return max|a - b| / max(|a|, |b|) over all elements, 0 if both are 0.

    It is NaN if an element is. Raises TypeError unless both are float32 or float64, and
    ValueError unless the shapes are equal: others would be broadcast.
    """
    scale = float(np.maximum(float(abs(a).max()), float(abs(b).max())))  # NaN stays
    return float(abs(a - b).max()) / scale if scale else 0.0


@checked(layer=Layer, rng="generator", training_seed="count 0..")
def check_layer(
    layer: Layer,
    x: Array,
    rng: np.random.Generator,
    training_seed: int | None = None,
) -> dict[str, float]:
    """Return the relative errors of a layer's gradients: {"x": ..., "params[0]": ...}.

    The scalar is f = <layer(x), c> with a random c, whose gradient is backward(c).
    With training_seed, every forward pass runs in training mode with that seed.
    If `backward` adds to a parameter's gradient, instead of writing it, NaN results.
    Shapes: x (N, ...) float64; the layer's parameters are float64 (`astype`). Raises
    TypeError, naming the array, for others, and for another signature than networks
    call; ValueError if the layer changes x or c; RuntimeError if a layer within runs
    twice but remembers one run alone.
    """
    check_signatures("layer", layer)
    check_layers([layer])
    arrays = {"x": x} | {f"params[{i}]": p.data for i, p in enumerate(layer.params)}
    for name, array in arrays.items():
        check_float64(name, array)
    x = arrays["x"] = x.copy()  # differences change it

    @one_pass
    def forward(x: Array) -> Array:
        seed = training_seed
        return layer.forward(x, None if seed is None else np.random.default_rng(seed))

    def gradient(x: Array, c: Array) -> Array:
        forward(x)
        asked = (True, True) if layer.params else ()  # as networks ask it
        return layer.backward(c, *asked)

    for p in layer.params:
        p.grad.fill(np.nan)
    shape = answer("layer", forward, x).shape
    c = to_device(rng.standard_normal(shape), device_of(x))
    dx = answer("layer", gradient, x, c)
    check_floats_like("backward", dx, x, x.shape, finite=False)
    gradients: list[Any] = [dx, *(p.grad.copy() for p in layer.params)]
    return {
        name: relative_error(
            numerical_gradient(lambda: float((forward(x) * c).sum()), array), gradient
        )
        for (name, array), gradient in zip(arrays.items(), gradients, strict=True)
    }
