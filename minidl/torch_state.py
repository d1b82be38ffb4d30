"""Weights trained by PyTorch, converted to the layouts of this library.

    Conv2d                  (F, C, KH, KW) -> (KH, KW, C, F)
    Linear                  (M, D)         -> (D, M)
    Linear after Flatten    (M, C H W)     -> (H W C, M)

PyTorch's images are (N, C, H, W), and its Flatten writes one channel after the other;
ours are (N, H, W, C), and Flatten writes one pixel after the other.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.layers import Conv2D, Flatten, Linear, Parameter, Sequential
from minidl.rules import checked

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
    parameters, and ValueError, which names the tensor, for a wrong number of tensors, a
    wrong shape, and NaN or infinity; the network then stays as it was.
    """
    goals = list(targets(model, channels_last))
    if len(state) != len(goals):
        raise ValueError(
            f"state must hold {len(goals)} tensors, as the model's layers do, got "
            f"{len(state)}: {', '.join(map(str, state))}"
        )
    arrays = [
        turn(array_of(name, tensor, shape))
        for (name, tensor), (_, shape, turn) in zip(state.items(), goals, strict=True)
    ]
    for array, (parameter, _, _) in zip(arrays, goals, strict=True):
        xp = get_array_module(parameter.data)
        parameter.data[...] = xp.asarray(array.astype(parameter.data.dtype))


def targets(model: Sequential, channels_last: bool) -> Iterator[Target]:
    """Yield the parameters to load, layer by layer, weights before biases."""
    images: tuple[int, ...] = ()  # (H, W, C) of what has been flattened
    for layer, shape in zip(model.layers, model.shapes, strict=False):
        if isinstance(layer, Conv2D):
            KH, KW, C, F = layer.W.data.shape
            yield layer.W, (F, C, KH, KW), lambda W: W.transpose(2, 3, 1, 0)
            yield layer.b, (F,), np.copy
        elif isinstance(layer, Linear):
            D, M = layer.W.data.shape
            yield layer.W, (M, D), of_pixels(() if channels_last else images)
            yield layer.b, (M,), np.copy
            images = ()
        elif isinstance(layer, Flatten) and len(shape) == 3:  # a second one: identity
            images = shape
        elif layer.params:
            raise TypeError(
                f"model must learn in Conv2D and Linear layers only, got {layer}"
            )


def of_pixels(images: tuple[int, ...]) -> Callable[[Array], Array]:
    """Return the conversion of a Linear layer's weights, (M, C H W) -> (H W C, M)."""
    if len(images) != 3:
        return np.transpose
    H, W, C = images

    def turn(weights: Array) -> Array:
        M = len(weights)
        return weights.reshape(M, C, H, W).transpose(2, 3, 1, 0).reshape(-1, M)

    return turn


def array_of(name: str, tensor: Any, shape: tuple[int, ...]) -> Array:
    """Return a tensor or an array as a NumPy array; ValueError unless it fits."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().double()
    array = np.asarray(tensor)
    if array.shape != shape:
        raise ValueError(f"state[{name!r}] must have shape {shape}, got {array.shape}")
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"state[{name!r}] must hold finite floats")
    return array
