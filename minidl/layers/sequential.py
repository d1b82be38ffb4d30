"""A network: layers one after another, and the chain rule through all of them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.backend import Array, device_of
from minidl.checks import check_batch, check_labels
from minidl.layers.activations import softmax
from minidl.layers.base import Layer, Shape
from minidl.layers.fused import fuse
from minidl.losses import SoftmaxCrossEntropy


class TraceStep(NamedTuple):
    """What one layer did to a batch; the gradients are None without labels."""

    name: str
    input: Array
    output: Array
    dinput: Array | None = None  # dJ/dinput
    doutput: Array | None = None  # dJ/doutput
    param_grads: tuple[Array, ...] | None = None  # dJ/dparameter, one for each


class Sequential(Layer):
    """The composition of layers, z = f_L(... f_2(f_1(x))), up to the logits z.

    Shapes: x (N, *input_shape), z (N, K). Raises TypeError for what is no layer, and
    ValueError if two neighbours' shapes don't fit, or if one layer stands in two
    places, also of networks within: each keeps its own input.
    """

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        self.layers = check_layers(layers)
        self.input_shape = tuple(input_shape)
        self.steps = fuse(self.layers)  # what runs: the same function, faster
        self.params = tuple(p for layer in self.layers for p in layer.params)
        self.shapes = [self.input_shape]  # of each layer's input, and the last output
        for layer in self.layers:
            self.shapes.append(layer.output_shape(self.shapes[-1]))

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

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the logits of x."""
        self.check_input(x)
        for layer in self.steps:
            x = layer.forward(x, rng)
        return x

    def check_input(self, x: Array) -> None:
        """Raise unless x is a batch of inputs, in floats, on the network's device."""
        check_batch("x", x)
        if x.shape[1:] != self.input_shape:
            expected = ", ".join(map(str, ("N", *self.input_shape)))
            raise ValueError(f"x must have shape ({expected}), got {x.shape}")
        if self.params and device_of(x) != self.device:
            raise ValueError(
                f"x is on the {device_of(x)}, the network on the {self.device}: "
                "to_device moves either"
            )

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | None:
        """Chain rule: each layer's dJ/dinput is its predecessor's dJ/doutput.

        Without the input's gradient, it ends at the first layer that learns.
        """
        first = 0 if input_grad else self.first_learned
        dx: Any = dout
        for layer in reversed(self.steps[first:]):
            needed = input_grad or layer is not self.steps[first]
            dx = layer.backward(dx, param_grads, needed)
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
        """Return the most probable class of each image. Shapes: (N, ...) -> (N,)."""
        return self.forward(x).argmax(axis=1)

    def trace(self, x: Array, y: Array | None = None) -> Iterator[TraceStep]:
        """Yield for each layer its name, input and output, and given y its gradients.

        For stepping through: without labels, a layer runs when its step is asked for.
        Layers keep their latest input, and with labels their gradients: a `backward`
        of an earlier batch needs that one's `forward` again.
        Shapes: x (N, *input_shape), y (N,).
        """
        if y is None:
            yield from self.trace_forward(x)
            return
        self.check_input(x)
        check_labels("y", y, len(x), self.classes)
        steps = list(self.trace_forward(x))
        loss = SoftmaxCrossEntropy()
        loss.forward(steps[-1].output, y)
        dout: Any = loss.backward()
        for i, layer in reversed(list(enumerate(self.layers))):
            dx = layer.backward(dout)
            grads = tuple(p.grad.copy() for p in layer.params)
            steps[i] = steps[i]._replace(dinput=dx, doutput=dout, param_grads=grads)
            dout = dx
        yield from steps

    def trace_forward(self, x: Array) -> Iterator[TraceStep]:
        """Yield each layer's name, input and output."""
        self.check_input(x)
        for i, layer in enumerate(self.layers):
            out = layer.forward(x)
            yield TraceStep(f"{i} {layer}", x, out)
            x = out

    def summary(self) -> None:
        """Print the layers, their output shapes and their numbers of parameters."""
        rows = [("layer", "output shape", "parameters")]
        rows += [("input", str(self.input_shape), "")]
        for i, layer in enumerate(self.layers):
            size = sum(p.data.size for p in layer.params)
            rows.append((f"{i} {layer}", str(self.shapes[i + 1]), f"{size:,}"))
        total = sum(p.data.size for p in self.params)
        rows.append(("total", "", f"{total:,}"))
        width = max(len(name) for name, _, _ in rows)
        for name, shape, count in rows:
            print(f"{name:<{width}}  {shape:<16}  {count:>10}")

    def __repr__(self) -> str:
        return f"Sequential of {len(self.layers)} layers"


def check_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers; TypeError or ValueError if they can't form a network."""
    layers = tuple(layers)
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
