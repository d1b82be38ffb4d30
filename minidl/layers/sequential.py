"""A network: layers one after another, and the chain rule through all of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module, rounds_to_zero
from minidl.checks import (
    check_batch,
    check_count,
    check_generator,
    check_shape,
)
from minidl.layers.activations import softmax
from minidl.layers.base import Layer, Shape, parameters_in
from minidl.layers.fused import fuse
from minidl.layers.parameter import Parameter
from minidl.settings import fixed


class Sequential(Layer):
    """The composition of layers, z = f_L(... f_2(f_1(x))), up to the logits z.

    Threads may share a network, and networks may share layers: `backward` belongs to
    the latest `forward` of the same thread and network.
    Shapes: x (N, *input_shape), z (N, K). Raises TypeError for what is no layer, and
    ValueError if two neighbours' shapes don't fit, or if one layer stands in two
    places, also of networks within: each keeps its own input.
    """

    layers: tuple[Layer, ...] = fixed()
    input_shape: Shape = fixed()
    steps: tuple[Layer, ...] = fixed()  # what runs: the same function, faster
    shapes: tuple[Shape, ...] = fixed()  # of each layer's input, and the last output

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        self.layers = check_layers(layers)
        self.input_shape = check_input_shape(input_shape)
        self.steps = tuple(fuse(self.layers))
        self.shapes = tuple(shapes_through(self.layers, self.input_shape))

    def find_params(self) -> list[Parameter]:
        """Return all layers' parameters, in order."""
        return parameters_in(self.layers)

    @property
    def classes(self) -> int:
        """The number K of classes, which is the number of logits.

        Raises ValueError for a network that ends in anything but logits.
        """
        if len(self.shapes[-1]) != 1:
            raise ValueError(
                f"a classifier's output must have shape (N, K), {self} ends in "
                f"{self.shapes[-1]} for each image"
            )
        return self.shapes[-1][0]

    @rounds_to_zero
    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the logits of x."""
        self.check_input(x)
        if rng is not None:
            check_generator("rng", rng)
        self.latest = None  # lets go of the arrays that the last batch has left
        kept = []
        for layer in self.steps:
            x = layer.forward(x, rng)
            kept.append(layer.latest)
        check_shape("out", x, (len(x), *self.shapes[-1]))
        return self.remember(x, kept)

    def check_input(self, x: Array) -> None:
        """Raise unless x is a batch of inputs, in floats, on the network's device."""
        check_batch("x", x)
        if x.shape[1:] != self.input_shape:
            expected = ", ".join(map(str, ("N", *self.input_shape)))
            raise ValueError(f"x must have shape ({expected}), got {x.shape}")
        params = self.params
        check_params(params)
        if params and device_of(x) != device_of(params[0].data):
            raise ValueError(
                f"x is on the {device_of(x)}, the network on the {self.device}: "
                "to_device moves either"
            )

    @rounds_to_zero
    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | Any:  # None only where no gradient of x is asked for
        """Chain rule: each layer's dJ/dinput is its predecessor's dJ/doutput.

        Without the input's gradient, it ends at the first layer that learns.
        """
        kept = self.recall(dout)
        first = 0 if input_grad else self.first_learned
        dx: Any = dout
        for i in reversed(range(first, len(self.steps))):
            layer = self.steps[i]
            layer.latest = kept[i]  # another network may have used it since
            dx = layer.backward(dx, param_grads, input_grad or i > first)
        return dx if input_grad else None

    @property
    def first_learned(self) -> int:
        """Index of the first of `steps` with parameters."""
        return next((i for i, layer in enumerate(self.steps) if layer.params), 0)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the logits' shape: a network can be a layer of another."""
        if input_shape != self.input_shape:
            raise ValueError(f"{self} takes {self.input_shape}, got {input_shape}")
        return self.shapes[-1]

    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities p = softmax(z). Shapes: x (N, ...), p (N, K)."""
        return softmax(self.forward(x))

    def predict(self, x: Array) -> Array:
        """Return the most probable class of each image. Shapes: (N, ...) -> (N,).

        Raises ValueError for NaN among the logits: argmax would take it for the class.
        """
        z = self.forward(x)
        lost = get_array_module(z).isnan(z).any(axis=1)
        if count := int(lost.sum()):
            raise ValueError(
                f"logits must be numbers, got NaN for {count} of {len(x)} images"
            )
        return z.argmax(axis=1)

    def __repr__(self) -> str:
        return f"Sequential of {len(self.layers)} layers"


def check_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers; TypeError or ValueError if they can't form a network."""
    if not isinstance(layers, Iterable):
        raise TypeError(f"layers must be several layers, got {layers!r}")
    layers = tuple(layers)
    if not layers:
        raise ValueError("layers must hold at least one layer, got none")
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(f"layers must be layers, got {layer!r}")
    single = list(innermost(layers))
    if len({id(layer) for layer in single}) < len(single):
        raise ValueError(
            f"layers must be different objects, got {', '.join(map(str, single))}"
        )
    return layers


def innermost(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Yield layers, and in place of networks theirs."""
    for layer in layers:
        if isinstance(layer, Sequential):
            yield from innermost(layer.layers)
        else:
            yield layer


def check_input_shape(input_shape: Shape) -> Shape:
    """Return the shape of one input as integers; TypeError or ValueError for others."""
    if not isinstance(input_shape, Iterable):
        raise TypeError(f"input_shape must be a tuple, got {input_shape!r}")
    shape = tuple(input_shape)
    for size in shape:
        check_count("input_shape", size)
    return tuple(map(int, shape))


def shapes_through(layers: Sequence[Layer], shape: Shape) -> Iterator[Shape]:
    """Yield the shape of each layer's input, and of the last one's output."""
    yield shape
    for layer in layers:
        shape = layer.output_shape(shape)
        yield shape


def check_params(params: Sequence[Parameter]) -> None:
    """Raise ValueError unless all are alike, and each stands in one place only."""
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
