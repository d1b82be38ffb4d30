"""Weights trained by PyTorch, converted to the layouts of this library.

    Conv2d                  (F, C, KH, KW) -> (KH, KW, C, F)
    Linear                  (M, D)         -> (D, M)
    Linear after Flatten    (M, C H W)     -> (H W C, M)

PyTorch's images are (N, C, H, W), and its Flatten writes one channel after the other;
ours are (N, H, W, C), and Flatten writes one pixel after the other.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_cast
from minidl.checks.rules import checked
from minidl.layers import Conv2D, Layer, Linear, Parameter, Sequential
from minidl.layers.base import Shape

# A parameter, its shape in PyTorch, and the conversion to our layout.
Target: TypeAlias = tuple[Parameter, tuple[int, ...], Callable[[Array], Array]]


@checked(model=Sequential, state=Mapping)
def load_torch_state(
    model: Sequential, state: Mapping[str, Any], channels_last: bool = False
) -> None:
    """Load `module.state_dict()`, the weights of a PyTorch module of the same layers.

    Tensors are taken in order, whatever their names, so the module must define its
    layers in the order in which it runs them. Set `channels_last` if it flattens
    (N, H, W, C). Raises TypeError if layers other than Conv2D and Linear have
    parameters, or if the order in which a Linear layer gets PyTorch's features can't be
    known, and ValueError, which names the tensor, for a wrong number of tensors, a
    wrong shape, and NaN or infinity; the network then stays as it was.
    """
    goals = list(targets(model, channels_last))
    if len(state) != len(goals):
        raise ValueError(
            f"state must hold {len(goals)} tensors, as the model's layers do, got "
            f"{len(state)}: {', '.join(map(str, state))}"
        )
    arrays = [
        turn(array_of(name, tensor, shape, parameter.data.dtype))
        for (name, tensor), (parameter, shape, turn) in zip(
            state.items(), goals, strict=True
        )
    ]
    for array, (parameter, _, _) in zip(arrays, goals, strict=True):
        xp = get_array_module(parameter.data)
        parameter.data[...] = xp.asarray(array)


def targets(model: Sequential, channels_last: bool) -> Iterator[Target]:
    """Yield the parameters to load, layer by layer, weights before biases."""
    order = None
    for layer, shape, out in steps(model):
        if isinstance(layer, Conv2D):
            KH, KW, C, F = layer.W.data.shape
            yield layer.W, (F, C, KH, KW), lambda W: W.transpose(2, 3, 1, 0)
            yield layer.b, (F,), np.copy
        elif isinstance(layer, Linear):
            D, M = layer.W.data.shape
            yield layer.W, (M, D), rows(order)
            yield layer.b, (M,), np.copy
            order = None
        elif layer.params:
            raise TypeError(
                f"model must learn in Conv2D and Linear layers only, got {layer}"
            )
        elif not channels_last:
            order = order_after(order, layer, shape, out)


def steps(model: Sequential) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Yield all layers, those of nested networks too, with input and output shape."""
    for step in zip(model.layers, model.shapes, model.shapes[1:], strict=False):
        yield from steps(step[0]) if isinstance(step[0], Sequential) else [step]


def order_after(
    order: Array | None, layer: Layer, shape: Shape, out: Shape
) -> Array | None:
    """Return PyTorch's number of each feature that a layer puts out; None: the same.

    A layer that flattens, in whatever order, is shown an image of PyTorch's numbers.
    Raises TypeError if their order is lost.
    """
    if len(out) == len(shape) and (order is None or out == shape):
        return order
    if len(shape) == 3 and out == (math.prod(shape),):
        H, W, C = shape
        numbers = np.arange(H * W * C, dtype=np.float64)
        images = numbers.reshape(1, C, H, W).transpose(0, 2, 3, 1)
        found = layer.forward(np.ascontiguousarray(images))[0]
        if np.array_equal(np.sort(found), numbers):
            return found.astype(int)
    elif len(shape) == 3 and out == shape[2:]:  # one number a channel, such as the mean
        return None
    raise TypeError(
        f"model must flatten images to all their numbers, or to one for each channel, "
        f"got {layer} from {shape} to {out}: the order of PyTorch's features is lost"
    )


def rows(order: Array | None) -> Callable[[Array], Array]:
    """Return the conversion of a Linear layer's weights, (M, D) -> (D, M)."""
    return lambda W: W.T if order is None else W.T[order]


def array_of(name: str, tensor: Any, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return a tensor or an array as a NumPy array; raise unless it fits."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point():  # NumPy has no bfloat16
            tensor = tensor.double()
    elif isinstance(tensor, np.ndarray):
        check_array(f"state[{name!r}]", tensor)
    array = np.asarray(tensor)
    if array.shape != shape:
        raise ValueError(f"state[{name!r}] must have shape {shape}, got {array.shape}")
    if array.dtype.kind != "f":
        raise ValueError(f"state[{name!r}] must hold finite floats, got {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(
            f"state[{name!r}] must hold finite floats, got NaN or infinity"
        )
    return check_cast(f"state[{name!r}]", array, dtype)
