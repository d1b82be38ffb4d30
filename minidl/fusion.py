"""Neighbouring layers that run as one, because memory is slower than arithmetic.

A separate ReLU, pooling or dropout layer reads and writes every number once more. Right
after a convolution, they cost next to nothing: each block of images is rectified and
pooled while it is still in the cache, and on a GPU all three are one kernel.
`Sequential` runs these blocks; its `layers`, `trace` and `summary` show the layers as
they were given.

After ReLU and dropout, out = max(u, 0) m. The mask m isn't stored, because
dJ/du = dJ/dout / (1 - rate) where out > 0, and 0 elsewhere.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minidl import kernels
from minidl.backend import Array
from minidl.checks import check_features
from minidl.layers.activations import ReLU
from minidl.layers.base import Layer
from minidl.layers.conv import Conv2D
from minidl.layers.dropout import Dropout
from minidl.layers.linear import Linear
from minidl.layers.pooling import MaxPool2D


class ConvBlock(Layer):
    """Convolution, ReLU and, optionally, 2x2 max pooling and dropout.

    A block with neither ends in its ReLU, out = max(u, 0). If another block follows,
    that block also takes the derivative of this ReLU, as it computes dJ/dout
    (`after_relu`), and this block leaves it out (`before_block`).
    Shapes: x (N, H, W, C), out (N, OH, OW, F), or pooled (N, OH // 2, OW // 2, F).
    """

    memory = Layer.latest  # the layers within remember nothing

    def __init__(
        self, conv: Conv2D, pool: bool, dropout: Dropout | None = None
    ) -> None:
        self.conv, self.pool, self.dropout = conv, pool, dropout
        self.after_relu = self.before_block = False

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return max(x * W + b, 0), or its maxima in 2x2 windows, after dropout."""
        conv, (rate, seed) = self.conv, drawn(self.dropout, rng)
        arguments = (x, conv.W.data, conv.b.data, *conv.how)
        training = rng is not None  # backward needs the columns
        block = kernels.conv2d_block(*arguments, self.pool, rate, seed, training)
        return self.remember(block[0], (x, *block, 1 / (1 - rate)))

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """Derivative of ReLU first, which commutes with pooling, then of the others."""
        x, out, argmax, col, scale = self.recall(dout)
        relu_out = None if self.before_block else out
        block = relu_out, argmax, col, scale, self.after_relu
        return self.conv.gradients(x, dout, param_grads, input_grad, *block)

    def __repr__(self) -> str:
        return described(self.conv, self.dropout, ", MaxPool2D(2x2)" * self.pool)


class LinearBlock(Layer):
    """Fully connected layer, ReLU and, optionally, dropout.

    Shapes: x (N, D), out (N, M).
    """

    memory = Layer.latest

    def __init__(self, linear: Linear, dropout: Dropout | None = None) -> None:
        self.linear, self.dropout = linear, dropout

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return max(x W + b, 0), after dropout."""
        W, b = self.linear.W.data, self.linear.b.data
        check_features("x", x, len(W))
        rate, seed = drawn(self.dropout, rng)
        out = kernels.bias_relu(kernels.matmul(x, W), b, rate, seed)
        return self.remember(out, (x, out, 1 / (1 - rate)))

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """Derivative of ReLU and dropout first, then of x W + b."""
        x, out, scale = self.recall(dout)
        du = kernels.relu_grad(dout, out, scale)
        self.linear.remember(du, x)
        return self.linear.backward(du, param_grads, input_grad)

    def __repr__(self) -> str:
        return described(self.linear, self.dropout)


def drawn(
    dropout: Dropout | None, rng: np.random.Generator | None
) -> tuple[float, int]:
    """Return a mask's rate and seed; rate 0 without dropout or outside training."""
    return (0.0, 0) if dropout is None or rng is None else dropout.draw(rng)


def described(first: Layer, dropout: Dropout | None, pool: str = "") -> str:
    """Return a block's layers as text."""
    return f"{first}, ReLU(){pool}{f', {dropout}' if dropout else ''}"


def fuse(layers: Sequence[Layer]) -> list[Layer]:
    """Return blocks that compute the same function as the layers."""
    blocks = list(merged(list(layers)))
    for first, second in pairwise(blocks):
        if isinstance(first, ConvBlock) and isinstance(second, ConvBlock):
            alone = not first.pool and first.dropout is None
            first.before_block = second.after_relu = alone
    return blocks


def merged(rest: list[Any]) -> Iterator[Layer]:
    """Yield the layers, with each Conv2D or Linear, ReLU, ... merged into one block."""
    while rest:
        first = rest.pop(0)
        if not begins([first], Conv2D, Linear) or not begins(rest, ReLU):
            yield first
            continue
        rest.pop(0)
        halved = type(first) is Conv2D and begins(rest, MaxPool2D)
        if pool := halved and rest[0].size == rest[0].stride == 2:
            rest.pop(0)
        dropout = rest.pop(0) if begins(rest, Dropout) else None
        if type(first) is Conv2D:
            yield ConvBlock(first, pool, dropout)
        else:
            yield LinearBlock(first, dropout)


def begins(layers: list[Any], *kinds: type[Layer]) -> bool:
    """Return whether the first layer computes what one of these very classes does.

    A subclass may differ, and so may an object with a function of its own.
    """
    own = {"forward", "backward"}
    return any(
        type(layer) in kinds and own.isdisjoint(vars(layer)) for layer in layers[:1]
    )
