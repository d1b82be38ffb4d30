"""A network: layers one after another, and the chain rule through all of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minidl.backend import Array, rounds_to_zero
from minidl.checks import check_count, check_generator, check_shape, several
from minidl.checks.layers import check_layers
from minidl.checks.networks import (
    check_ends_in_logits,
    check_input,
    check_numbers,
)
from minidl.checks.settings import fixed
from minidl.fusion import fuse
from minidl.layer_passes import one_pass
from minidl.layers.activations import softmax
from minidl.layers.base import Layer, Shape, parameters_in
from minidl.layers.parameter import Parameter


class Sequential(Layer):
    """The composition of layers, z = f_L(... f_2(f_1(x))), up to the logits z.

    Threads may share a network, and networks may share layers: `backward` belongs to
    the latest `forward` of the same thread and network.
    Shapes: x (N, *input_shape), z (N, K). Raises TypeError for anything but layers, and
    ValueError if the shapes of two neighbours don't fit, or if a layer occurs twice,
    even inside nested networks: a layer remembers only one input.
    Neighbours run as one, so a `forward` that a layer is given later isn't called.
    """

    layers: tuple[Layer, ...] = fixed()
    input_shape: Shape = fixed()
    fused: tuple[Layer, ...] = fixed()  # the layers that run: the same function, faster
    shapes: tuple[Shape, ...] = fixed()  # of each layer's input, and the last output
    memory = Layer.latest  # which holds its layers' memories

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        self.layers = check_layers(layers)
        self.input_shape = several("input_shape", input_shape, check_count, "sizes")
        self.fused = tuple(fuse(self.layers))
        self.shapes = tuple(shapes_through(self.layers, self.input_shape))

    @property
    def params(self) -> tuple[Parameter, ...]:
        """All layers' parameters, in order."""
        return tuple(parameters_in(self.layers))

    @property
    def last(self) -> Layer:
        """The last layer; if it is a network, that network's last layer."""
        layer = self.layers[-1]
        return layer.last if isinstance(layer, Sequential) else layer

    @property
    def classes(self) -> int:
        """The number K of classes, which is the number of logits.

        Raises ValueError unless the network ends in logits.
        """
        check_ends_in_logits(self)
        return self.shapes[-1][0]

    @one_pass
    @rounds_to_zero
    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the logits of x."""
        check_input(x, self.input_shape, self.params)
        if rng is not None:
            check_generator("rng", rng)
        self.latest = None  # frees the arrays of the last batch
        N, kept = len(x), []
        for layer in self.fused:
            x = layer.forward(x, rng)
            kept.append(layer.memory)
        check_shape("out", x, (N, *self.shapes[-1]))
        return self.remember(x, kept)

    @rounds_to_zero
    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """Chain rule: each layer's dJ/dinput is its predecessor's dJ/doutput.

        Without input_grad, it stops at the first layer that has parameters.
        """
        kept = self.recall(dout)
        first = 0 if input_grad else self.first_learned
        for i in reversed(range(first, len(self.fused))):
            layer = self.fused[i]
            layer.memory = kept[i]  # another network may have used it since
            asked = (param_grads, input_grad or i > first) if layer.params else ()
            dout = layer.backward(dout, *asked)
        return dout if input_grad else None

    @property
    def first_learned(self) -> int:
        """Index in `fused` of the first layer with parameters; its length if none."""
        learned = (i for i, layer in enumerate(self.fused) if layer.params)
        return next(learned, len(self.fused))

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the logits' shape: a network can be a layer of another."""
        if input_shape != self.input_shape:
            raise ValueError(f"{self} takes {self.input_shape}, got {input_shape}")
        return self.shapes[-1]

    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities p = softmax(z). Shapes: x (N, ...), p (N, K).

        Raises ValueError unless the network ends in logits.
        """
        check_ends_in_logits(self)
        return softmax(self.forward(x))

    def predict(self, x: Array) -> Array:
        """Return the most probable class of each image. Shapes: (N, ...) -> (N,).

        Raises ValueError unless the network ends in logits, and for NaN among them:
        argmax would pick it as the class.
        """
        check_ends_in_logits(self)
        z = self.forward(x)
        check_numbers(z)
        return z.argmax(axis=1)

    def __repr__(self) -> str:
        return f"Sequential of {len(self.layers)} layers"


def shapes_through(layers: Sequence[Layer], shape: Shape) -> Iterator[Shape]:
    """Yield the shape of each layer's input, and of the last layer's output."""
    yield shape
    for layer in layers:
        shape = layer.output_shape(shape)
        yield shape
